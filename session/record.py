"""The record of what a session shows: written down before it is shown, sent to egress review behind it.

Guarantees: before the first byte of what a cell, a file or the background shows goes to the browser, the
event `display.show` is in the spool: which policy, cell, code and showing; and each piece is in the journal
before it is sent. When it is done, `cell.shown` (`file.shown`, `background.shown`) says the bytes by mime
type, the hash over all pieces and the verdict. If the event cannot be written down nothing is shown. Contents
travel behind and may be let go of when too much waits; hashes are not. A power cut may lose the last moments
of spool and journal.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from egress_review.display.scope import Answer
from onggi.clock import Clock, to_text
from session.audit import AuditTrail
from web.journal import Journal, Leaf

__all__ = ["DisplayRecord", "Finished", "What", "piece_hash", "pieces_of"]

_log = logging.getLogger("onggi.session.record")
_MAX_QUEUED = 2000
_FORMED = {
    "complete_reply": "text/x-assist",
    "error": "text/x-error",
    "execute_reply": "text/x-error",
    "input_request": "text/x-prompt",
    "inspect_reply": "text/x-assist",
    "stream": "text/plain",
}


@dataclass(frozen=True, slots=True)
class What:
    """What shows something.

    Attributes:
        kind: `cell`, `file` or `background`.
        subject: the cell's message id, the file's path, or the kernel's id.
        code: as it was sent to the kernel, and its hash; both empty where none ran.
    """

    kind: str
    subject: str
    kernel: str = ""
    number: int | None = None
    code: str = ""
    code_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A showing that is done: what egress review is told about it."""

    body: dict[str, Any]
    leaf: Leaf | None

    @property
    def size(self) -> int:
        """About how many bytes there are to send."""
        return len(self.body["code"]) + (self.leaf.size if self.leaf is not None else 0)


@dataclass(slots=True)
class _Open:
    id: str
    what: What
    at: str
    leaf: Leaf | None
    digest: Any = field(default_factory=hashlib.sha256)
    sizes: dict[str, int] = field(default_factory=dict)


