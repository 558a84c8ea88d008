"""A project's display policy: a document with a number; the newest holds, and all stay."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from egress_review.display.document import policy_from_yaml, profile_text
from egress_review.display.policy import DisplayPolicy
from egress_review.meter.domain import PolicyVersion
from egress_review.meter.room import MeterRoom
from onggi.errors import Conflict, Invalid
from onggi.ids import slug
from onggi.reasons import Reason

__all__ = ["MAX_REASON_CHARACTERS", "effective", "newest", "policy_of", "reason_text", "set_policy"]

MAX_REASON_CHARACTERS = 500


def policy_of(version: PolicyVersion) -> DisplayPolicy:
    """The limits that a version sets.

    Raises:
        Invalid: if the document is of an older form that this code no longer reads.
    """
    return _read(version.text)


def newest(room: MeterRoom, project: str) -> PolicyVersion:
    """The version that holds for a project; the installation's profile if it was never given one."""
    return room.store.policy(project) or usual(room, project)


def usual(room: MeterRoom, project: str) -> PolicyVersion:
    """The installation's profile, as number 0 of every project."""
    text = profile_text(room.profile)
    return PolicyVersion(project, 0, _read(text).version, text)


@lru_cache(maxsize=64)
def _read(text: str) -> DisplayPolicy:
    """The same text is the same policy: it is asked for with every showing, and YAML takes milliseconds."""
    return policy_from_yaml(text)


def effective(
    room: MeterRoom, found: PolicyVersion | None, project: str
) -> tuple[PolicyVersion, DisplayPolicy]:
    """The version that holds and its limits, from what a transaction found.

    Raises:
        Invalid: as `policy_of`.
    """
    version = found or usual(room, project)
    return version, policy_of(version)


def set_policy(
    room: MeterRoom, actor: str, project: str, text: str, reason: str, expected: int | None = None
) -> PolicyVersion:
    """Give a project a new version of its policy. Running sessions take it within half a minute.

    Args:
        actor: who decided, as the desk says; the desk asked whether they may.
        text: YAML.
        expected: the number that the document was written over; None overwrites whatever holds.

    Raises:
        Invalid: naming the field that is wrong; or a missing reason.
        Conflict: `STATE_CONFLICT` if another version came between.
        Unavailable: nothing was changed.
    """
    policy = policy_from_yaml(text)
    reason = reason_text(reason)
    with room.store.unit() as unit:
        before = unit.policy(slug(project))
        number = before.number if before else 0
        if expected is not None and expected != number:
            raise Conflict(Reason.STATE_CONFLICT, state=f"{before.name if before else ''}@{number}")
        version = PolicyVersion(project, number + 1, policy.version, text, actor, reason, room.clock.now())
        event = room.event(
            actor,
            "display.policy_set",
            project,
            project,
            policy=version.label,
            policy_sha256=hashlib.sha256(text.encode()).hexdigest(),
            reason=reason,
            day_bytes=policy.day_bytes,
            session_bytes=policy.session_bytes,
            record_days=policy.record_days,
        )
        unit.add_policy(version, event)
    return version


def reason_text(reason: str) -> str:
    """A reason that a person gave.

    Raises:
        Invalid: without one, or if it is longer than `MAX_REASON_CHARACTERS`.
    """
    reason = reason.strip()
    if not reason:
        raise Invalid(Reason.FIELD_MISSING, field="reason")
    if len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise Invalid(Reason.FIELD_INVALID, field="reason", value=reason[:40])
    return reason
