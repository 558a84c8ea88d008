"""From what a comparison found to findings that people read.

Reviewers see which release and cell is too near; `Finding.for_researcher` takes that away, so that nobody
learns from a finding what other projects released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from egress_review.checks.differencing.hits import Hit, Number
from egress_review.checks.differencing.job import DifferencingAnswer, PublishedNumber, cell_text
from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Kind
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding
from egress_review.ledger.domain import Entry
from egress_review.ledger.protocol import LedgerStore, Remembered

_SHOWN_PARTS = 3
_SHOWN_CHARACTERS = 90


class Told:
    """One answer, read.

    Args:
        outputs: numbers of the request's outputs, in the order of the job's tables.
        known: the ledger's entries, in the order of the job's ledger.
        minimum: the threshold.
    """

    def __init__(
        self,
        store: LedgerStore,
        outputs: Sequence[int],
        known: Sequence[Remembered],
        answer: DifferencingAnswer,
        minimum: int,
    ) -> None:
        self._entry = cache(store.entry)
        self._outputs = outputs
        self._known = known
        self._answer = answer
        self._minimum = minimum

    def findings(self) -> Mapping[int, tuple[Finding, ...]]:
        """Findings by output."""
        found: dict[int, list[Finding]] = {number: [] for number in self._outputs}
        for hit in self._answer.hits:
            found[self._outputs[-1 - hit.new.table]].append(self._finding(hit))
        for number, table in zip(self._outputs, self._answer.tables, strict=True):
            found[number].extend(table.findings)
            if table.stopped is not None:
                found[number].append(not_run(table.stopped))
            elif not self._answer.complete:
                found[number].append(finding(FindingCode.DIFFERENCING_OVER_BUDGET))
        return {number: tuple(one) for number, one in found.items()}

    def _finding(self, hit: Hit) -> Finding:
        new = self._number(hit.new)
        shown = [self._shown(one) for one in hit.parts[:_SHOWN_PARTS]]
        if len(hit.parts) > _SHOWN_PARTS:
            shown.append(f"+ {len(hit.parts) - _SHOWN_PARTS}")
        return finding(
            self._code(hit),
            dict(new.key),
            column=new.measure,
            minimum=self._minimum,
            whole=self._shown(hit.whole),
            parts="; ".join(shown),
            difference=hit.difference,
        )

    def _code(self, hit: Hit) -> FindingCode:
        numbers = (hit.whole, *hit.parts)
        if not hit.alike:
            rows = len({one.table for one in numbers}) == 1 and len(hit.parts) == 1
            return FindingCode.DIFFERENCING_ROWS if rows else FindingCode.DIFFERENCING_OTHER_MEASURE
        # Half of the threshold blurs a difference over at least the threshold.
        if any(self._rounded_to(one) * 2 >= self._minimum for one in numbers):
            return FindingCode.DIFFERENCING_ROUNDED
        return FindingCode.DIFFERENCING_SAME_PERSONS if hit.of_rows else FindingCode.DIFFERENCING

    def _rounded_to(self, number: Number) -> int:
        """The base to which a number is rounded, 0 if it is not: counts only are."""
        if not Kind(self._number(number).kind).counts:
            return 0
        table = self._answer.tables[-1 - number.table] if number.is_new else self._of_ledger(number)
        return table.rounded_to

    def _number(self, number: Number) -> PublishedNumber:
        table = self._answer.tables[-1 - number.table] if number.is_new else self._of_ledger(number)
        return table.numbers[number.place]

    def _of_ledger(self, number: Number) -> Entry:
        return self._entry(self._known[number.table].position)

    def _shown(self, number: Number) -> str:
        if number.is_new:
            place = f"№{self._outputs[-1 - number.table]}"
        else:
            entry = self._of_ledger(number)
            place = f"{entry.release} №{entry.output}"
        text = f"{place} {cell_text(self._number(number))}"
        return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def not_run(cause: FindingCode) -> Finding:
    """No comparison, and so no release."""
    return finding(FindingCode.DIFFERENCING_NOT_RUN, cause=cause.value)
