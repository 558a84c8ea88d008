"""What a data-set version is: a frozen description whose every file is named by its SHA-256.

Guarantees: a manifest that was read is complete and consistent (every row of a table is in a listed file,
every table carries the unit column, every path stays inside the data set's folder), and `verify_files`
passes only if the folder holds exactly the listed bytes and no other file. Readers take the files from the
manifest and never list the folder themselves, so a file that was slipped in is not read.

Does not guarantee: that the descriptions are true, or that a file stays unchanged after it was verified.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onggi.errors import Invalid, NotFound, Tampered
from onggi.events import canonical_json
from onggi.reasons import Reason

MANIFEST_FILE = "manifest.json"
MANIFEST_VERSION = 1
MAX_MANIFEST_BYTES = 16 * 1024**2
COLUMN_TYPES = frozenset({"bool", "date", "float64", "int32", "int64", "string", "timestamp"})
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, one of `COLUMN_TYPES`, and what it means, by language."""

    name: str
    type: str
    description: dict[str, str]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file: POSIX path below the data set's folder, bytes, SHA-256 in hex, rows."""

    path: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: all its columns in file order, all its files in path order."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a data set.

    Attributes:
        titles, description: by language, `ko` and `en`.
        synthetic: True if no row is about a real person.
        tier: how sensitive the data are, a word of the institution's own scale (`open`, `restricted`, …).
        custodian: who answers for the data.
        unit_column: whose privacy is protected; every table has it.
        identifier_columns: columns that name a unit and must never leave.
        institution_column: column naming who reported the row, or None if there is none.
        buckets: number of buckets by unit, the same for all tables.
        hash: name of the function from unit to bucket (see `docs/reference/manifest.md`).
    """

    name: str
    version: str
    titles: dict[str, str]
    description: dict[str, str]
    synthetic: bool
    tier: str
    custodian: str
    licence: str
    source: str
    unit_column: str
    identifier_columns: tuple[str, ...]
    institution_column: str | None
    buckets: int
    hash: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            NotFound: if there is none; the parameters list those that there are.
        """
        for one in self.tables:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.tables)
        raise NotFound(Reason.TABLE_UNKNOWN, table=name, dataset=self.name, known=known)

    def to_json(self) -> dict[str, Any]:
        """The wire form; `v` is its version."""
        return {"v": MANIFEST_VERSION, **asdict(self)}

    def canonical(self) -> bytes:
        """The bytes of `manifest.json`, the same on every machine (RFC 8785)."""
        return canonical_json(self.to_json())

    def sha256(self) -> str:
        """The name of this version by content: `sha256sum manifest.json` says the same."""
        return hashlib.sha256(self.canonical()).hexdigest()


def read_manifest(folder: Path | str, sha256: str | None = None) -> Manifest:
    """Read `manifest.json` in `folder`, and hold it to the registered `sha256` if one is given.

    Raises:
        NotFound: there is no manifest.
        Invalid: it is not one; names the field.
        Tampered: it is another one than was registered.
    """
    path = Path(folder) / MANIFEST_FILE
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError:
        raise NotFound(Reason.FILE_NOT_FOUND, name=path) from None
    if len(raw) > MAX_MANIFEST_BYTES:
        raise Invalid(Reason.FILE_TOO_LARGE, name=path, limit=MAX_MANIFEST_BYTES)
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=MANIFEST_FILE)
    return manifest_from_bytes(raw)


def manifest_from_bytes(raw: bytes) -> Manifest:
    """Read the bytes of a `manifest.json`.

    Raises:
        Invalid: naming the field that is wrong.
    """
    from onggi.manifest_reader import manifest_from_json

    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="manifest", value="JSON") from None
    return manifest_from_json(body)


def verify_files(manifest: Manifest, folder: Path | str) -> None:
    """Hash every file of the data set.

    Raises:
        Tampered: `DATA_HASH_MISMATCH` naming the first file that is missing, changed, linked or not listed.
    """
    root = Path(folder)
    expected = {file.path: file for table in manifest.tables for file in table.files}
    for path in sorted(_files_below(root) - set(expected) - {MANIFEST_FILE}):
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=path)
    for path, file in expected.items():
        if _measure(root / path) != (file.size, file.sha256):
            raise Tampered(Reason.DATA_HASH_MISMATCH, file=path)


def _files_below(root: Path) -> set[str]:
    """Everything below `root` but real folders; a linked folder counts as a file and is not entered."""
    found: set[str] = set()
    for place, folders, names in os.walk(root):
        below = Path(place)
        links = [name for name in folders if (below / name).is_symlink()]
        found.update((below / name).relative_to(root).as_posix() for name in [*names, *links])
    return found


def _measure(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a regular file; (-1, "") for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1, ""
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return -1, ""
        digest, size = hashlib.sha256(), 0
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()
