"""Applies a profile to a whole table: the primary rules to every number, and what a subtraction within the
table, or from the table without its filter, would give.

Recovery of hidden cells from margins and other tables is `checks.attack`; differencing against earlier
releases is `checks.differencing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import CellEvidence, Finding
from egress_review.checks.rules.absent import absent_cells
from egress_review.checks.rules.label import label
from egress_review.checks.rules.primary import (
    SPREADS,
    contributors,
    judge_cell,
    publishes_count,
    quantile_of,
    rounded_as_asked,
)
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Cell, Group, GroupId, group_id
from egress_review.checks.tables.compare import PublishedRow
from egress_review.checks.tables.csv_form import unquote

_OF_THE_GROUP = frozenset(
    {
        FindingCode.DOMINANCE_NK,
        FindingCode.P_PERCENT,
        FindingCode.THRESHOLD,
        FindingCode.ZERO_DISCLOSIVE,
    }
)
"""What ACRO says of a cell whichever of several statistics it is asked of."""
LONGEST_NAME, LONGEST_HEADER = 40, 240
"""Characters of a column's name and of all names; names are the researcher's own words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings and the evidence behind every published number."""

    findings: tuple[Finding, ...]
    cells: tuple[CellEvidence, ...]


def judge(
    query: Query,
    rows: Sequence[PublishedRow],
    profile: Profile,
    everyone: Mapping[GroupId, int] | None = MappingProxyType({}),
    unshown: Sequence[PublishedRow] = (),
    extra: Iterable[CellEvidence] = (),
) -> Judged:
    """Apply the rules to every published number.

    Args:
        unshown: rows that the query gives and the file does not: their cells are named, and nothing is found.
        extra: cells that the file has and the query does not.
        everyone: units of each group without the query's filter; None if they are not known, empty if
            nothing is filtered.
    """
    findings: list[Finding] = []
    cells: list[CellEvidence] = []
    places = query.measure_places
    for row in rows:
        for at, cell, measure in zip(places, row.group.cells, query.measures, strict=True):
            found = _findings(row, cell, measure, at, profile)
            evidence = _evidence(row, cell, measure, at, profile, found)
            cells.append(_as_nobody(evidence, row.group, query, profile))
            if not cells[-1].suppressed:
                findings.extend(found)
        if not profile.counts_rows:
            findings.extend(_subtractions(row, query, profile))
            findings.extend(_near_quantiles(row, query, profile))
            findings.extend(_left_out(row, query, profile, everyone))
    for row in unshown:
        for at, cell, measure in zip(places, row.group.cells, query.measures, strict=True):
            cells.append(_evidence(row, cell, measure, at, profile, _broken(row, cell, measure, profile)))
    cells.extend(extra)
    # What HAVING leaves out is not nobody.
    if profile.rules.zero_disclosive is not None and not query.having_sql:
        for evidence, absent in absent_cells(query, (*rows, *unshown), profile.rules.zero_disclosive):
            cells.append(evidence)
            findings.append(absent)
    about_query = _about_query(query, rows, profile, everyone)
    return Judged((*about_query, *findings), tuple(_named_for_all(cells, query, profile)))


def _named_for_all(cells: Sequence[CellEvidence], query: Query, profile: Profile) -> Iterator[CellEvidence]:
    """The cells, with the names of rules that ACRO gives them because another cell breaks one: degrees of
    freedom to every cell of the column, and whatever one of several statistics breaks to all of them.
    """
    rule = profile.rules.degrees_of_freedom
    spread = {clip(one.name) for one in query.measures if one.kind in SPREADS}
    asked = spread if rule is not None and rule.names_all else set()
    few = {FindingCode.DEGREES_OF_FREEDOM, FindingCode.ZERO_DISCLOSIVE}
    thin = {one.measure for one in cells if one.measure in asked and few & set(one.findings)}
    if thin and profile.names_all_statistics:
        thin = {one.measure for one in cells}
    beside: dict[frozenset[tuple[str, str]], list[FindingCode]] = {}
    if profile.names_all_statistics:
        for one in cells:
            shared = [code for code in one.findings if code in _OF_THE_GROUP]
            if shared:
                beside.setdefault(frozenset(one.key.items()), []).extend(shared)
    for one in cells:
        more = (FindingCode.DEGREES_OF_FREEDOM,) if one.measure in thin else ()
        others = beside.get(frozenset(one.key.items()), ()) if beside else ()
        names = tuple(dict.fromkeys((*one.findings, *others, *more)))
        yield one if names == one.findings else replace(one, findings=names)


def marked(cells: Sequence[CellEvidence], findings: Sequence[Finding]) -> tuple[CellEvidence, ...]:
    """The cells, with the codes of findings of the comparison that name one of them."""
    named: dict[tuple[str, frozenset[tuple[str, str]]], list[FindingCode]] = {}
    for one in findings:
        if one.cell is not None and "column" in one.params:
            named.setdefault((one.params["column"], frozenset(one.cell.items())), []).append(one.code)
    if not named:
        return tuple(cells)
    return tuple(
        replace(cell, findings=tuple(dict.fromkeys((*more, *cell.findings))))
        if (more := named.get((cell.measure, frozenset(cell.key.items()))))
        else cell
        for cell in cells
    )


def _findings(row: PublishedRow, cell: Cell, measure: Measure, at: int, profile: Profile) -> list[Finding]:
    """What the rules say about one published number, which stands at the place `at` of its row."""
    place = dict(row.key)
    found = _broken(row, cell, measure, profile)
    rounding = profile.rules.rounding
    text = unquote(row.fields[at])
    if rounding is not None and measure.kind.counts and not rounded_as_asked(text, profile.rules):
        about = {"base": rounding.base, "source": rounding.source, "proposal": "round"}
        found.append(finding(FindingCode.NOT_ROUNDED, place, column=measure.name, **about))
    least = profile.rules.threshold.least
    others = cell.units - min(cell.contributors, cell.units)
    small = any(one.code is FindingCode.THRESHOLD for one in found)
    if not profile.counts_rows and not small and 0 < others < least:
        about = {"minimum": least, "complement": others}
        found.append(finding(FindingCode.COMPLEMENT_SMALL, place, column=measure.name, **about))
    return found


def _as_nobody(cell: CellEvidence, group: Group, query: Query, profile: Profile) -> CellEvidence:
    """A blank margin of those who miss a key reads as if there were nobody, and ACRO names it so: pandas
    leaves it blank however many there are.
    """
    blank = cell.suppressed and not cell.value and bool(group.grouping)
    missing = any(one is None and not group.grouping >> at & 1 for at, one in enumerate(group.key(query)))
    if not (blank and missing and profile.counts_rows and profile.rules.zero_disclosive is not None):
        return cell
    names = (*cell.findings, FindingCode.ZERO_DISCLOSIVE, FindingCode.THRESHOLD)
    return replace(cell, findings=tuple(dict.fromkeys(names)))


def _broken(row: PublishedRow, cell: Cell, measure: Measure, profile: Profile) -> list[Finding]:
    """The rules that one number breaks, published or not."""
    return [
        finding(one.code, dict(row.key), column=measure.name, **one.params)
        for one in judge_cell(cell, measure, profile)
    ]


def _evidence(
    row: PublishedRow,
    cell: Cell,
    measure: Measure,
    at: int,
    profile: Profile,
    found: Sequence[Finding],
) -> CellEvidence:
    part = cell.largest_share
    return CellEvidence(
        key={clip(name): clip(text) for name, text in row.key.items()},
        measure=clip(measure.name),
        statistic=clip(label(measure)),
        value=clip(unquote(row.fields[at])),
        suppressed=at in row.suppressed,
        persons=None if profile.counts_rows else cell.units,
        rows=cell.rows,
        contributors=contributors(cell, profile),
        share="" if part is None else f"{part:.6g}",
        institutions=cell.institutions,
        findings=_named([one.code for one in found], profile),
    )


def _named(codes: Sequence[FindingCode], profile: Profile) -> tuple[FindingCode, ...]:
    """The names that a cell carries; where dominance is not defined, ACRO names its rules too."""
    rule = profile.rules.negative_values
    if rule is not None and rule.names_dominance and FindingCode.NEGATIVE_VALUES in codes:
        codes = (*codes, FindingCode.DOMINANCE_NK, FindingCode.P_PERCENT)
    return tuple(dict.fromkeys(codes))


def _subtractions(row: PublishedRow, query: Query, profile: Profile) -> list[Finding]:
    """Two numbers of one row about nearly as many persons: one minus the other may be about a few. So may two
    counts of nearly as many rows.
    """
    counted = sorted(zip(row.group.contributors, (one.name for one in query.measures), strict=True))
    rows = sorted(
        (int(cell.value), measure.name)
        for cell, measure in zip(row.group.cells, query.measures, strict=True)
        if measure.kind is Kind.COUNT and cell.value is not None
    )
    least = profile.rules.threshold.least
    near = {
        frozenset({first, second}): (fewer, first, more, second)
        for (fewer, first), (more, second) in (*pairwise(rows), *pairwise(counted))
        if 0 < more - fewer < least
    }
    return [
        finding(
            FindingCode.DIFFERENCE_SMALL,
            dict(row.key),
            columns=f"{first}, {second}",
            minimum=least,
            difference=more - fewer,
        )
        for fewer, first, more, second in near.values()
    ]


def _near_quantiles(row: PublishedRow, query: Query, profile: Profile) -> Iterator[Finding]:
    """Quantiles of one column with a few persons between them: many print one value after another."""
    rule = profile.rules.quantile_support
    asked: dict[str, dict[tuple[float, str], tuple[Measure, Cell]]] = {}
    for cell, measure in zip(row.group.cells, query.measures, strict=True):
        at = quantile_of(measure)
        if at is not None and query.items.index(measure) not in row.suppressed:
            asked.setdefault(measure.argument, {})[at, measure.sql] = measure, cell
    for near in asked.values() if rule is not None else ():
        for (lower, first), (upper, second) in pairwise(sorted(near)):
            measure, cell = near[upper, second]
            between = (upper - lower) * min(cell.present, cell.units)
            if rule is not None and first != second and between < rule.least:
                about = {"minimum": rule.least, "source": rule.source, "proposal": "suppress"}
                more = {"column": measure.name, "support": f"{between:g}", **about}
                yield finding(FindingCode.QUANTILE_SUPPORT, dict(row.key), **more)


def _left_out(
    row: PublishedRow, query: Query, profile: Profile, everyone: Mapping[GroupId, int] | None
) -> list[Finding]:
    """The group without the filter minus the group may be about a few."""
    if not everyone:
        return []
    group, least = row.group, profile.rules.threshold.least
    left_out = everyone.get(group_id(group.key(query), group.grouping), 0) - group.persons
    if not 0 < left_out < least:
        return []
    return [finding(FindingCode.LEFT_OUT_SMALL, dict(row.key), minimum=least, left_out=left_out)]


def _about_query(
    query: Query,
    rows: Sequence[PublishedRow],
    profile: Profile,
    everyone: Mapping[GroupId, int] | None,
) -> Iterator[Finding]:
    for key in query.keys:
        if key.from_query:
            yield finding(FindingCode.TEXT_FROM_QUERY, column=key.name)
    unchecked = [
        measure.name
        for place, measure in enumerate(query.measures)
        if not _dominance_checked(query, place, rows, profile)
    ]
    if unchecked:
        yield finding(FindingCode.DOMINANCE_NOT_CHECKED, columns=", ".join(unchecked))
    if profile.rules.percentage_without_denominator is not None:
        yield from _bare_ratios(query, profile.rules.percentage_without_denominator.source)
    if everyone is None and not profile.counts_rows:
        yield finding(FindingCode.FILTER_NOT_COMPARED)
    header = [item.name for item in query.items]
    if max(map(len, header)) > LONGEST_NAME or len("".join(header)) > LONGEST_HEADER:
        yield finding(FindingCode.HEADER_LONG, characters=len("".join(header)))


def _bare_ratios(query: Query, source: str) -> Iterator[Finding]:
    for measure in query.measures:
        if measure.parts and not publishes_count(query.measures, measure.parts[1]):
            about = {"column": measure.name, "source": source, "proposal": "add_denominator"}
            yield finding(FindingCode.PERCENTAGE_WITHOUT_DENOMINATOR, **about)


def _dominance_checked(query: Query, place: int, rows: Sequence[PublishedRow], profile: Profile) -> bool:
    """Whether the rules could see whether one unit makes most of a measure.

    Where rows bring several persons together, one person's rows can say anything; distinct values belong to
    nobody; and a profile may have no rule of dominance.
    """
    measure = query.measures[place]
    if profile.counts_rows or _of_persons(query, place, rows):
        return True
    if measure.kind is Kind.COUNT_DISTINCT or len(query.units) > 1:
        return False
    ruled = bool(profile.rules.dominance_nk) or profile.rules.p_percent is not None
    totals = {Kind.COUNT, Kind.SUM, Kind.AVERAGE, Kind.RATIO}
    return ruled or measure.kind not in totals


def _of_persons(query: Query, place: int, rows: Sequence[PublishedRow]) -> bool:
    """Whether a measure counts persons, each once, in every row."""
    if not query.measures[place].kind.counts:
        return False
    return all(row.group.cells[place].value == row.group.contributors[place] for row in rows)
