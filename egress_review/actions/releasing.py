"""From approved to released, and the signature.

Guarantees: a release holds exactly the outputs that the votes approved, and their bytes were hashed once more
before it exists; of two attempts one makes it. A crash between decision, release and signature leaves a state
that `finish` takes up again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from egress_review.actions.asking import require_move
from egress_review.domain import Outcome, Release, ReleasedFile, Request, State
from egress_review.lifecycle import Action, move_for, outcomes
from egress_review.room import SERVICE, Room
from onggi.clock import to_text
from onggi.errors import Conflict, OnggiError, Unavailable
from onggi.ids import new_id
from onggi.reasons import Reason

log = logging.getLogger(__name__)


def release(room: Room, request_id: str) -> Release:
    """Release an approved request and sign its certificate.

    Raises:
        Tampered: if the vault's bytes are not what was voted on; nothing is released.
        Conflict: if it is not approved, or already released.
        Unavailable: if the certificate cannot be made now; `finish` makes it later.
    """
    for one in room.store.request(request_id).outputs:
        room.vault.verify(one.sha256 or "")
    with room.store.unit() as unit:
        request = unit.request(request_id)
        require_move(request, Action.RELEASE, SERVICE)
        move = move_for(request, Action.RELEASE)
        votes = unit.votes(request)
        found = outcomes(request, votes)
        made = _release(room, request, [number for number, one in found.items() if one is Outcome.APPROVED])
        event = room.event(
            SERVICE.name,
            move.event,
            made.id,
            made.project,
            request=request.id,
            version=request.version,
            policy=request.policy,
            expires=to_text(made.expires),
            statement=room.certifier.statement_sha256(made, request, votes),
            files=[{"number": one.number, "sha256": one.sha256, "size": one.size} for one in made.files],
        )
        made = unit.add_release(made, event)
        saved = room.event(SERVICE.name, "request.release", request.id, request.project, release=made.id)
        unit.save(replace(request, state=move.next), saved)
    return certify(room, made)


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


def finish(room: Room) -> int:
    """Take up what a crash left between decision and signature; how many it finished. Safe to repeat."""
    done = 0
    for request in room.store.requests_in({State.APPROVED}):
        done += _attempt(request.id, partial(release, room, request.id))
    for made in room.store.uncertified():
        done += _attempt(made.id, partial(certify, room, made))
    return done


def release_or_later(room: Room, request_id: str) -> bool:
    """Release now if possible, else the decision stands and `finish` releases later; whether it did."""
    return _attempt(request_id, partial(release, room, request_id))


def _attempt(subject: str, act: Callable[[], Release]) -> bool:
    try:
        act()
    except Conflict:
        return False
    except OnggiError:
        log.exception("could not finish %s", subject)
        return False
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
