"""The way down from root: packages, the unprivileged user, its copy of the source tree, the set-up and the
command.

Both run as that user; root itself only installs packages, reads the working tree and, for the targets that
write documentation, writes what comes back.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import NoReturn

from scripts.bootstrap import environ, interpreter, mirror, system
from scripts.bootstrap.account import Account, handed_over, take
from scripts.bootstrap.places import SERVICE_SOURCE, SERVICE_USER
from scripts.bootstrap.targets import Target, source_root
from scripts.bootstrap.tell import SetupError

# The two halves of the work as the service user: the first gets the package configuration, the second does
# not.
PREPARE = "--prepare"
RUN = "--run"


def as_service_user(name: str, target: Target, arguments: list[str]) -> int:
    """Does the target as the service user.

    Root's last act is to become that user, unless something is to be brought back afterwards.

    Raises:
        SetupError: if a step of the way fails.
    """
    signal.signal(signal.SIGTERM, _leave)
    python = interpreter.pick()
    system.require((*system.ALWAYS, *target.packages, "git"), python)
    account = take()
    person = environ.person(SERVICE_USER, account.home)
    own = environ.for_run(os.environ, own=False) | person
    copy_down(source_root(), account, python, own)
    bootstrap = [str(python), "-m", "scripts.bootstrap"]
    with handed_over(account, environ.for_setup(os.environ)) as configuration:
        prepare = account.argv([*bootstrap, PREPARE, name], {**configuration, **own})
        done = subprocess.run(prepare, check=False, cwd=SERVICE_SOURCE, stdin=subprocess.DEVNULL)
        if done.returncode != 0 or not target.command:
            return done.returncode
        known = {**configuration, **own} if target.asks_indexes else own
        command = account.argv([*bootstrap, RUN, name, *arguments], known)
        if target.brings_back:
            done = subprocess.run(command, check=False, cwd=SERVICE_SOURCE)
            bring_back(account, target.brings_back, own)
            return done.returncode
    os.chdir(SERVICE_SOURCE)
    return become(command)


def become(command: list[str]) -> NoReturn:
    """Replaces this process: same pid, so that signals meant for `make` arrive."""
    os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted


def copy_down(source: Path, account: Account, python: Path, variables: dict[str, str]) -> None:
    """Makes the service user's copy equal to the working tree.

    Raises:
        SetupError: if the tree is no git checkout, or the copy failed.
    """
    try:
        names = mirror.listed(source)
    except subprocess.CalledProcessError as error:
        raise SetupError("setup.not_a_checkout", folder=source) from error
    script = Path(mirror.__file__).read_text("utf-8")
    argv = account.argv([str(python), "-I", "-c", script, str(SERVICE_SOURCE)], variables)
    packed = io.BytesIO()  # a source tree is a few megabytes
    mirror.pack(source, names, packed)
    if subprocess.run(argv, check=False, input=packed.getvalue(), cwd="/").returncode != 0:
        raise SetupError("setup.copy_failed", folder=SERVICE_SOURCE)


def bring_back(account: Account, names: tuple[str, ...], variables: dict[str, str]) -> None:
    """Takes what the target wrote from the copy into the working tree: regular files under `names` only."""
    present = [name for name in names if (SERVICE_SOURCE / name).exists()]
    argv = account.argv(["tar", "-C", str(SERVICE_SOURCE), "-cf", "-", "--", *present], variables)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/") as process:
        if process.stdout is None:
            return
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                inside = ".." not in path.parts and any(path.is_relative_to(name) for name in names)
                if member.isreg() and inside and (content := archive.extractfile(member)):
                    target = source_root() / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)
