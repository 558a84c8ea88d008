"""What each `make` target needs and becomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap.places import Places

SANDBOX = ("bubblewrap",)
BROWSER = ("chromium", "fonts-nanum", "libatomic1")  # the last for the Node that drives the browser
TESTED_WITH = ("postgresql", "linux-libc-dev")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to do.

    Args:
        command: what to become; the first word is a program of the platform environment. Empty: only set up.
        packages: Debian packages it needs beside those of the set-up itself.
        dev: whether it needs locks/dev.txt.
        brings_back: folders that it writes in the source tree; as root they are copied back from the mirror.
        in_caller_folder: an ordinary user's paths among the arguments mean what they mean in their shell.
        asks_indexes: the command itself talks to package indexes, so it gets their configuration.
    """

    command: tuple[str, ...] = ()
    packages: tuple[str, ...] = SANDBOX
    dev: bool = False
    brings_back: tuple[str, ...] = ()
    in_caller_folder: bool = False
    asks_indexes: bool = False

    def argv(self, places: Places, arguments: list[str]) -> list[str]:
        """The command with its program's full path."""
        program, *rest = self.command
        return [str(places.platform / "bin" / program), *rest, *arguments]


def _checks(*names: str) -> tuple[str, ...]:
    return ("python", "-m", "scripts.checks", *names)


TARGETS = {
    "env": Target(),
    "demo": Target(("onggi", "up")),
    "tour": Target(("onggi", "tour")),
    "cli": Target(("onggi",), in_caller_folder=True),
    "test": Target(
        _checks("lint", "types", "imports", "tests"), (*SANDBOX, *BROWSER, *TESTED_WITH), dev=True
    ),
    "lint": Target(_checks("lint"), (), dev=True),
    "type": Target(_checks("types", "imports"), (), dev=True),
    "unit": Target(_checks("unit"), (), dev=True),
    "bench": Target(_checks("bench"), (*SANDBOX, *BROWSER), dev=True, brings_back=("docs",)),
    "screenshots": Target(_checks("screenshots"), (*SANDBOX, *BROWSER), dev=True, brings_back=("docs",)),
    "docs": Target(_checks("docs"), (), dev=True, brings_back=("docs",)),
    "lock": Target(
        ("python", "-m", "scripts.lock"), (), brings_back=("locks", "package-lock.json"), asks_indexes=True
    ),
}


def source_root() -> Path:
    """The source tree that this file belongs to."""
    return Path(__file__).resolve().parents[2]
