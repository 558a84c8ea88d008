"""Runs the checks of every request in state `checking`.

Guarantees: a request in `checking` is never lost: what is to be done is read from the store, so a crash only
means that it is done again; whatever goes wrong inside the checker becomes *not proven*, never *passed*.
While the desk cannot say which data sets are granted, the request waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from egress_review.actions.asking import require_move
from egress_review.checks.findings import FindingCode
from egress_review.checks.job import CheckJob, DatasetFolder, OutputToCheck
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.report import CheckReport, Finding, OutputReport, bounded
from egress_review.domain import Output, Request, State
from egress_review.granted import dataset_folder, granted_folders
from egress_review.ledger.remembering import proven_tables
from egress_review.ledger.telling import not_run
from egress_review.lifecycle import Action, move_for
from egress_review.room import SERVICE, Room
from onggi.errors import Conflict, OnggiError

log = logging.getLogger(__name__)

Checker = Callable[[CheckJob], CheckReport]
_MOST_CODES = 12


class CheckRunner:
    """Checks one request after the other.

    Args:
        run: the checker, usually `egress_review.checks.runner.run_checks`.
        policy: of the checks.
    """

    def __init__(self, room: Room, run: Checker, policy: CheckPolicy) -> None:
        self._room = room
        self._run = run
        self._policy = policy

    def run_once(self) -> int:
        """Check what waits now, also what an earlier process left; how many requests were checked."""
        waiting = self._room.store.requests_in({State.CHECKING})
        return sum(self._check(request) for request in waiting)

    def _check(self, request: Request) -> bool:
        try:
            job = CheckJob(
                self._outputs(request), granted_folders(self._room.people, request.project), self._policy
            )
        except OnggiError as error:
            log.warning("checks of %s wait: %s", request.id, error)
            return False
        try:
            report = self._compared(request, job, self._report(job))
        except OnggiError as error:
            log.warning("the comparison of %s waits: %s", request.id, error)
            return False
        save_report(self._room, request, report)
        return True

    def _compared(self, request: Request, job: CheckJob, report: CheckReport) -> CheckReport:
        """The report with what subtraction from earlier releases would give away."""
        granted = {(one.name, one.version): one for one in job.datasets}

        def folder(name: str, version: str) -> DatasetFolder:
            if (name, version) not in granted:
                raise CheckStopped(FindingCode.DATASET_NOT_GRANTED, dataset=name, version=version)
            return granted[name, version]

        checked = [
            replace(one, report=said) for one, said in zip(request.outputs, report.outputs, strict=True)
        ]
        try:
            known = dataset_folder(self._room.people)
            found = self._room.ledger.findings(self._room.store.ledger, checked, folder, known)
        except OnggiError:
            raise
        except Exception:  # as for the checker: whatever it is, nothing is proven
            log.exception("the comparison failed")
            found = {one: (not_run(FindingCode.CHECKER_CRASHED),) for one in proven_tables(checked)}
        outputs = (
            with_findings(said, found.get(one.number, ()))
            for one, said in zip(request.outputs, report.outputs, strict=True)
        )
        return replace(report, outputs=tuple(outputs))

    def _outputs(self, request: Request) -> tuple[OutputToCheck, ...]:
        vault = self._room.vault
        return tuple(
            OutputToCheck(one.name, one.sha256 or "", str(vault.path(one.sha256 or "")), one.claim)
            for one in request.outputs
        )

    def _report(self, job: CheckJob) -> CheckReport:
        try:
            report = self._run(job)
        except Exception:  # a checker may fail in any way; whatever it is, nothing is proven
            log.exception("the checker failed")
            return not_proven(job)
        if [one.sha256 for one in report.outputs] != [one.sha256 for one in job.outputs]:
            log.error("the checker answered about other outputs")
            return not_proven(job)
        return report


def with_findings(report: OutputReport, more: Sequence[Finding]) -> OutputReport:
    """The report with more findings, also on the cells that they are about."""
    known = {_place(one) for one in report.findings}
    more = [one for one in more if _place(one) not in known]
    if not more:
        return report
    marked = {(tuple((one.cell or {}).items()), one.params.get("column", "")): one.code for one in more}
    cells = []
    for cell in report.cells:
        code = marked.get((tuple(cell.key.items()), cell.measure))
        cells.append(replace(cell, findings=(*cell.findings, code)) if code else cell)
    findings, kept = bounded([*report.findings, *more], cells, len(cells))
    return replace(report, findings=findings, cells=kept)


def _place(said: Finding) -> tuple[object, ...]:
    """What a finding says of what; how it can be shown may differ."""
    return said.code, said.params.get("column"), None if said.cell is None else tuple(said.cell.items())


def not_proven(job: CheckJob) -> CheckReport:
    """The report of a checker that failed as a whole."""
    crashed = (Finding(FindingCode.CHECKER_CRASHED),)
    version = job.policy.version
    outputs = (OutputReport(one.name, one.sha256, "", crashed, policy_version=version) for one in job.outputs)
    return CheckReport(tuple(outputs), version, "")


def save_report(room: Room, request: Request, report: CheckReport) -> None:
    """Keep what the checks said; a request that was withdrawn meanwhile stays withdrawn."""
    with room.store.unit() as unit:
        current = unit.request(request.id)
        outputs = tuple(
            replace(one, report=said) for one, said in zip(current.outputs, report.outputs, strict=False)
        )
        checked = replace(current, outputs=outputs)
        if current.version != request.version:
            return
        try:
            require_move(checked, Action.CHECK, SERVICE)
        except Conflict:
            log.info("request %s is no longer in checking", request.id)
            return
        move = move_for(checked, Action.CHECK)
        event = room.event(
            SERVICE.name,
            move.event,
            request.id,
            request.project,
            version=request.version,
            checks_policy=report.policy_version,
            engine=report.engine,
            outputs=[_summary(one) for one in outputs],
        )
        unit.save(replace(checked, state=move.next), event)


def _summary(output: Output) -> dict[str, object]:
    """What the log says of an output's checks: codes, never values."""
    findings = output.report.findings if output.report else ()
    worst = sorted({one.code for one in findings}, key=lambda code: code.value)
    verdict = output.verdict.value if output.verdict else ""
    return {
        "number": output.number,
        "verdict": verdict,
        "findings": [code.value for code in worst[:_MOST_CODES]],
    }
