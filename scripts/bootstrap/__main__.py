"""`python -m scripts.bootstrap TARGET [arguments]`: sets up what TARGET needs and becomes it.

As an ordinary user: environments in that user's `$ONGGI_HOME`, the source tree where it is. As root: the
same done by the service user in a copy of the tree, since a sandbox that root launches is none.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from scripts.bootstrap import environ, interpreter, system
from scripts.bootstrap.environments import Builder
from scripts.bootstrap.places import Places, places
from scripts.bootstrap.root import as_service_user
from scripts.bootstrap.steps import Steps
from scripts.bootstrap.targets import TARGETS, Target, source_root
from scripts.bootstrap.tell import SetupError, tell

_PREPARE = "--prepare"
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Runs one target; the exit status is the target's, or 1 if the set-up failed."""
    prepare_only = arguments[:1] == [_PREPARE]
    name, *rest = arguments[1:] if prepare_only else arguments
    target = TARGETS[name]
    try:
        if os.geteuid() == 0:
            return as_service_user(name, target, rest)
        return as_ordinary_user(target, rest, prepare_only=prepare_only)
    except SetupError as error:
        tell(error.key, **error.params)
        return 1


def as_ordinary_user(target: Target, arguments: list[str], *, prepare_only: bool) -> int:
    """Sets up under this user's own `$ONGGI_HOME`, then becomes the target's command."""
    here = places(source_root())
    python = interpreter.pick()
    system.require((*system.ALWAYS, *target.packages), python)
    prepare(here, python, dev=target.dev)
    if prepare_only or not target.command:
        return 0
    base = environ.person(os.environ.get("USER", str(os.getuid())), Path.home()) | {
        "PATH": os.environ["PATH"]
    }
    variables = environ.running(here, environ.for_run(os.environ, own=True) | base)
    argv = target.argv(here, arguments)
    os.chdir(os.environ.get("ONGGI_CALLER_FOLDER", ".") if target.in_caller_folder else here.source)
    end_with_parent()
    return become(argv, variables)


def become(argv: list[str], variables: dict[str, str]) -> NoReturn:
    """Replaces this process: same pid, so that signals meant for `make` arrive."""
    os.execve(argv[0], argv, variables)  # noqa: S606 - no shell is what is wanted


def prepare(here: Places, python: Path, *, dev: bool) -> None:
    """Brings the environments up to date; one at a time on one machine."""
    here.environments.mkdir(parents=True, exist_ok=True)
    steps = Steps(dict(os.environ), here.environments)
    steps.end_on_signal()
    with (here.environments / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Builder(here, python, steps).all(dev=dev)


def end_with_parent() -> None:
    """`make` killed outright takes what it started along: SIGTERM arrives here, and outlives the exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
