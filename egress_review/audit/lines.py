"""Reads the lines of an export and believes nothing: what is not exactly as we write it is unreadable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.export import FORMAT, checkpoint_line, event_line, head_line
from egress_review.audit.findings import Found, Proof
from egress_review.audit.merkle import Frontier, leaf_hash
from egress_review.audit.note import MAX_NOTE_BYTES, NoteVerifier
from egress_review.audit.protocol import Logged, StoredCheckpoint
from onggi.errors import Invalid, Tampered
from onggi.events import MAX_EVENT_BYTES, event_from_json

__all__ = ["EventLine", "HeadLine", "Line", "MarkLine", "read_lines"]

MAX_LINE_BYTES = 2 * max(MAX_EVENT_BYTES, MAX_NOTE_BYTES) + 16 * 1024


@dataclass(frozen=True, slots=True)
class HeadLine:
    """The first line. `checkpoint` is signed."""

    checkpoint: Checkpoint
    checkpoints: int


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event where the file says it stands.

    Attributes:
        stated: its leaf hash as the file states it; not signed.
        computed: the hash of the event's bytes.
    """

    index: int
    stated: bytes
    computed: bytes


@dataclass(frozen=True, slots=True)
class MarkLine:
    """A signed checkpoint.

    Attributes:
        frontier: the tree's right edge at its size, if the stated subtree hashes combine to the signed root.
    """

    checkpoint: Checkpoint
    frontier: Frontier | None


Line = HeadLine | EventLine | MarkLine | Found


def read_lines(file: BinaryIO, verifier: NoteVerifier) -> Iterator[Line]:
    """The lines in order; a `Found` for each that is unreadable or not signed by the key."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MAX_LINE_BYTES)
            yield _unreadable(number)
            continue
        try:
            yield _read(raw, verifier)
        except Tampered:
            yield Found(Proof.CHECKPOINT_NOT_SIGNED, {"line": str(number), "name": verifier.name})
        except (Invalid, ValueError, TypeError, KeyError, RecursionError):
            yield _unreadable(number)


def _read(raw: bytes, verifier: NoteVerifier) -> Line:
    body = json.loads(raw)
    kind = body["kind"]
    if kind == "event":
        return _event(raw, body)
    if kind == "checkpoint":
        return _mark(raw, body, verifier)
    if kind == "head":
        return _head(raw, body, verifier)
    raise ValueError(kind)


def _event(raw: bytes, body: dict[str, object]) -> EventLine:
    index, stated = body["index"], bytes.fromhex(str(body["leaf"]))
    canonical = event_from_json(body["event"]).canonical()
    if type(index) is not int or event_line(Logged(index, canonical, stated)) != raw:
        raise ValueError("not canonical")
    return EventLine(index, stated, leaf_hash(canonical))


def _mark(raw: bytes, body: dict[str, object], verifier: NoteVerifier) -> MarkLine:
    note, size, stated = str(body["note"]), body["size"], body["subtrees"]
    if type(size) is not int or not isinstance(stated, list):
        raise ValueError("not a checkpoint")
    hashes = [bytes.fromhex(one) for one in stated]
    if checkpoint_line(size, note, hashes) != raw:
        raise ValueError("not canonical")
    checkpoint = open_checkpoint(note, verifier)
    if checkpoint.size != size:
        raise ValueError("another size")
    if len(hashes) != size.bit_count():
        return MarkLine(checkpoint, None)
    frontier = Frontier(size, hashes)
    return MarkLine(checkpoint, frontier if frontier.root() == checkpoint.root else None)


def _head(raw: bytes, body: dict[str, object], verifier: NoteVerifier) -> HeadLine:
    note, count = str(body["checkpoint"]), body["checkpoints"]
    if body["format"] != FORMAT or type(count) is not int:
        raise ValueError("another format")
    if head_line(str(body["origin"]), StoredCheckpoint(0, note), count) != raw:
        raise ValueError("not canonical")
    checkpoint = open_checkpoint(note, verifier)
    if body["origin"] != checkpoint.origin:
        raise ValueError("another log")
    return HeadLine(checkpoint, count)


def _unreadable(number: int) -> Found:
    return Found(Proof.LINE_UNREADABLE, {"line": str(number)})
