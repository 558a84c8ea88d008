"""The researcher's side: open a request, hand in its outputs, submit, withdraw, revise.

Everything that arrives here was sent by a trusted session server, but its texts and bytes come from hostile
compute: they are measured and kept, never interpreted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from egress_review.actions.asking import require_move
from egress_review.domain import Output, Request, State
from egress_review.lifecycle import START, Action, move_for
from egress_review.people import Caller, Person
from egress_review.room import Room
from egress_review.vault import Stored
from onggi.claim import MAX_CLAIM_BYTES
from onggi.errors import Invalid, NotFound, Refused
from onggi.events import Event
from onggi.ids import new_id
from onggi.reasons import Reason
from onggi.submission import MAX_CONTEXT_BYTES, MAX_NAME_BYTES, MAX_PURPOSE_BYTES, fits

_OPEN = frozenset({State.DRAFT, State.CHECKING, State.IN_REVIEW})
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Announced:
    """An output as announced: its bytes are still to come."""

    name: str
    size: int
    sha256: str | None = None
    claim: Mapping[str, Any] | None = None


def open_request(
    room: Room, caller: Caller, purpose: str, context: str, announced: Sequence[Announced]
) -> Request:
    """Make a draft.

    Raises:
        Invalid: for a text, name, size or number of outputs beyond the policy.
        Refused: `TOO_MANY_REQUESTS`, or `QUOTA_EXCEEDED` of the day's requests.
    """
    outputs = _outputs(room, purpose, context, announced)
    mine = room.store.requests_of(caller.member, caller.project)
    limit = room.policy.max_open_requests
    if sum(one.state in _OPEN for one in mine) >= limit:
        raise Refused(Reason.TOO_MANY_REQUESTS, limit=limit)
    day = room.clock.now() - timedelta(days=1)
    used, most = sum(one.created > day for one in mine), room.policy.max_daily_requests
    if used >= most:
        raise Refused(
            Reason.QUOTA_EXCEEDED, project=caller.project, resource="egress_requests", used=used, limit=most
        )
    request = Request(
        id=new_id("r"),
        version=1,
        project=caller.project,
        member=caller.member,
        purpose=purpose.strip(),
        context=context.strip(),
        state=START,
        policy=room.policy.version,
        reviewers=room.policy.reviewers,
        created=room.clock.now(),
        outputs=outputs,
    )
    event = _event(room, caller, "request.create", request, outputs=len(outputs))
    with room.store.unit() as unit:
        unit.create(request, event)
    return request


def own_request(room: Room, caller: Caller, request_id: str) -> Request:
    """One of the caller's requests in the caller's project.

    Raises:
        NotFound: for any other.
    """
    return _own(room.store.request(request_id), caller)


def revise(
    room: Room, caller: Caller, request_id: str, purpose: str, context: str, announced: Sequence[Announced]
) -> Request:
    """Make the next version of a returned request, as a draft without outputs' bytes and without votes.

    Raises:
        Invalid: as `open_request`.
        NotFound, Refused: if it is not the caller's returned request.
    """
    outputs = _outputs(room, purpose, context, announced)
    with room.store.unit() as unit:
        old = _own(unit.request(request_id), caller)
        require_move(old, Action.REVISE, caller.actor())
        move = move_for(old, Action.REVISE)
        new = replace(
            old,
            version=old.version + 1,
            purpose=purpose.strip(),
            context=context.strip(),
            state=move.next,
            policy=room.policy.version,
            reviewers=room.policy.reviewers,
            created=room.clock.now(),
            outputs=outputs,
            submitted=None,
            decided=None,
            voters=frozenset(),
        )
        unit.create(new, _event(room, caller, move.event, new, outputs=len(outputs)))
    return new


def may_receive(room: Room, caller: Caller, request_id: str, number: int, size: int) -> Output:
    """Whether the bytes of an output may come now; asked before the first byte is read.

    Raises:
        NotFound, Refused: if there is no such output of the caller's.
        Invalid: `OUTPUT_SIZE_MISMATCH`.
    """
    request = _own(room.store.request(request_id), caller)
    require_move(request, Action.RECEIVE, caller.actor())
    output = _output(request, number)
    if size != output.size:
        raise Invalid(Reason.OUTPUT_SIZE_MISMATCH, number=number, size=output.size)
    day = room.clock.now() - timedelta(days=1)
    used = room.store.received_bytes(caller.member, day)
    if used + size > room.policy.max_daily_bytes:
        limit = room.policy.max_daily_bytes
        raise Refused(
            Reason.QUOTA_EXCEEDED, project=caller.project, resource="egress_bytes", used=used, limit=limit
        )
    return output


def receive(room: Room, caller: Caller, request_id: str, number: int, stored: Stored) -> Output:
    """Keep that the vault holds the bytes of an output.

    Raises:
        Invalid: `OUTPUT_SIZE_MISMATCH`, `OUTPUT_HASH_MISMATCH` if they are not what was announced.
        NotFound, Refused: if there is no such output of the caller's, or it is no longer a draft.
    """
    with room.store.unit() as unit:
        request = _own(unit.request(request_id), caller)
        require_move(request, Action.RECEIVE, caller.actor())
        output = _output(request, number)
        check_announced(output, stored)
        received = replace(output, sha256=stored.sha256)
        outputs = tuple(received if one.number == number else one for one in request.outputs)
        event = _event(
            room,
            caller,
            move_for(request, Action.RECEIVE).event,
            request,
            number=number,
            sha256=stored.sha256,
            size=stored.size,
        )
        unit.save(replace(request, outputs=outputs), event)
        unit.add_intake(caller.member, stored.size, room.clock.now(), event)
    return received


def check_announced(output: Output, stored: Stored) -> None:
    """Compare what came with what was announced.

    Raises:
        Invalid: `OUTPUT_SIZE_MISMATCH`, `OUTPUT_HASH_MISMATCH`.
    """
    if stored.size != output.size:
        raise Invalid(Reason.OUTPUT_SIZE_MISMATCH, number=output.number, size=output.size)
    if output.declared_sha256 not in {None, stored.sha256}:
        raise Invalid(Reason.OUTPUT_HASH_MISMATCH, number=output.number)


def submit(room: Room, caller: Caller, request_id: str) -> Request:
    """Hand a draft over to the checks.

    Raises:
        NotFound, Refused, Conflict: as the lifecycle says.
    """
    now = room.clock.now()
    with room.store.unit() as unit:
        request = _own(unit.request(request_id), caller)
        require_move(request, Action.SUBMIT, caller.actor())
        move = move_for(request, Action.SUBMIT)
        submitted = replace(request, state=move.next, submitted=now)
        files = [{"number": one.number, "sha256": one.sha256, "size": one.size} for one in request.outputs]
        unit.save(
            submitted, _event(room, caller, move.event, submitted, outputs=files, policy=request.policy)
        )
    return submitted


def withdraw(room: Room, caller: Caller, request_id: str) -> Request:
    """Take a request back before it is decided.

    Raises:
        NotFound, Refused, Conflict: as the lifecycle says.
    """
    now = room.clock.now()
    with room.store.unit() as unit:
        request = _own(unit.request(request_id), caller)
        require_move(request, Action.WITHDRAW, caller.actor())
        move = move_for(request, Action.WITHDRAW)
        withdrawn = replace(request, state=move.next, decided=now)
        unit.save(withdrawn, _event(room, caller, move.event, withdrawn))
    return withdrawn


def withdraw_outside(room: Room, person: Person, request_id: str) -> Request:
    """Take a request back on the pages, without a session.

    Raises:
        NotFound: if it is not the person's own, or their membership in its project does not hold now.
        Refused, Conflict: as the lifecycle says.
    """
    request = room.store.request(request_id)
    if request.member != person.name or request.project not in person.active:
        raise NotFound(Reason.NOT_FOUND, what="request")
    return withdraw(room, Caller("", person.name, request.project), request_id)


def _own(request: Request, caller: Caller) -> Request:
    """A stranger's request does not exist for a session, not even by its refusal."""
    if request.member != caller.member or request.project != caller.project:
        raise NotFound(Reason.NOT_FOUND, what="request")
    return request


