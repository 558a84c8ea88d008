"""Egress review over the real cohort: requests that are submitted, checked and voted on as people do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from egress_review.actions import releasing, submitting
from egress_review.app import Parts
from egress_review.check_runner import CheckRunner
from egress_review.checks.differencing.job import DifferencingAnswer, DifferencingJob
from egress_review.checks.differencing.worker import answer
from egress_review.checks.job import CheckJob
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.report import CheckReport
from egress_review.checks.runner import run_checks
from egress_review.checks.worker import check
from egress_review.domain import Request, State
from egress_review.ledger.remembering import Ledger
from egress_review.people import Caller
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from egress_review.wiring import parts_of
from tests.support import review
from tests.support.check_tables import Made, Source

OTHER = Caller("s-0000000000000002", "researcher2", review.OTHER_PROJECT)


@dataclass
class Office:
    """One egress review, its desk, and the data sets that both projects may use."""

    state: Path
    parts: Parts
    desk: review.DeskInMemory

    @property
    def room(self) -> Room:
        return self.parts.room

    def reopened(self) -> Office:
        """As after a restart."""
        return Office(self.state, parts_of(ReviewSettings(state=self.state), desk=self.desk), self.desk)

    def submitted(self, made: Mapping[str, Made], caller: Caller = review.RESEARCHER) -> Request:
        """A request with files and claims."""
        announced = [submitting.Announced(name, len(one.body), claim=one.claim) for name, one in made.items()]
        request = submitting.open_request(self.room, caller, "purpose", "context", announced)
        review.hand_in(self.room, request, dict(enumerate((one.body for one in made.values()), 1)), caller)
        return submitting.submit(self.room, caller, request.id)

    def checked(self, made: Mapping[str, Made], caller: Caller = review.RESEARCHER) -> Request:
        """The same, through the real checks."""
        request = self.submitted(made, caller)
        CheckRunner(self.room, run_checks, CheckPolicy()).run_once()
        return self.room.store.request(request.id)

    def approved(self, request: Request, reason: str = "looked at") -> Request:
        """Two reviewers approve; nothing is released yet."""
        for name in ("reviewer1", "reviewer2"):
            review.cast(self.room, request, name, reason=reason)
        return self.room.store.request(request.id)

    def released(self, made: Mapping[str, Made], caller: Caller = review.RESEARCHER) -> str:
        """From files to a release; its id."""
        request = self.approved(self.checked(made, caller))
        assert request.state is State.APPROVED, request.outputs[0].report
        return releasing.release(self.room, request.id).id


def office_over(state: Path, *sources: Source, url: str = "") -> Office:
    """A fresh egress review whose projects may use these data sets.

    Args:
        url: of its database; a file in `state` if empty.
    """
    desk = review.demo_desk()
    for source in sources:
        name, version = source.manifest.name, source.manifest.version
        desk.datasets[name, version] = {"path": str(source.folder), "manifest": {}}
        for project in desk.projects.values():
            grant = {"dataset": name, "version": version, "until": None, "active": True}
            project["grants"] = [
                one for one in project["grants"] if (one["dataset"], one["version"]) != (name, version)
            ] + [grant]
    return Office(state, parts_of(ReviewSettings(state=state, review_url=url), desk=desk), desk)


def without_boxes(office: Office, scratch: Path) -> Room:
    """Its room with the same comparison in this process: for many at once, where a box each is too much."""

    def run(job: DifferencingJob) -> DifferencingAnswer:
        return answer(replace(job, scratch=str(scratch)))

    ledger = office.room.ledger
    return replace(office.room, ledger=Ledger(ledger.blobs, run, CheckPolicy()))


def check_here(room: Room, request: Request, scratch: Path) -> Request:
    """The request through checks and comparison in this process."""

    def run(job: CheckJob) -> CheckReport:
        orders = [
            Order(one.name, one.sha256, one.path, str(scratch), one.claim, job.datasets, job.policy)
            for one in job.outputs
        ]
        return CheckReport(tuple(map(check, orders)), job.policy.version, "")

    CheckRunner(room, run, CheckPolicy()).run_once()
    return room.store.request(request.id)
