"""The record of what sessions showed: figures for good, contents for the window that the policy sets.

Guarantees: contents are kept only if they hash to what their session announced; they are gone a day after
their window at the latest, and that they went is an event; looking at contents is an event before they are
handed out. The figures repeat what the audit log says; the log is the proof, this is where people look.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from egress_review.meter.days import day_of
from egress_review.meter.domain import Kind, Piece, Showing
from egress_review.meter.folder import Contents
from egress_review.meter.policies import newest, policy_of
from egress_review.meter.room import MeterRoom
from onggi.errors import Invalid
from onggi.events import Event
from onggi.reasons import Reason

__all__ = ["Sent", "digest_of", "forget_old", "keep", "keep_all", "look"]

_AT_ONCE = 500


def digest_of(pieces: tuple[Piece, ...]) -> str:
    """SHA-256 over all pieces in order, each with its mime type and both lengths, in hex."""
    digest = hashlib.sha256()
    for one in pieces:
        for part in (one.mime, one.content):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big"))
            digest.update(raw)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Sent:
    """A showing as its session hands it in.

    Attributes:
        pieces: what was shown, in order; None if the session could not hold it until now.
    """

    showing: Showing
    code: str
    pieces: tuple[Piece, ...] | None


def keep(
    room: MeterRoom,
    showing: Showing,
    code: str,
    pieces: tuple[Piece, ...] | None,
    *,
    leftover: str | None = None,
) -> bool:
    """Keep what a session showed; whether its contents are kept too.

    Args:
        pieces: None if the session could not hold them until now.
        leftover: the service that found it after its session had died; that is an event, since the session's
            own word on it may never have come.

    Raises:
        Invalid, Unavailable: as `keep_all`.
    """
    return keep_all(room, [Sent(showing, code, pieces)], leftover=leftover)[0]


def keep_all(room: MeterRoom, sent: Sequence[Sent], *, leftover: str | None = None) -> list[bool]:
    """As `keep`, of several; all or nothing.

    Raises:
        Invalid: for an id that is none, or contents that are not what was announced.
        Unavailable: nothing was kept.
    """
    for one in sent:
        if one.pieces is not None and digest_of(one.pieces) != one.showing.sha256:
            raise Invalid(Reason.FIELD_INVALID, field="sha256", value=one.showing.sha256[:40])
    projects = {one.showing.project for one in sent}
    windows = {project: policy_of(newest(room, project)).record_days for project in projects}
    showings = [_put(room, one, wanted=windows[one.showing.project] > 0) for one in sent]
    with room.store.unit() as unit:
        for showing in showings:
            if unit.add_showing(showing) and leftover is not None:
                unit.append(_found(room, leftover, showing))
    return [showing.kept for showing in showings]


def _put(room: MeterRoom, sent: Sent, *, wanted: bool) -> Showing:
    """Put contents away if they are wanted and there."""
    showing, code = sent.showing, sent.code
    if showing.kind is not Kind.FILE and hashlib.sha256(_raw(code)).hexdigest() != showing.code_sha256:
        code = ""
    kept = sent.pieces is not None and wanted
    if kept and sent.pieces is not None:
        room.shown.put(showing.project, showing.id, code, sent.pieces)
    return replace(showing, kept=kept, day=day_of(showing.at, room.zone))


def look(room: MeterRoom, actor: str, showing_id: str) -> tuple[Showing, Contents | None]:
    """A showing with its contents, for somebody whom the desk let in; None if they are not kept.

    Raises:
        NotFound: if there is no such showing.
        Unavailable: if it could not be written down; then nothing is handed out.
    """
    showing = room.store.showing(showing_id)
    if not showing.kept:
        return showing, None
    with room.store.unit() as unit:
        unit.append(
            room.event(
                actor,
                "display.look",
                showing.id,
                showing.project,
                session=showing.session,
                sha256=showing.sha256,
            )
        )
    return showing, room.shown.get(showing.project, showing.id)


def forget_old(room: MeterRoom) -> int:
    """Remove contents whose window has ended, and leases that nobody can return; how many contents."""
    gone = 0
    for project in room.store.shown_projects():
        window = policy_of(newest(room, project)).record_days
        old = room.store.kept_before(project, room.days_ago(window))
        for start in range(0, len(old), _AT_ONCE):
            gone += _forget(room, project, old[start : start + _AT_ONCE])
    with room.store.unit() as unit:
        unit.drop_leases(room.days_ago(1))
    return gone


def _forget(room: MeterRoom, project: str, showings: tuple[Showing, ...]) -> int:
    for one in showings:
        room.shown.remove(project, one.id)
    by_day: defaultdict[str, int] = defaultdict(int)
    for one in showings:
        by_day[one.day] += 1
    event = room.event("service:review", "display.forget", project, project, days=dict(by_day))
    with room.store.unit() as unit:
        unit.forget_contents(tuple(one.id for one in showings), event)
    return len(showings)


def _found(room: MeterRoom, service: str, showing: Showing) -> Event:
    return room.event(
        f"service:{service}",
        "display.leftover",
        showing.id,
        showing.project,
        session=showing.session,
        member=showing.member,
        shown_bytes=dict(showing.sizes),
        shown_sha256=showing.sha256,
        code_sha256=showing.code_sha256,
        policy=showing.policy,
    )


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "replace")
