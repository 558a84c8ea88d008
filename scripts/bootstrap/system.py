"""Debian packages: installed when we may, else named with the exact line to run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from scripts.bootstrap.installer import pip_command
from scripts.bootstrap.places import COMMON_PATH
from scripts.bootstrap.tell import SetupError, tell

# Every target needs the set-up, and the set-up needs pip once.
ALWAYS = ("python3-venv",)
# Packages that bring no program of their own name, by a file that they bring.
_FILES = {
    "fonts-nanum": "share/fonts/**/Nanum*.ttf",
    "libatomic1": "lib/*/libatomic.so.1",
    "linux-libc-dev": "include/linux/audit.h",
    "postgresql": "lib/postgresql/*/bin/initdb",
}


def require(packages: tuple[str, ...], interpreter: Path) -> None:
    """Makes sure that Debian's `packages` are there.

    Raises:
        SetupError: when one is missing and neither root nor a sudo without a password can install it.
    """
    missing = [name for name in packages if not _present(name, interpreter)]
    if not missing:
        return
    listed = " ".join(missing)
    prefix = _privilege()
    if prefix is None or shutil.which("apt-get") is None:
        raise SetupError("setup.packages_missing", packages=listed)
    tell("setup.packages_installing", packages=listed)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        command = [*prefix, "apt-get", *argv]
        done = subprocess.run(
            command, check=False, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        if done.returncode != 0 and argv[0] == "install":
            raise SetupError("setup.packages_missing", packages=listed)


def _present(package: str, interpreter: Path) -> bool:
    if package == "python3-venv":  # it brings the pip that installs our installer
        return pip_command(interpreter) is not None
    if package in _FILES:
        return any(Path("/usr").glob(_FILES[package]))
    program = {"bubblewrap": "bwrap"}.get(package, package)
    return shutil.which(program, path=COMMON_PATH) is not None


def _privilege() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True)
    return ["sudo", "-n"] if asked.returncode == 0 else None
