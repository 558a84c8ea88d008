"""What a box is: a value that says everything the command in it will see and may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from onggi.sandbox.limits import Limits

BOX_ID = 1000
MIB = 1024**2


class Network(StrEnum):
    """Which network a box has."""

    NONE = "none"
    """Its own, with nothing but a loopback of its own. For everything hostile."""
    HOST = "host"
    """The host's. For our own session server alone, which must reach the hub's loopback ports."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host, shown in the box at `target`."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """A folder in memory that ends with the box and cannot outgrow its size."""

    target: str
    size_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class Box:
    """A command and its surroundings. Nothing is added: no variable, file or descriptor that is not named
    here, but `/usr` (read-only), `/proc`, a small `/dev` and a generated `/etc`.

    Attributes:
        argv: the command; its program is a path in the box.
        binds: host files shown; a longer target may lie inside a shorter one.
        tmpfs: folders in memory.
        env: all variables that the command will have.
        network: see `Network`.
        limits: see `Limits`.
        processors: the processors that the box is kept to; empty leaves it free.
        cwd: the command's working folder.
        hostname: what the box takes for the machine's name.
        home: the home folder in its password file.
        user: the name in its password file.
    """

    argv: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = (Tmpfs("/tmp"), Tmpfs("/dev/shm"))  # noqa: S108 - inside the box
    env: Mapping[str, str] = field(default_factory=dict)
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)
    processors: tuple[int, ...] = ()
    cwd: str = "/"
    hostname: str = "onggi"
    home: str = "/"
    user: str = "researcher"


def interpreter_binds(environment: Path, target: str) -> tuple[Bind, ...]:
    """The binds that make a virtual environment run in a box at `target`.

    An environment made from a Python outside `/usr` needs that Python too, at its own place.
    """
    binds = [Bind(str(environment), target)]
    for line in (environment / "pyvenv.cfg").read_text("utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            base = Path(value.strip()).resolve().parent
            if not base.is_relative_to("/usr"):
                binds.append(Bind(str(base), str(Path(value.strip()).parent)))
    return tuple(binds)
