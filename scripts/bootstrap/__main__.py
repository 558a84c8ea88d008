"""`python -m scripts.bootstrap TARGET [arguments]`: sets up what TARGET needs and becomes it.

As an ordinary user: environments in that user's `$ONGGI_HOME`, the source tree where it is. As root: the
same done by the service user in a copy of the tree, since a sandbox that root launches is none.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import NoReturn

from scripts.bootstrap import environ, interpreter, system, warm
from scripts.bootstrap.environments import Builder
from scripts.bootstrap.places import Places, places
from scripts.bootstrap.root import PREPARE, RUN, as_service_user
from scripts.bootstrap.steps import Steps
from scripts.bootstrap.targets import TARGETS, Target, source_root
from scripts.bootstrap.tell import SetupError, tell


def main(arguments: list[str]) -> int:
    """Runs one target; the exit status is the target's, or 1 if the set-up failed."""
    phases = {PREPARE, RUN}
    if arguments[:1] and arguments[0] in phases:
        phases = {arguments.pop(0)}
    name, *rest = arguments
    target = TARGETS[name]
    try:
        if os.geteuid() == 0:
            return as_service_user(name, target, rest)
        here = places(source_root())
        if PREPARE in phases:
            prepare(here, target)
        if RUN in phases and target.command:
            return run(here, target, rest)
    except SetupError as error:
        tell(error.key, **error.params)
        return 1
    return 0


def prepare(here: Places, target: Target) -> None:
    """Brings the environments up to date; one at a time on one machine.

    Raises:
        SetupError: if a package or the network is missing.
    """
    python = interpreter.pick()
    system.require((*system.ALWAYS, *target.packages), python)
    here.environments.mkdir(parents=True, exist_ok=True)
    steps = Steps(dict(os.environ), here.environments)
    steps.end_on_signal()
    with (here.environments / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Builder(here, python, steps).all(dev=target.dev)
        if not target.command:
            warm.compile_now(here)


def run(here: Places, target: Target, arguments: list[str]) -> NoReturn:
    """Becomes the target's command; the parent's death ends it."""
    if warm.is_needed(here):
        warm.compile_beside(here)
    person = environ.person(os.environ.get("USER", str(os.getuid())), Path.home())
    variables = environ.for_run(os.environ, own=True) | person | {"PATH": os.environ["PATH"]}
    if target.asks_indexes:
        variables = environ.for_setup(os.environ) | variables
    argv = target.argv(here, arguments)
    os.chdir(os.environ.get("ONGGI_CALLER_FOLDER", here.source) if target.in_caller_folder else here.source)
    warm.end_with_parent()
    become(argv, environ.running(here, variables))


def become(argv: list[str], variables: dict[str, str]) -> NoReturn:
    """Replaces this process: same pid, so that signals meant for `make` arrive."""
    os.execve(argv[0], argv, variables)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