def _output(request: Request, number: int) -> Output:
    output = request.output(number)
    if output is None:
        raise NotFound(Reason.NOT_FOUND, what="output")
    return output


def _event(room: Room, caller: Caller, action: str, request: Request, **details: Any) -> Event:
    return room.event(
        caller.member,
        action,
        request.id,
        request.project,
        version=request.version,
        **({"session": caller.session_id} if caller.session_id else {}),
        **details,
    )


def _outputs(room: Room, purpose: str, context: str, announced: Sequence[Announced]) -> tuple[Output, ...]:
    policy = room.policy
    _text("purpose", purpose, MAX_PURPOSE_BYTES, required=True)
    _text("context", context, MAX_CONTEXT_BYTES)
    if not announced:
        raise Invalid(Reason.FIELD_MISSING, field="outputs")
    if len(announced) > policy.max_files:
        raise Invalid(Reason.TOO_MANY_FILES, limit=policy.max_files)
    for one in announced:
        _check_announcement(one, policy.max_file_bytes)
    if len({one.name for one in announced}) != len(announced):
        raise Invalid(Reason.FIELD_INVALID, field="outputs", value="name")
    if sum(one.size for one in announced) > policy.max_request_bytes:
        raise Invalid(Reason.REQUEST_TOO_LARGE, limit=policy.max_request_bytes)
    return tuple(
        Output(number, one.name, one.size, declared_sha256=one.sha256, claim=one.claim)
        for number, one in enumerate(announced, start=1)
    )


def _check_announcement(one: Announced, max_file_bytes: int) -> None:
    _text("name", one.name, MAX_NAME_BYTES, required=True)
    if one.size < 0:
        raise Invalid(Reason.FIELD_INVALID, field="size", value=one.size)
    if one.size > max_file_bytes:
        raise Invalid(Reason.FILE_TOO_LARGE, name=one.name, limit=max_file_bytes)
    if one.sha256 is not None and not _SHA256.fullmatch(one.sha256):
        raise Invalid(Reason.FIELD_INVALID, field="sha256", value=one.sha256[:70])
    if one.claim is not None and _json_size(one.claim) > MAX_CLAIM_BYTES:
        raise Invalid(Reason.FIELD_INVALID, field="claim", value="")


def _text(field: str, value: str, limit: int, *, required: bool = False) -> None:
    if required and not value.strip():
        raise Invalid(Reason.FIELD_MISSING, field=field)
    if not fits(value, limit):
        shown = value[:40].encode("utf-8", "replace").decode()
        raise Invalid(Reason.FIELD_INVALID, field=field, value=shown.replace("\0", ""))


def _json_size(value: object) -> int:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return len(text.encode("utf-8", "surrogatepass"))
    except (RecursionError, ValueError, TypeError):
        return MAX_CLAIM_BYTES + 1
