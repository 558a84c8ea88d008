"""Holds a submitted table against the recomputed one: the same header, groups, values and order, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Key, Measure, Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.evidence import Group
from egress_review.checks.tables.csv_form import RawTable, unquote
from egress_review.checks.tables.number_match import Match, compare
from onggi.errors import Invalid
from onggi.table_form import format_value, order_rows

GroupKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A submitted row and the group it is about.

    Attributes:
        line: its place in the file; the header is 1.
        key: column → text, for people.
        fields: the raw fields in the order of the query's items.
    """

    line: int
    key: Mapping[str, str]
    fields: tuple[str, ...]
    group: Group


@dataclass(slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        rows: those that have a group.
        same: whether every number of the file is the recomputed one.
    """

    rows: list[PublishedRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    close: int = 0

    @property
    def same(self) -> bool:
        """Whether nothing but last digits and order differs."""
        harmless = {FindingCode.LAST_DIGITS_DIFFER, FindingCode.ROW_ORDER_DIFFERS}
        return all(one.code in harmless for one in self.findings)


def compare_tables(
    raw: RawTable, query: Query, groups: Sequence[Group], policy: CheckPolicy, rounding: int | None
) -> Comparison:
    """Compare every field of `raw` with `groups`.

    Raises:
        CheckStopped: values have no text form, so that no comparison is possible.
    """
    result = Comparison()
    names = tuple(item.name for item in query.items)
    if raw.columns != names:
        result.findings.append(
            finding(FindingCode.HEADER_DIFFERS, expected=", ".join(names), found=", ".join(raw.columns))
        )
        return result
    if not raw.canonical:
        result.findings.append(finding(FindingCode.FORM_NOT_CANONICAL))
    expected = _by_key(query, groups)
    _pair(raw, query, expected, result)
    for row in result.rows:
        _compare_row(row, query, policy.relative_tolerance, rounding, result)
    if result.close:
        result.findings.append(finding(FindingCode.LAST_DIGITS_DIFFER, cells=result.close))
    if result.same and not _ordered(raw, query, groups):
        result.findings.append(finding(FindingCode.ROW_ORDER_DIFFERS))
    return result


def _positions(query: Query) -> list[int]:
    return [number for number, item in enumerate(query.items) if isinstance(item, Key)]


def _by_key(query: Query, groups: Sequence[Group]) -> dict[GroupKey, Group]:
    at = _positions(query)
    try:
        found = {tuple(format_value(group.values[number]) for number in at): group for group in groups}
    except Invalid as error:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=error.params.get("value", "")) from None
    if len(found) != len(groups):
        raise CheckStopped(FindingCode.QUERY_FAILED, cause="key")
    return found


def _pair(raw: RawTable, query: Query, expected: Mapping[GroupKey, Group], result: Comparison) -> None:
    """Give every submitted row its group; name those without one, and groups without a row."""
    at = _positions(query)
    names = [key.name for key in query.keys]
    seen: set[GroupKey] = set()
    for line, record in enumerate(raw.rows, start=2):
        key = tuple(record[number] for number in at)
        shown = dict(zip(names, (unquote(one) for one in key), strict=True))
        if key in seen:
            result.findings.append(finding(FindingCode.ROW_DUPLICATE, cell=shown))
        elif key not in expected:
            result.findings.append(finding(FindingCode.ROW_EXTRA, cell=shown))
        else:
            result.rows.append(PublishedRow(line, shown, record, expected[key]))
        seen.add(key)
    for key in expected:
        if key not in seen:
            shown = dict(zip(names, (unquote(one) for one in key), strict=True))
            result.findings.append(finding(FindingCode.ROW_MISSING, cell=shown))


def _compare_row(
    row: PublishedRow, query: Query, tolerance: float, rounding: int | None, result: Comparison
) -> None:
    for number, item in enumerate(query.items):
        if not isinstance(item, Measure):
            continue
        expected = row.group.values[number]
        base = rounding if item.kind.counts else None
        match = _match(row.fields[number], expected, tolerance, base)
        if match is Match.CLOSE:
            result.close += 1
        elif match is Match.OTHER_FORM:
            result.findings.append(finding(FindingCode.FORM_NOT_CANONICAL, dict(row.key)))
        elif match is Match.UNREADABLE:
            result.findings.append(
                finding(FindingCode.CSV_UNREADABLE, dict(row.key), line=row.line, cause="number")
            )
        elif match is Match.DIFFERS:
            result.findings.append(_differs(row, item.name, row.fields[number], expected))


def _match(raw: str, expected: Any, tolerance: float, rounding: int | None) -> Match:
    if expected is None:
        return Match.SAME if unquote(raw) == "" else Match.DIFFERS
    return compare(unquote(raw), expected, tolerance, rounding)


def _differs(row: PublishedRow, measure: str, submitted: str, expected: Any) -> Finding:
    recomputed = "" if expected is None else format_value(expected)
    return finding(
        FindingCode.VALUE_DIFFERS,
        dict(row.key),
        column=measure,
        submitted=unquote(submitted),
        recomputed=recomputed,
    )


def _ordered(raw: RawTable, query: Query, groups: Sequence[Group]) -> bool:
    """Whether the rows stand in the canonical order; another order could carry a message."""
    at = _positions(query)
    try:
        ordered = order_rows([group.values for group in groups])
    except TypeError:
        return False
    expected = [tuple(format_value(values[number]) for number in at) for values in ordered]
    return expected == [tuple(record[number] for number in at) for record in raw.rows]
