"""The way down from root: packages, user, copy of the source tree, set-up as that user, then the command as that user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from types import FrameType

from scripts.bootstrap import environ, interpreter, mirror, system
from scripts.bootstrap.account import Account, handed_over, take
from scripts.bootstrap.places import SERVICE_SOURCE, SERVICE_USER, places
from scripts.bootstrap.targets import Target, source_root
from scripts.bootstrap.tell import SetupError


def as_service_user(name: str, target: Target, arguments: list[str]) -> int:
    """Does the target as the service user; root's last act is to become it, unless something is to be brought back.

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
    prepare = [str(python), "-m", "scripts.bootstrap", "--prepare", name]
    with handed_over(account, environ.for_setup(os.environ)) as configuration:
        done = subprocess.run(
            account.argv(prepare, {**configuration, **own}),
            check=False,
            cwd=SERVICE_SOURCE,
            stdin=subprocess.DEVNULL,
        )
    if done.returncode != 0 or not target.command:
        return done.returncode
    here = places(SERVICE_SOURCE)
    command = account.argv(target.argv(here, arguments), environ.running(here, own))
    os.chdir(SERVICE_SOURCE)
    if target.brings_back:
        code = subprocess.run(command, check=False).returncode
        bring_back(account, target.brings_back, own)
        return code
    os.execvp(command[0], command)


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
    with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd="/") as process:
        if process.stdin is None:
            raise SetupError("setup.copy_failed", folder=SERVICE_SOURCE)
        with process.stdin as stream:
            mirror.pack(source, names, stream)
    if process.returncode != 0:
        raise SetupError("setup.copy_failed", folder=SERVICE_SOURCE)


def bring_back(account: Account, names: tuple[str, ...], variables: dict[str, str]) -> None:
    """Copies what the target wrote from the copy into the working tree: regular files under `names`, nothing else."""
    present = [name for name in names if (SERVICE_SOURCE / name).exists()]
    argv = account.argv(["tar", "-C", str(SERVICE_SOURCE), "-cf", "-", "--", *present], variables)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/") as process:
        if process.stdout is None:
            return
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if member.isreg() and any(path.is_relative_to(name) for name in names):
                    archive.extract(member, source_root(), filter="data")


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)
