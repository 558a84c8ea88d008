"""A day's budget, lent to session servers in blocks.

Guarantees: what all sessions of a member in a project were lent on one day never passes the policy's
`day_bytes` and what administrators added, however many ask at once and whatever restarts; asking twice under
one id lends once; a rest is taken back once, from the session itself or, if that died, from the broker that
found what it had written down. Does not guarantee: that a session used what it was lent; what nobody gives
back stays lent.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from egress_review.display.policy import MIB, DisplayPolicy
from egress_review.meter.domain import Amounts, DayUse, Lease, Lift, PolicyVersion
from egress_review.meter.policies import effective, reason_text
from egress_review.meter.protocol import MeterUnit
from egress_review.meter.room import MeterRoom
from egress_review.people import Caller
from onggi.errors import Invalid, NotFound, Refused
from onggi.ids import person_name, slug
from onggi.reasons import Reason

__all__ = ["MAX_LEASE_BYTES", "MAX_LIFT_BYTES", "Lent", "Standing", "give_back", "lend", "lift", "page_bytes"]

MAX_LEASE_BYTES = 32 * MIB
MAX_LIFT_BYTES = 1024 * 1024 * MIB
_PAGE_BYTES = 64 * MIB
_LEASE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member's day stands.

    Attributes:
        limit: bytes of output that the day allows, lifts included.
        ends: when the next day begins.
        zone: name of the time zone in which it does.
    """

    use: DayUse
    limit: int
    lifted: int
    ends: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Lent:
    """A lease with what its session has to know besides."""

    lease: Lease
    standing: Standing
    version: PolicyVersion
    policy: DisplayPolicy


def page_bytes(policy: DisplayPolicy) -> int:
    """Bytes a day for what the page needs around outputs, so that a person at the limit can still save."""
    return max(policy.day_bytes, _PAGE_BYTES)


def lend(room: MeterRoom, caller: Caller, lease_id: str, wanted: Amounts) -> Lent:
    """Lend a session as much of what it wants as its member's day has left; nothing is an answer too.

    Args:
        caller: whom the session key stands for; nothing the session says about that is read.

    Raises:
        Invalid: for a malformed id or amounts below zero.
        Refused: for the id of another session's lease.
        Unavailable: nothing was lent.
    """
    if not _LEASE_ID.fullmatch(lease_id) or min(wanted.output, wanted.page) < 0:
        raise Invalid(Reason.FIELD_INVALID, field="id", value=lease_id[:40])
    with room.store.unit() as unit:
        version, policy = effective(room, unit.policy(caller.project), caller.project)
        before = _standing(room, unit, caller.project, caller.member, policy)
        known = unit.lease(lease_id)
        if known is not None:
            if known.session != caller.session_id:
                raise Refused(Reason.SIGN_IN_REQUIRED)
            return Lent(known, before, version, policy)
        lent = Amounts(
            _part(wanted.output, before.limit - before.use.lent.output),
            _part(wanted.page, page_bytes(policy) - before.use.lent.page),
        )
        after = replace(before, use=replace(before.use, lent=_plus(before.use.lent, lent)))
        lease = Lease(lease_id, caller.session_id, caller.project, caller.member, before.use.day, lent)
        unit.save_day(after.use)
        unit.add_lease(lease)
        _say_crossings(room, unit, caller, before, after, policy)
    return Lent(lease, after, version, policy)


def give_back(room: MeterRoom, lease_id: str, rest: Amounts, session: str | None = None) -> None:
    """Take back what a session has not used of a lease; once.

    Args:
        session: which asks; None if the broker does for one that died.

    Raises:
        NotFound: for a lease that is not this session's.
        Invalid: if it is more than was lent.
        Unavailable: nothing was taken back.
    """
    with room.store.unit() as unit:
        lease = unit.lease(lease_id)
        if lease is None or session not in {None, lease.session}:
            raise NotFound(Reason.NOT_FOUND, what="lease")
        use = unit.day(lease.project, lease.member, room.today())
        if not (0 <= rest.output <= lease.lent.output and 0 <= rest.page <= lease.lent.page):
            raise Invalid(Reason.FIELD_INVALID, field="output", value=rest.output)
        if lease.settled:
            return
        unit.settle(lease_id)
        if lease.day == use.day:
            unit.save_day(replace(use, lent=_plus(use.lent, Amounts(-rest.output, -rest.page))))


def lift(room: MeterRoom, actor: str, project: str, member: str, extra_bytes: int, reason: str) -> Lift:
    """Let a member be shown more today.

    Args:
        actor: who decided, as the desk says; the desk asked whether they may.

    Raises:
        Invalid: without a reason, or with an amount that is none.
        Unavailable: nothing was changed.
    """
    if not 0 < extra_bytes <= MAX_LIFT_BYTES:
        raise Invalid(Reason.FIELD_INVALID, field="extra_bytes", value=extra_bytes)
    day = room.today()
    made = Lift(
        str(uuid.uuid4()),
        slug(project),
        person_name(member),
        day,
        extra_bytes,
        reason_text(reason),
        actor,
        room.clock.now(),
    )
    event = room.event(
        actor, "display.lift", member, project, day=day, extra_bytes=extra_bytes, reason=made.reason
    )
    with room.store.unit() as unit:
        unit.add_lift(made, event)
    return made


def _standing(room: MeterRoom, unit: MeterUnit, project: str, member: str, policy: DisplayPolicy) -> Standing:
    use = unit.day(project, member, room.today())
    lifted = unit.lifted(project, member, use.day)
    return Standing(use, policy.day_bytes + lifted, lifted, room.day_ends(), str(room.zone))


def _part(wanted: int, left: int) -> int:
    return max(0, min(wanted, left, MAX_LEASE_BYTES))


def _plus(one: Amounts, other: Amounts) -> Amounts:
    return Amounts(one.output + other.output, one.page + other.page)


def _say_crossings(
    room: MeterRoom,
    unit: MeterUnit,
    caller: Caller,
    before: Standing,
    after: Standing,
    policy: DisplayPolicy,
) -> None:
    """Write down that a member's day passed its soft limit, or is used up."""
    marks = (("display.day_soft", policy.day_soft_bytes), ("display.day_used_up", after.limit))
    for action, mark in marks:
        if before.use.lent.output < mark <= after.use.lent.output:
            event = room.event(
                "service:review",
                action,
                caller.member,
                caller.project,
                day=after.use.day,
                lent_bytes=after.use.lent.output,
                limit=mark,
            )
            unit.append(event)
