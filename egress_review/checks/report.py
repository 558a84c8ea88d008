"""What the checks found: findings, evidence by cell, verdicts; and their wire form.

Guarantees: the verdict of an output is the worst of its findings, computed here and never taken from the
wire; without the positive finding `recomputed` nothing is better than *not proven*, so an empty set of
checks cannot pass. The reader treats the worker's answer as hostile: unknown keys, codes, kinds or sizes
refuse. It does not guarantee that a worker taken over by the file it parsed tells the truth: people look
after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from egress_review.checks.findings import VERDICTS, FindingCode, Verdict
from egress_review.checks.hidden import HiddenRow, hidden_row_from_json
from egress_review.checks.text import MAX_TEXT, is_sound
from onggi.errors import Invalid
from onggi.reasons import Reason
from onggi.submission import FINDINGS_BYTES

__all__ = [
    "MAX_CELLS",
    "MAX_FINDINGS",
    "MAX_TEXT",
    "REVIEWER_ONLY",
    "CellEvidence",
    "CheckReport",
    "Finding",
    "FindingCode",
    "HiddenRow",
    "OutputReport",
    "TableCheck",
    "Verdict",
    "bounded",
    "combine",
    "for_researcher",
    "is_sound",
    "output_report_from_json",
    "report_from_json",
]

MAX_FINDINGS = 200
MAX_CELLS = 1_000_000
"""Of any report; what a policy lets a report hold is `CheckPolicy.report_cells`."""
REVIEWER_ONLY = frozenset(
    {
        "complement", "difference", "freedom", "holders", "left_out", "missing", "parts", "persons",
        "recomputed",
        "rest", "share", "submitted", "support", "whole", "witness",
    }
)  # fmt: skip
_MAX_KEYS = 64
_MAX_OUTPUTS = 10_000
_MAX_COUNT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check says about an output.

    Attributes:
        params: values for the code's sentence; they may hold values of the data: for reviewers only.
        cell: the key columns and their values, `measure` excluded, or None if it concerns the whole file.
    """

    code: FindingCode
    params: Mapping[str, str] = field(default_factory=dict)
    cell: Mapping[str, str] | None = None

    @property
    def verdict(self) -> Verdict:
        """What this finding does to the output; fixed by its code."""
        return VERDICTS[self.code]

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        cell = None if self.cell is None else dict(self.cell)
        return {
            "code": self.code.value,
            "verdict": self.verdict.value,
            "params": dict(self.params),
            "cell": cell,
        }

    def for_researcher(self) -> Finding:
        """The same finding without values of the data: no counts of persons, no recomputed values."""
        shown = {name: text for name, text in self.params.items() if name not in REVIEWER_ONLY}
        # The key of a missing row is not in the file: it comes from the source.
        return Finding(self.code, shown, None if self.code is FindingCode.ROW_MISSING else self.cell)


def for_researcher(findings: Iterable[Finding], most_bytes: int = FINDINGS_BYTES) -> tuple[Finding, ...]:
    """The first findings, without values of the data, whose own texts take at most `most_bytes`.

    What reads the same is told once: how often it was found may say how many cells others have hidden.

    Names of columns and keys of rows are words of whoever wrote the file; a researcher reads them outside the
    session, which has paid for so much and no more.
    """
    shown: list[Finding] = []
    for one in findings:
        told = one.for_researcher()
        if told in shown:
            continue
        texts = [*told.params.values(), *(told.cell or {}), *(told.cell or {}).values()]
        most_bytes -= sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        if most_bytes < 0:
            break
        shown.append(told)
    return tuple(shown)


