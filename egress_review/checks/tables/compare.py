"""Holds a submitted table against the recomputed one: the same header, groups, values and order, no more.

Suppressed numbers and rounded counts are held to what the claim declares, on the bytes of the file: a mark is
recognised and handed on as such, a count that was declared rounded must be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding
from egress_review.checks.source.evidence import Group
from egress_review.checks.tables.csv_form import RawTable, unquote
from egress_review.checks.tables.layout import GroupKey, ordered_keys, unfold
from egress_review.checks.tables.marks import Cover, covered
from egress_review.checks.tables.number_match import Match, compare
from onggi.claim import Claim
from onggi.table_form import format_value


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A submitted row, in the long form, and the group it is about.

    Attributes:
        line: its place in the file, or in the long form of a wide file; the header is 1.
        key: column → text, for people.
        fields: the raw fields in the order of the query's items.
        suppressed: positions among the query's items where a mark stands and no number is published.
    """

    line: int
    key: Mapping[str, str]
    fields: tuple[str, ...]
    group: Group
    suppressed: frozenset[int] = frozenset()


@dataclass(slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        rows: those that have a group.
        same: whether every number of the file is the recomputed one, or suppressed, or rounded, as declared.
        close: numbers with other last digits.
        near: those of them that adding in another order does not explain.
        marks: the marks of suppression that the file uses.
        unshown: groups of the source that no row of the file is about.
        extra: keys and fields of rows that the source does not give.
    """

    rows: list[PublishedRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    close: int = 0
    near: int = 0
    marks: set[str] = field(default_factory=set)
    unshown: list[PublishedRow] = field(default_factory=list)
    extra: list[tuple[Mapping[str, str], tuple[str, ...]]] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing but last digits and order differs."""
        harmless = {
            FindingCode.LAST_DIGITS_DIFFER,
            FindingCode.MARKS_DIFFER,
            FindingCode.ROW_ORDER_DIFFERS,
            FindingCode.SUPPRESSED_CELLS,
        }
        return all(one.code in harmless for one in self.findings)


def compare_tables(
    raw: RawTable, query: Query, groups: Sequence[Group], policy: CheckPolicy, claim: Claim
) -> Comparison:
    """Compare every field of `raw` with `groups`.

    Raises:
        CheckStopped: values have no text form, or rows cannot be told apart.
    """
    result = Comparison()
    expected = ordered_keys(query, groups, claim, raw.form)
    long = unfold(raw, query, expected, claim, result.findings)
    names = tuple(item.name for item in query.items)
    if long.columns != names:
        result.findings.append(
            finding(FindingCode.HEADER_DIFFERS, expected=", ".join(names), found=", ".join(long.columns))
        )
        result.unshown = [unshown_row(key, group, query) for key, group in expected.items()]
        return result
    if not long.canonical:
        result.findings.append(finding(FindingCode.FORM_NOT_CANONICAL))
    _pair(long, query, expected, result)
    result.rows = [_compare_row(row, query, policy, claim, long, result) for row in result.rows]
    _sum_up(result)
    if result.same and not _ordered(long, query, expected, claim):
        result.findings.append(finding(FindingCode.ROW_ORDER_DIFFERS))
    return result


def _pair(raw: RawTable, query: Query, expected: Mapping[GroupKey, Group], result: Comparison) -> None:
    """Give every submitted row its group; name those without one, and groups without a row."""
    at = query.key_places
    names = [key.name for key in query.keys]
    seen: set[GroupKey] = set()
    for line, record in enumerate(raw.rows, start=2):
        key = tuple(record[number] for number in at)
        shown = dict(zip(names, (unquote(one) for one in key), strict=True))
        if key in seen:
            result.findings.append(finding(FindingCode.ROW_DUPLICATE, shown))
        elif key not in expected:
            result.findings.append(finding(FindingCode.ROW_EXTRA, shown))
            result.extra.append((shown, record))
        else:
            result.rows.append(PublishedRow(line, shown, record, expected[key]))
        seen.add(key)
    missing = [key for key in expected if key not in seen]
    for key in missing:
        result.unshown.append(unshown_row(key, expected[key], query))
        result.findings.append(finding(FindingCode.ROW_MISSING, dict(result.unshown[-1].key)))
    unknown = [_unknown(expected[key], query) for key in missing]
    if unknown and all(unknown):
        columns = ", ".join(name for name in names if any(name in one for one in unknown))
        result.findings.append(finding(FindingCode.NULL_GROUPS_MISSING, columns=columns))


def unshown_row(key: GroupKey, group: Group, query: Query) -> PublishedRow:
    """A row of the source that stands on no line of the file."""
    shown = dict(zip((one.name for one in query.keys), (unquote(text) for text in key), strict=True))
    return PublishedRow(0, shown, ("",) * len(query.items), group)


def _unknown(group: Group, query: Query) -> set[str]:
    """The keys that are missing in a group, a margin's not counted."""
    return {
        key.name
        for number, (key, value) in enumerate(zip(query.keys, group.key(query), strict=True))
        if value is None and not group.grouping >> number & 1
    }


def _compare_row(
    row: PublishedRow, query: Query, policy: CheckPolicy, claim: Claim, raw: RawTable, result: Comparison
) -> PublishedRow:
    hidden: set[int] = set()
    for number, item in zip(query.measure_places, query.measures, strict=True):
        text, expected = unquote(row.fields[number]), row.group.values[number]
        if item.kind is Kind.MODE and not policy.canonical:
            expected = _tied(text, expected, row.group.cells[query.measures.index(item)].tied)
        cover = Cover.OPEN if expected is None and not text else covered(text, expected, claim.suppressed)
        if cover is Cover.SUPPRESSED:
            hidden.add(number)
            result.marks.add(text)
        elif cover is Cover.SHOWS_NUMBER:
            result.findings.append(
                finding(FindingCode.SUPPRESSED_SHOWS_NUMBER, dict(row.key), column=item.name)
            )
        elif cover is Cover.UNTRUE:
            result.findings.append(_differs(row, item.name, row.fields[number], expected))
        else:
            rounding = claim.rounding if item.kind.counts else None
            match = (
                Match.SAME
                if expected is None and not text
                else _match(text, expected, policy.relative_tolerance, rounding)
            )
            _note(match, row, number, item, raw, result)
    return replace(row, suppressed=frozenset(hidden)) if hidden else row


def _tied(text: str, expected: Any, tied: Sequence[Any]) -> Any:
    """Of several most frequent values, the one that the file shows: another tool may take any of them."""
    return next((one for one in tied if format_value(one) == text), expected)


def _match(text: str, expected: Any, tolerance: float, rounding: Any) -> Match:
    return Match.DIFFERS if expected is None else compare(text, expected, tolerance, rounding)


def _note(
    match: Match, row: PublishedRow, number: int, item: Measure, raw: RawTable, result: Comparison
) -> None:
    """Add what a match means to the result."""
    if match is Match.SAME:
        return
    place = dict(row.key)
    if match in {Match.CLOSE, Match.NEAR}:
        result.close += 1
        result.near += match is Match.NEAR
    elif match is Match.OTHER_FORM:
        if not raw.typed:
            result.findings.append(finding(FindingCode.FORM_NOT_CANONICAL, place))
    elif match is Match.UNREADABLE:
        result.findings.append(finding(FindingCode.CSV_UNREADABLE, place, line=row.line, cause="number"))
    elif match is Match.NOT_ROUNDED:
        result.findings.append(finding(FindingCode.ROUNDING_NOT_DONE, place, column=item.name))
    elif match is Match.DIFFERS:
        result.findings.append(_differs(row, item.name, row.fields[number], row.group.values[number]))


def _sum_up(result: Comparison) -> None:
    if result.close:
        result.findings.append(finding(FindingCode.LAST_DIGITS_DIFFER, cells=result.close))
    hidden = sum(len(row.suppressed) for row in result.rows)
    if hidden:
        result.findings.append(finding(FindingCode.SUPPRESSED_CELLS, cells=hidden))
    if len(result.marks) > 1:
        result.findings.append(finding(FindingCode.MARKS_DIFFER, marks=", ".join(sorted(result.marks))))


def _differs(row: PublishedRow, measure: str, submitted: str, expected: Any) -> Finding:
    recomputed = "" if expected is None else format_value(expected)
    return finding(
        FindingCode.VALUE_DIFFERS,
        dict(row.key),
        column=measure,
        submitted=unquote(submitted),
        recomputed=recomputed,
    )


def _ordered(raw: RawTable, query: Query, expected: Mapping[GroupKey, Group], claim: Claim) -> bool:
    """Whether the rows stand in the canonical order; another order could carry a message.

    The order is by all columns. Where numbers are hidden or rounded it must not depend on them: then every
    measure must stand behind all keys.
    """
    at = query.key_places
    first = at == tuple(range(len(at)))
    if not first and (claim.suppressed or claim.rounding is not None):
        return False
    return list(expected) == [tuple(record[number] for number in at) for record in raw.rows]
