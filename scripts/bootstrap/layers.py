"""The layers of an installation and when each is made anew.

A layer's stamp is the hash of everything it is made from: its locks, the interpreter, the place of the source
tree. Same hash, nothing to do; so a second `make env` only reads the locks.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap.tell import tell


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder under env/ and how it comes about.

    Args:
        name: what the person is told; also the stamp's name.
        folder: where it is.
        inputs: the files it is made from.
        facts: other things it depends on.
        build: makes it; may find an older one there.
    """

    name: str
    folder: Path
    inputs: tuple[Path, ...]
    facts: tuple[str, ...]
    build: Callable[[], None]

    @property
    def stamp(self) -> Path:
        """The file that holds the hash of the last complete build; lost with the folder."""
        return self.folder / f".{self.name}.stamp"

    def digest(self) -> str:
        """SHA-256 over all that the layer is made from."""
        total = hashlib.sha256()
        for part in (*(path.read_bytes() for path in self.inputs), *(fact.encode() for fact in self.facts)):
            total.update(hashlib.sha256(part).digest())
        return total.hexdigest()

    def is_current(self) -> bool:
        """Whether the last build was complete and made from the same things."""
        try:
            return self.stamp.read_text() == self.digest()
        except OSError:
            return False

    def ensure(self) -> bool:
        """Builds it unless it is current; True when it was built.

        Raises:
            SetupError: when a step fails. The stamp is then missing, so the next run builds again.
        """
        if self.is_current():
            return False
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stamp.unlink(missing_ok=True)
        self.build()
        self.stamp.write_text(self.digest())
        tell("setup.layer_ready", name=self.name, seconds=f"{time.monotonic() - began:.1f}")
        return True