@dataclass(frozen=True, slots=True)
class CellEvidence:
    """What stands behind one published number. For reviewers only.

    Attributes:
        key: the group it belongs to.
        measure: the column it stands in.
        value: as published.
        rows: source rows of the group.
        persons: distinct persons of the group; None where the profile counts rows.
        contributors: units that contribute a value: persons, or rows.
        statistic: what the number is, by content: `mean(cost)`.
        share: of the largest contributor in the absolute total, 0 to 1; "" if there is no total.
        institutions: that contribute; None if the data name none or the profile does not ask.
        suppressed: whether a mark stands in its place; then its findings do nothing to the output.
        findings: codes of the findings on this cell.
    """

    key: Mapping[str, str]
    measure: str
    value: str
    rows: int
    persons: int | None
    contributors: int
    statistic: str = ""
    share: str = ""
    institutions: int | None = None
    suppressed: bool = False
    findings: tuple[FindingCode, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "key": dict(self.key),
            "measure": self.measure,
            "statistic": self.statistic,
            "value": self.value,
            "rows": self.rows,
            "persons": self.persons,
            "contributors": self.contributors,
            "share": self.share,
            "institutions": self.institutions,
            "suppressed": self.suppressed,
            "findings": [code.value for code in self.findings],
        }


def combine(findings: Iterable[Finding]) -> Verdict:
    """The worst of the findings; *not proven* unless a recomputation succeeded."""
    seen = tuple(findings)
    proven = any(one.code is FindingCode.RECOMPUTED for one in seen)
    floor = Verdict.PASS if proven else Verdict.NOT_PROVEN
    return max((floor, *(one.verdict for one in seen)), key=lambda verdict: verdict.rank)


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What the check of one file's content found, before it is cut to a report's size."""

    findings: tuple[Finding, ...]
    cells: tuple[CellEvidence, ...] = ()
    engine: str = ""
    hidden: tuple[HiddenRow, ...] = ()


def bounded(
    findings: Iterable[Finding], cells: Iterable[CellEvidence], most_cells: int
) -> tuple[tuple[Finding, ...], tuple[CellEvidence, ...]]:
    """The worst findings and the cells with findings, as many as a report may hold; the verdict stays."""
    proofs: list[Finding] = []
    others: list[Finding] = []
    for one in findings:
        (proofs if one.code is FindingCode.RECOMPUTED else others).append(one)
    others.sort(key=lambda one: -one.verdict.rank)
    kept = sorted(cells, key=lambda one: not one.findings)
    return (*others[: MAX_FINDINGS - 1], *proofs[:1]), tuple(kept[:most_cells])


@dataclass(frozen=True, slots=True)
class OutputReport:
    """What the checks say about one output.

    Attributes:
        output: the file's name.
        file_type: by content: `csv`, `text`, `png`, `jpeg`, or what it was taken for.
        findings: at most `MAX_FINDINGS`, the worst first.
        cells: as many as the policy lets a report hold, those with findings first.
        cells_total: how many published numbers there are.
        hidden: all numbers that the file hides, those too that are not among `cells`.
    """

    output: str
    sha256: str
    file_type: str
    findings: tuple[Finding, ...]
    cells: tuple[CellEvidence, ...] = ()
    cells_total: int = 0
    engine: str = ""
    policy_version: str = ""
    hidden: tuple[HiddenRow, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        return combine(self.findings)

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "output": self.output,
            "sha256": self.sha256,
            "file_type": self.file_type,
            "verdict": self.verdict.value,
            "findings": [one.to_json() for one in self.findings],
            "cells": [one.to_json() for one in self.cells],
            "cells_total": self.cells_total,
            "engine": self.engine,
            "policy_version": self.policy_version,
            "hidden": [one.to_json() for one in self.hidden],
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks say about all outputs of a request, in the order of the job."""

    outputs: tuple[OutputReport, ...]
    policy_version: str
    engine: str

    @property
    def verdict(self) -> Verdict:
        """The worst of the outputs; without outputs nothing is proven."""
        worst = [one.verdict for one in self.outputs] or [Verdict.NOT_PROVEN]
        return max(worst, key=lambda verdict: verdict.rank)

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "outputs": [one.to_json() for one in self.outputs],
            "verdict": self.verdict.value,
            "policy_version": self.policy_version,
            "engine": self.engine,
        }


