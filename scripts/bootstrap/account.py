"""Started as root: the unprivileged user that everything runs as, and how a process becomes it.

Guarantees: what is started through `Account.argv` has that user's identity, no supplementary group, no
capability and only the environment it is given. It keeps the terminal, so that Ctrl-C arrives.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap.places import SERVICE_HOME, SERVICE_USER
from scripts.bootstrap.tell import SetupError, tell

# Configuration files of root's home that say where packages come from, and the variable that names another
# file.
_CONFIGURATION = {
    "PIP_CONFIG_FILE": (".config/pip/pip.conf", ".pip/pip.conf"),
    "NPM_CONFIG_USERCONFIG": (".npmrc",),
    "UV_CONFIG_FILE": (".config/uv/uv.toml",),
    "NETRC": (".netrc",),
}


@dataclass(frozen=True, slots=True)
class Account:
    """The user that Onggi runs as when root starts it."""

    uid: int
    gid: int
    home: Path

    def argv(self, command: list[str], environ: Mapping[str, str]) -> list[str]:
        """`command` as this user, with `environ` alone; it gets SIGTERM if the one who starts it dies."""
        identity = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--inh-caps=-all"]
        variables = [f"{name}={value}" for name, value in environ.items()]
        return ["setpriv", *identity, "--pdeathsig=TERM", "--", "env", "-i", *variables, *command]


def take() -> Account:
    """The service user, made if there is none.

    Raises:
        SetupError: if it cannot be made, or one of that name is not an unprivileged user.
    """
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        tell("setup.user_making", user=SERVICE_USER, home=SERVICE_HOME)
        argv = ["useradd", "--system", "--user-group", "--create-home", "--home-dir", str(SERVICE_HOME)]
        done = subprocess.run([*argv, "--shell", "/usr/sbin/nologin", SERVICE_USER], check=False)
        if done.returncode != 0:
            raise SetupError("setup.user_not_made", user=SERVICE_USER) from None
        entry = pwd.getpwnam(SERVICE_USER)
    if 0 in {entry.pw_uid, entry.pw_gid}:
        raise SetupError("setup.user_is_root", user=SERVICE_USER)
    if not SERVICE_HOME.exists():
        SERVICE_HOME.mkdir(mode=0o755)
        os.chown(SERVICE_HOME, entry.pw_uid, entry.pw_gid)
    return Account(entry.pw_uid, entry.pw_gid, SERVICE_HOME)


@contextmanager
def handed_over(account: Account, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """`environ` with every file that a variable names copied to where `account` can read it, while the block
    runs.

    Root's own configuration of pip, npm and uv is added. The copies can hold credentials, so they are the
    account's alone and go when the set-up is done.
    """
    with tempfile.TemporaryDirectory(prefix="onggi-setup-") as name:
        folder = Path(name)
        given = dict(environ)
        for variable, places in _CONFIGURATION.items():
            found = [Path.home() / place for place in places if (Path.home() / place).is_file()]
            if found and variable not in {key.upper() for key in given}:
                given[variable] = str(found[0])
        for variable, value in given.items():
            if value.startswith("/") and Path(value).is_file():
                copy = folder / variable
                shutil.copyfile(value, copy)
                _give(copy, account, 0o400)
                given[variable] = str(copy)
        _give(folder, account, 0o500)
        yield given


def _give(path: Path, account: Account, mode: int) -> None:
    path.chmod(mode)
    os.chown(path, account.uid, account.gid)