class DisplayRecord:
    """What is being shown, and what was and waits to be sent."""

    def __init__(self, audit: AuditTrail, journal: Journal, clock: Clock) -> None:
        self.policy = ""
        self.keeps_contents = False
        self.journal = journal
        self.queue: OrderedDict[str, Finished] = OrderedDict()
        self._audit = audit
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def before(self, what: What, pieces: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> None:
        """Write down what is about to be shown.

        Raises:
            Unavailable: AUDIT_UNREACHABLE, DISK_FULL; then it must not be shown.
        """
        for mime, text in pieces:
            self._before(what, mime, text.encode("utf-8", "replace"))

    def finish(self, what: What, cuts: int) -> None:
        """Write down what was shown since `before` was first called for it, and what was cut.

        Raises:
            Unavailable: as `before`; it stays open and can be finished later.
        """
        showing = self._open.get(what.subject)
        if showing is None:
            if not cuts:
                return
            showing = _Open(secrets.token_hex(16), what, to_text(self._clock.now()), None)
        verdict = "shown" if not cuts else "cut" if showing.sizes else "withheld"
        digest = showing.digest.hexdigest()
        self._audit.record(
            f"{what.kind}.shown",
            _subject(what),
            **_about(showing.what),
            showing=showing.id,
            shown_bytes=dict(showing.sizes),
            cut=cuts,
            shown_sha256=digest,
            verdict=verdict,
            policy=self.policy,
        )
        self._open.pop(what.subject, None)
        self._send_later(showing, cuts, digest, verdict)

    def file_before(self, path: str, mime: str, raw: bytes, hashed: Any = None) -> None:
        """Write down that a file of the project folder is about to be shown.

        Args:
            hashed: `piece_hash` of it, if that is at hand; then it is UTF-8.

        Raises:
            Unavailable: as `before`.
        """
        what = What("file", path)
        if hashed is None and not raw.isascii():
            raw = raw.decode("utf-8", "replace").encode()
        self._before(what, mime, raw, hashed)
        self.finish(what, 0)

    def sent(self, showing_id: str) -> None:
        """A finished showing arrived, or nobody wants it."""
        finished = self.queue.pop(showing_id, None)
        if finished is not None and finished.leaf is not None:
            self.journal.drop(finished.leaf.path)

    def _before(self, what: What, mime: str, raw: bytes, hashed: Any = None) -> None:
        showing = self._open.get(what.subject) or self._begin(what)
        if hashed is not None and not showing.sizes:
            showing.digest = hashed.copy()
        else:
            _add_piece(showing.digest, mime, raw)
        showing.sizes[mime] = showing.sizes.get(mime, 0) + len(raw)
        self._keep(showing, mime, raw)

    def _begin(self, what: What) -> _Open:
        at, showing_id = to_text(self._clock.now()), secrets.token_hex(16)
        about = _about(what)
        self._audit.record("display.show", _subject(what), **about, showing=showing_id, policy=self.policy)
        head = _body(showing_id, what, at, self.policy) | self._audit.named()
        leaf = self.journal.open(showing_id, head) if self.keeps_contents else None
        showing = self._open[what.subject] = _Open(showing_id, what, at, leaf)
        return showing

    def _keep(self, showing: _Open, mime: str, raw: bytes) -> None:
        if showing.leaf is None:
            return
        try:
            showing.leaf.write(mime, raw)
        except OSError as error:
            _log.warning("contents of a showing are not kept: %s", error)
            showing.leaf.close()
            self.journal.drop(showing.leaf.path)
            showing.leaf = None

    def _send_later(self, showing: _Open, cuts: int, digest: str, verdict: str) -> None:
        what = showing.what
        end = {"sizes": dict(showing.sizes), "cuts": cuts, "sha256": digest, "verdict": verdict}
        if showing.leaf is not None:
            self.journal.waits(showing.leaf, end)
        body = _body(showing.id, what, showing.at, self.policy) | end
        self.queue[showing.id] = Finished(body, showing.leaf)
        if len(self.queue) > _MAX_QUEUED:
            self.sent(next(iter(self.queue)))


def piece_hash(mime: str, raw: bytes) -> Any:
    """The hash of a showing that is one piece."""
    digest = hashlib.sha256()
    _add_piece(digest, mime, raw)
    return digest


def pieces_of(answers: list[Answer]) -> Iterator[tuple[str, str]]:
    """What of a kernel's answers a person can read: mime type and text, images in base64."""
    for answer in answers:
        data = answer.content.get("data")
        if isinstance(data, Mapping):
            yield from ((str(mime), content) for mime, content in data.items() if isinstance(content, str))
        elif answer.kind in _FORMED:
            text = _text(answer)
            if text:
                yield _FORMED[answer.kind], text
        elif answer.kind.startswith("comm_"):
            yield "application/json", json.dumps(answer.content, ensure_ascii=False)
        for buffer in answer.buffers:
            yield "application/octet-stream", b64encode(buffer).decode("ascii")


def _text(answer: Answer) -> str:
    content = answer.content
    match answer.kind:
        case "stream":
            return str(content["text"])
        case "input_request":
            return str(content["prompt"])
        case "complete_reply":
            return "\n".join(content["matches"])
        case _:
            parts = [content.get("ename"), content.get("evalue"), *content.get("traceback", ())]
            return "\n".join(part for part in parts if part)


def _body(showing_id: str, what: What, at: str, policy: str) -> dict[str, Any]:
    """What egress review is told of a showing before anything is known of its end."""
    return {
        "id": showing_id,
        "at": at,
        "kind": what.kind,
        "subject": what.subject,
        "number": what.number,
        "code": what.code,
        "code_sha256": what.code_sha256,
        "policy": policy,
    }


def _about(what: What) -> dict[str, Any]:
    """The details that every event about a showing has; a file's name is not for the log."""
    if what.kind == "file":
        name = what.subject.encode("utf-8", "replace")
        return {"kind": "file", "path_sha256": hashlib.sha256(name).hexdigest()}
    return {"kind": what.kind, "kernel": what.kernel, "number": what.number, "code_sha256": what.code_sha256}


def _subject(what: What) -> str:
    return "file" if what.kind == "file" else what.subject


def _add_piece(digest: Any, mime: str, raw: bytes) -> None:
    for part in (mime.encode("utf-8", "replace"), raw):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
