"""Protecting a table for the researcher who asks: in a box, one at a time for a person, noted in the log.

Guarantees: only data sets granted to the caller's project are read, as the caller's own compute reads them;
every try is in the audit log before it begins; nothing of the ledger of releases and nothing of any request
is looked at, so that no answer depends on what others did. A person has one try at a time and some an hour,
however many sessions they open, and never the places that are kept for reviewers.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.job import ProtectAnswer, ProtectJob, Stopped
from egress_review.checks.protect.way import Way
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.rules.document import shipped
from egress_review.domain import Request
from egress_review.granted import granted_folders
from egress_review.people import Caller
from egress_review.room import Room
from onggi.claim import MAX_CLAIM_BYTES
from onggi.errors import Conflict, Invalid, NotFound, Unavailable
from onggi.reasons import Reason

MOST_AT_ONCE = 2
"""Boxes that protect tables at once for sessions, and as many for reviewers; checks have their own."""
MOST_PER_HOUR = 60
"""Tries of one person, or on one output."""
MOST_BASE = 1000
_HOUR_S = 3600.0

Run = Callable[[ProtectJob], ProtectAnswer | Stopped]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a session asks.

    Attributes:
        claim: the JSON of a table's claim, hostile.
        way: a `Way`.
        base: of rounding, 2 to `MOST_BASE`.
        profile: the name of a shipped profile, or "" for that of the checks.
    """

    claim: Mapping[str, Any]
    way: str
    base: int = 5
    profile: str = ""

    def checked(self) -> str:
        """The SHA-256 of the claim.

        Raises:
            Invalid: naming the field that is wrong.
        """
        body = json.dumps(self.claim, ensure_ascii=True)
        if len(body) > MAX_CLAIM_BYTES:
            raise Invalid(Reason.FIELD_INVALID, field="claim", value="size")
        if self.way not in set(Way):
            raise Invalid(Reason.FIELD_INVALID, field="way", value=self.way)
        if not 2 <= self.base <= MOST_BASE:  # noqa: PLR2004 - rounding to 1 is none
            raise Invalid(Reason.FIELD_INVALID, field="base", value=self.base)
        return hashlib.sha256(body.encode()).hexdigest()


class Protector:
    """Protects tables for sessions.

    Args:
        run: usually `egress_review.checks.protect.runner.run_protect`.
        policy: of the checks; its profile decides which numbers are sensitive.
    """

    def __init__(self, room: Room, run: Run, policy: CheckPolicy) -> None:
        self._room = room
        self._run = run
        self._policy = policy
        self._lock = threading.Lock()
        self._running: set[tuple[str, str]] = set()
        self._tries: dict[tuple[str, str], list[float]] = {}

    def protect(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """The protected table, or the finding that says why there is none. Blocks for seconds.

        Raises:
            Invalid: a claim, way, base or profile that is none.
            Conflict: `PROTECT_RUNNING` while the person's last try runs, or too many others'.
            Unavailable: `RATE_LIMITED`.
        """
        turn = self._turn("sessions", caller.member)
        return self._protect(turn, caller.session_id, caller.member, caller.project, asked)

    def propose(
        self, reviewer: str, request: Request, number: int, way: str, base: int = 5
    ) -> dict[str, Any]:
        """How an output could be protected, for its reviewers; the file in the vault stays as it is.

        Args:
            reviewer: who asks; whether they may is for the page to know.
            number: of the output.

        Raises:
            NotFound: there is no such output, or it has no claim.
            Invalid, Conflict, Unavailable: as `protect`.
        """
        claim = next((one.claim for one in request.outputs if one.number == number), None)
        if claim is None:
            raise NotFound(Reason.NOT_FOUND)
        asked = Asked(claim, way, base)
        subject = f"{request.id}/{number}"
        return self._protect(self._turn("reviewers", subject), subject, reviewer, request.project, asked)

    def _protect(
        self, turn: AbstractContextManager[None], subject: str, actor: str, project: str, asked: Asked
    ) -> dict[str, Any]:
        sha256 = asked.checked()
        profile = shipped(asked.profile) if asked.profile else self._policy.profile
        policy = replace(self._policy, profile=profile)
        with turn:
            datasets = granted_folders(self._room.people, project)
            details = {"way": asked.way, "claim_sha256": sha256, "profile": policy.version}
            event = self._room.event(actor, "table.protect", subject, project, **details)
            with self._room.store.unit() as unit:
                unit.append(event)
            return self._answer(ProtectJob(asked.claim, datasets, policy, Way(asked.way), asked.base))

    def _answer(self, job: ProtectJob) -> dict[str, Any]:
        try:
            said = self._run(job)
        except CheckStopped as stopped:
            return {"stopped": stopped.finding.for_researcher().to_json()}
        if isinstance(said, Stopped):
            return {"stopped": said.stopped.value().to_json()}
        body = said.model_dump(mode="json")
        body["findings"] = [one.value().to_json() for one in said.findings]
        return {**body, "way": job.way.value, "base": job.base, "profile": job.policy.version}

    @contextmanager
    def _turn(self, lane: str, who: str) -> Iterator[None]:
        """One try of a person or on an output at a time, few at once in a lane, not too many an hour."""
        now, subject = time.monotonic(), (lane, who)
        with self._lock:
            busy = sum(other == lane for other, _ in self._running)
            if subject in self._running or busy >= MOST_AT_ONCE:
                raise Conflict(Reason.PROTECT_RUNNING)
            self._tries = {
                one: recent
                for one, tries in self._tries.items()
                if (recent := [at for at in tries if now - at < _HOUR_S])
            }
            tries = self._tries.setdefault(subject, [])
            if len(tries) >= MOST_PER_HOUR:
                raise Unavailable(Reason.RATE_LIMITED)
            tries.append(now)
            self._running.add(subject)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(subject)