def _refuse(where: str) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field="check_report", value=where)


def _object(body: object, names: frozenset[str], where: str) -> Mapping[str, Any]:
    if not isinstance(body, dict) or set(body) != names:
        raise _refuse(where)
    return body


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not is_sound(value):
        raise _refuse(where)
    return value


def _count(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        raise _refuse(where)
    return value


def _list(value: object, most: int, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _refuse(where)
    return value


def _texts(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > _MAX_KEYS:
        raise _refuse(where)
    return {_text(name, where): _text(text, where) for name, text in value.items()}


def _code(value: object) -> FindingCode:
    try:
        return FindingCode(_text(value, "code"))
    except ValueError:
        raise _refuse("code") from None


def finding_from_json(body: object) -> Finding:
    """Read a finding from a hostile source.

    Raises:
        Invalid: naming the part that is not as it must be.
    """
    read = _object(body, frozenset({"code", "verdict", "params", "cell"}), "finding")
    cell = None if read["cell"] is None else _texts(read["cell"], "cell")
    finding = Finding(_code(read["code"]), _texts(read["params"], "params"), cell)
    if read["verdict"] != finding.verdict.value:
        raise _refuse("finding verdict")
    return finding


_CELL_KEYS = frozenset(one.name for one in fields(CellEvidence))


def _cell(body: object) -> CellEvidence:
    read = _object(body, _CELL_KEYS, "cell")
    return CellEvidence(
        key=_texts(read["key"], "key"),
        measure=_text(read["measure"], "measure"),
        statistic=_text(read["statistic"], "statistic"),
        value=_text(read["value"], "value"),
        rows=_count(read["rows"], "rows"),
        persons=_count_or_none(read["persons"], "persons"),
        contributors=_count(read["contributors"], "contributors"),
        share=_text(read["share"], "share"),
        institutions=_count_or_none(read["institutions"], "institutions"),
        suppressed=_flag(read["suppressed"], "suppressed"),
        findings=tuple(_code(one) for one in _list(read["findings"], len(FindingCode), "cell findings")),
    )


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(where)
    return value


def _count_or_none(value: object, where: str) -> int | None:
    return None if value is None else _count(value, where)


_OUTPUT_KEYS = frozenset(one.name for one in fields(OutputReport)) | {"verdict"}


def output_report_from_json(body: object) -> OutputReport:
    """Read one output's report from a hostile source.

    Raises:
        Invalid: naming the part that is not as it must be.
    """
    read = _object(body, _OUTPUT_KEYS, "output")
    report = OutputReport(
        output=_text(read["output"], "output"),
        sha256=_text(read["sha256"], "sha256"),
        file_type=_text(read["file_type"], "file_type"),
        findings=tuple(finding_from_json(one) for one in _list(read["findings"], MAX_FINDINGS, "findings")),
        cells=tuple(_cell(one) for one in _list(read["cells"], MAX_CELLS, "cells")),
        cells_total=_count(read["cells_total"], "cells_total"),
        engine=_text(read["engine"], "engine"),
        policy_version=_text(read["policy_version"], "policy_version"),
        hidden=tuple(map(hidden_row_from_json, _list(read["hidden"], MAX_CELLS, "hidden"))),
    )
    if read["verdict"] != report.verdict.value:
        raise _refuse("verdict")
    return report


def report_from_json(body: object) -> CheckReport:
    """Read a whole report, as the review store keeps it.

    Raises:
        Invalid: naming the part that is not as it must be.
    """
    read = _object(body, frozenset({"outputs", "verdict", "policy_version", "engine"}), "report")
    report = CheckReport(
        outputs=tuple(
            output_report_from_json(one) for one in _list(read["outputs"], _MAX_OUTPUTS, "outputs")
        ),
        policy_version=_text(read["policy_version"], "policy_version"),
        engine=_text(read["engine"], "engine"),
    )
    if read["verdict"] != report.verdict.value:
        raise _refuse("verdict")
    return report
