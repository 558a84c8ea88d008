"""What the ledger does for a request: compares its tables with all that was released, and drafts its entries.

Guarantees: the persons behind a released table come from a box that saw its claim and the source, never the
submitted file; what a box made is kept under its hash before an entry names it; a proven table has no entry
without them, so it is not released without memory. Outputs that are not proven tables get entries that say
that the ledger is blind there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from egress_review.checks.differencing.job import (
    DifferencingAnswer,
    DifferencingJob,
    LedgerTable,
    TableToRemember,
)
from egress_review.checks.findings import FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.report import Finding
from egress_review.domain import Output, Release, Request
from egress_review.ledger.domain import Blind, Entry, claim_sha256
from egress_review.ledger.protocol import LedgerStore, Remembered
from egress_review.ledger.telling import Told, not_run
from egress_review.vault import Vault
from onggi.claim import Claim, claim_from_json
from onggi.errors import Invalid, Unavailable
from onggi.reasons import Reason

Run = Callable[[DifferencingJob], DifferencingAnswer]
Folder = Callable[[str, str], DatasetFolder]
Findings = Mapping[int, tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a release would add to the ledger.

    Attributes:
        entries: one for each output.
        datasets: those that the entries with sets are about.
        newest: position of the newest entry that was compared, -1 if there was none.
        findings: by output, what now speaks against the release.
    """

    entries: tuple[Entry, ...]
    datasets: frozenset[str] = frozenset()
    newest: int = -1
    findings: Findings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Compared:
    """One run over the proven tables among some outputs."""

    claims: Mapping[int, Claim]
    known: tuple[Remembered, ...]
    answer: DifferencingAnswer
    findings: Findings

    @property
    def datasets(self) -> frozenset[str]:
        return frozenset(name for claim in self.claims.values() for name, _ in claim.datasets)


class Ledger:
    """The ledger at work.

    Args:
        blobs: the sets of persons, by their hash.
        run: the box, usually `egress_review.checks.differencing.runner.run_differencing`.
        policy: of the checks; its threshold is the ledger's.
    """

    def __init__(self, blobs: Vault, run: Run, policy: CheckPolicy) -> None:
        self.blobs = blobs
        self._run = run
        self._policy = policy

    def findings(
        self, store: LedgerStore, outputs: Sequence[Output], folder: Folder, known: Folder
    ) -> Findings:
        """What subtraction would give away, by output. Never raises `CheckStopped`: it becomes a finding.

        Args:
            folder: of the data sets that the request may use.
            known: of those that releases were about.
        """
        try:
            return self._compare(store, outputs, folder, known, keep=False).findings
        except CheckStopped as stopped:
            return {number: (not_run(stopped.finding.code),) for number in proven_tables(outputs)}

    def draft(
        self,
        store: LedgerStore,
        request: Request,
        release: Release,
        folder: Folder,
        *,
        compare: bool = True,
    ) -> Draft:
        """The entries of a release; their sets are in the blob store when this returns.

        Args:
            compare: with the ledger, for a new release.

        Raises:
            Unavailable: `LEDGER_NOT_WRITTEN`, if the persons behind a proven table cannot be found now.
        """
        released = [one for one in request.outputs if release.file(one.number)]
        try:
            compared = self._compare(store, released, folder, folder, keep=True, with_ledger=compare)
        except CheckStopped as stopped:
            raise _not_written(stopped.finding.code) from None
        made = dict(zip(compared.claims, compared.answer.tables, strict=True))
        entries = []
        for one in released:
            entry = _blind(request, release, one)
            if one.number in made:
                table = made[one.number]
                if table.stopped is not None:
                    raise _not_written(table.stopped)
                entry = replace(
                    entry,
                    datasets=compared.claims[one.number].datasets,
                    sets=self._keep(table.sets),
                    blind=None,
                    rounded_to=table.rounded_to,
                    numbers=table.numbers,
                    claim=compared.claims[one.number].to_json(),
                    hidden=one.report.hidden if one.report else (),
                )
            entries.append(entry)
        newest = max((one.position for one in compared.known), default=-1)
        return Draft(tuple(entries), compared.datasets, newest, compared.findings)

    def _compare(
        self,
        store: LedgerStore,
        outputs: Sequence[Output],
        folder: Folder,
        of_ledger: Folder,
        *,
        keep: bool,
        with_ledger: bool = True,
    ) -> _Compared:
        tables = proven_tables(outputs)
        if not tables:
            return _Compared({}, (), DifferencingAnswer((), (), complete=True), {})
        datasets = sorted({pair for claim, _ in tables.values() for pair in claim.datasets})
        known = store.sets_of({name for name, _ in datasets}) if with_ledger else ()
        job = DifferencingJob(
            tables=tuple(table for _, table in tables.values()),
            datasets=(
                *(folder(name, version) for name, version in datasets),
                *_folders(known, set(datasets), of_ledger),
            ),
            ledger=tuple(
                LedgerTable(one.sets, str(self.blobs.path(one.sets)), one.release, one.claim, one.hidden)
                for one in known
            ),
            policy=self._policy,
            keep=keep,
        )
        answer = self._run(job)
        claims = {number: claim for number, (claim, _) in tables.items()}
        told = Told(store, tuple(tables), known, answer, self._policy.min_persons)
        return _Compared(claims, known, answer, told.findings())

    def _keep(self, sets: bytes) -> str:
        with self.blobs.receive(len(sets)) as incoming:
            incoming.write(sets)
            return incoming.finish().sha256


def _folders(
    known: Sequence[Remembered], have: Collection[tuple[str, str]], folder: Folder
) -> Iterator[DatasetFolder]:
    """Other data-set versions that releases were about; what is needed of one that is gone is not proven."""
    claims = (one.claim for one in known if one.claim is not None)
    versions = {(str(one["name"]), str(one["version"])) for claim in claims for one in claim["datasets"]}
    for name, version in sorted(versions - set(have)):
        try:
            yield folder(name, version)
        except Unavailable as error:
            if error.reason is not Reason.LEDGER_NOT_WRITTEN:
                raise


def proven_tables(outputs: Sequence[Output]) -> dict[int, tuple[Claim, TableToRemember]]:
    """The outputs that are tables whose numbers the source gives, by number."""
    found = {}
    for one in outputs:
        report = one.report
        if one.claim is None or report is None:
            continue
        if not any(said.code is FindingCode.RECOMPUTED for said in report.findings):
            continue
        try:
            claim = claim_from_json(one.claim)
        except Invalid:
            continue  # the checks could not have read it either
        found[one.number] = (claim, TableToRemember(one.claim, report.hidden))
    return found


def _blind(request: Request, release: Release, output: Output) -> Entry:
    return Entry(
        release=release.id,
        output=output.number,
        request=request.id,
        version=request.version,
        project=request.project,
        datasets=(),
        claim_sha256=claim_sha256(output.claim),
        output_sha256=output.sha256 or "",
        sets=None,
        blind=Blind.NO_CLAIM if output.claim is None else Blind.NO_SETS,
    )


def _not_written(cause: FindingCode) -> Unavailable:
    return Unavailable(Reason.LEDGER_NOT_WRITTEN, cause=cause.value)
