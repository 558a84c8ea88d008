"""From approved to released, and the signature.

Guarantees: a release holds exactly the outputs that the votes approved, and their bytes were hashed once more
before it exists; of two attempts one makes it. It is compared with every release before it, also with those
that came after its checks, and enters the ledger in the transaction that makes it: no release without
memory. A crash between decision, release and signature leaves a state that `finish` takes up again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from egress_review.actions.asking import require_move
from egress_review.check_runner import with_findings
from egress_review.checks.report import Finding
from egress_review.domain import Outcome, Release, ReleasedFile, Request, State, Verdict
from egress_review.granted import dataset_folder
from egress_review.ledger.proving import added_event
from egress_review.ledger.remembering import Draft
from egress_review.lifecycle import Action, move_for, outcomes
from egress_review.room import SERVICE, Room
from onggi.clock import to_text
from onggi.errors import Conflict, OnggiError, Unavailable
from onggi.ids import new_id
from onggi.reasons import Reason

log = logging.getLogger(__name__)
_ATTEMPTS = 3


def release(room: Room, request_id: str) -> Release:
    """Release an approved request, enter it into the ledger, and sign its certificate.

    Raises:
        Tampered: if the vault's bytes are not what was voted on; nothing is released.
        Conflict: if it is not approved, or already released; or if what was released meanwhile speaks
            against it: then it is returned.
        Unavailable: if the ledger cannot be written now, or the certificate cannot be made; `finish` does
            it later.
    """
    for _ in range(_ATTEMPTS):
        request = room.store.request(request_id)
        require_move(request, Action.RELEASE, SERVICE)
        for one in request.outputs:
            room.vault.verify(one.sha256 or "")
        found = outcomes(request, room.store.votes_seen_by(SERVICE.name, request))
        made = _release(room, request, [at for at, one in found.items() if one is Outcome.APPROVED])
        draft = room.ledger.draft(room.store.ledger, request, made, dataset_folder(room.people))
        against = speaks_against(request, draft)
        if against:
            _return(room, request, against)
            raise Conflict(Reason.STATE_CONFLICT, state=State.RETURNED.value, action=Action.RELEASE.value)
        with contextlib.suppress(_OvertakenError):
            return certify(room, _write(room, request, made, draft))
    raise Unavailable(Reason.LEDGER_NOT_WRITTEN, cause=State.RELEASED.value)


class _OvertakenError(Exception):
    """Another release came between the comparison and this one."""


def _write(room: Room, seen: Request, made: Release, draft: Draft) -> Release:
    """Release, ledger entries and their events in one transaction."""
    with room.store.unit() as unit:
        request = unit.request(seen.id)
        require_move(request, Action.RELEASE, SERVICE)
        move = move_for(request, Action.RELEASE)
        event = room.event(
            SERVICE.name,
            move.event,
            made.id,
            made.project,
            request=request.id,
            version=request.version,
            policy=request.policy,
            expires=to_text(made.expires),
            statement=room.certifier.statement_sha256(made, request, unit.votes(request)),
            files=[{"number": one.number, "sha256": one.sha256, "size": one.size} for one in made.files],
        )
        made = unit.add_release(made, event)
        # The event has locked the log: from here on nobody else releases.
        if unit.ledger.newest(draft.datasets) != draft.newest:
            raise _OvertakenError
        for entry in draft.entries:
            unit.ledger.add(entry, added_event(room.clock, entry))
        saved = room.event(SERVICE.name, "request.release", request.id, request.project, release=made.id)
        unit.save(replace(request, state=move.next), saved)
    return made


def speaks_against(request: Request, draft: Draft) -> dict[int, tuple[Finding, ...]]:
    """What nobody could know when the votes were cast, by output; empty if nothing."""
    found = {}
    for one in request.outputs:
        known = {said.code for said in one.report.findings} if one.report else set()
        new = [
            said
            for said in draft.findings.get(one.number, ())
            if said.verdict.rank >= Verdict.NOT_PROVEN.rank and said.code not in known
        ]
        if new:
            found[one.number] = tuple(new)
    return found


def _return(room: Room, seen: Request, against: dict[int, tuple[Finding, ...]]) -> None:
    """Take the approval back and say why: another release has changed what may be released."""
    with room.store.unit() as unit:
        request = unit.request(seen.id)
        require_move(request, Action.RETURN, SERVICE)
        move = move_for(request, Action.RETURN)
        outputs = tuple(
            replace(
                one, report=with_findings(one.report, against.get(one.number, ())) if one.report else None
            )
            for one in request.outputs
        )
        event = room.event(
            SERVICE.name,
            move.event,
            request.id,
            request.project,
            version=request.version,
            findings=[[number, [one.code.value for one in against[number]]] for number in sorted(against)],
        )
        unit.save(replace(request, state=move.next, decided=room.clock.now(), outputs=outputs), event)


def certify(room: Room, made: Release) -> Release:
    """Sign the certificate of a release and keep it.

    Raises:
        Unavailable: if the release's request is gone from its version, which only a damaged store does.
    """
    request = next((one for one in room.store.history(made.request) if one.version == made.version), None)
    if request is None:
        raise Unavailable(Reason.NOT_FOUND, what="request")
    votes = room.store.votes_seen_by(SERVICE.name, request)
    certificate = room.certifier.certificate(made, request, votes)
    event = room.event(SERVICE.name, "release.certify", made.id, made.project)
    with room.store.unit() as unit:
        unit.set_certificate(made.id, certificate, event)
    return replace(made, certificate=certificate)


def finish(room: Room, *, patient: bool = False) -> int:
    """Take up what a crash left between decision and signature; how many it finished. Safe to repeat.

    Args:
        patient: leave alone what failed a short while ago: each try of a release is a box and a comparison.
    """
    tries: dict[str, Callable[[], Release]] = {
        one.id: partial(release, room, one.id) for one in room.store.requests_in({State.APPROVED})
    }
    tries.update({one.id: partial(certify, room, one) for one in room.store.uncertified()})
    now = room.clock.now()
    return sum(
        _attempt(room, subject, act)
        for subject, act in tries.items()
        if not patient or room.waits.is_due(subject, now)
    )


def release_or_later(room: Room, request_id: str) -> bool:
    """Release now if possible, else the decision stands and `finish` releases later; whether it did."""
    return _attempt(room, request_id, partial(release, room, request_id))


def _attempt(room: Room, subject: str, act: Callable[[], Release]) -> bool:
    try:
        act()
    except Conflict:
        room.waits.forget(subject)  # somebody else did it, or it was returned
        return False
    except OnggiError as error:
        log.exception("could not finish %s", subject)
        room.waits.note(subject, error, room.clock.now())
        return False
    room.waits.forget(subject)
    return True


def _release(room: Room, request: Request, numbers: list[int]) -> Release:
    now = room.clock.now()
    approved = [one for one in request.outputs if one.number in numbers]
    return Release(
        id=new_id("rel"),
        request=request.id,
        version=request.version,
        project=request.project,
        files=tuple(ReleasedFile(one.number, one.name, one.sha256 or "", one.size) for one in approved),
        created=now,
        expires=now + timedelta(days=room.policy.download_days),
    )
