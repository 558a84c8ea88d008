"""Brings a submitted table into the long order of the query: margins by their label, wide tables unfolded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Key, Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.evidence import Group
from egress_review.checks.tables.csv_form import RawTable
from onggi.claim import Claim
from onggi.errors import Invalid
from onggi.table_form import format_value, order_rows
from onggi.wide_form import lay_out

GroupKey = tuple[str, ...]


def ordered_keys(query: Query, groups: Sequence[Group], claim: Claim, form: str) -> dict[GroupKey, Group]:
    """The groups by the texts of their keys, in the canonical order: by all columns, left to right.

    Raises:
        CheckStopped: a key has no text, or two groups have the same: `margin_ambiguous`.
    """
    try:
        # Of two rows that read the same, the one of fewer margins stands first.
        rows = order_rows([(*group.values, group.grouping, place) for place, group in enumerate(groups)])
        found = [(key_texts(groups[row[-1]], query, claim, form), groups[row[-1]]) for row in rows]
    except (Invalid, TypeError):
        raise CheckStopped(FindingCode.QUERY_FAILED, cause="key") from None
    keyed = dict(found)
    if len(keyed) != len(groups):
        raise CheckStopped(FindingCode.MARGIN_AMBIGUOUS)
    return keyed


def key_texts(group: Group, query: Query, claim: Claim, form: str) -> GroupKey:
    """The key fields of a group as they stand in a file of this form."""
    if not (group.grouping and claim.margin) and form != "xlsx":
        return tuple(map(format_value, group.key(query)))
    texts: list[str] = []
    for number, value in enumerate(group.key(query)):
        margin = bool(group.grouping >> number & 1)
        text = format_value(claim.margin) if margin and claim.margin else format_value(value)
        # A spreadsheet has no empty text.
        texts.append("" if form == "xlsx" and text == '""' else text)
    return tuple(texts)


def unfold(
    raw: RawTable, query: Query, keyed: Mapping[GroupKey, Group], claim: Claim, findings: list[Finding]
) -> RawTable:
    """A wide table as a long one in canonical order; a long one as it is.

    Args:
        findings: takes what is wrong with the layout.

    Raises:
        CheckStopped: the recomputed table has no wide layout, or the file another one.
    """
    if not claim.wide:
        return raw
    names = [key.name for key in query.keys]
    measures = [measure.name for measure in query.measures]
    if claim.wide not in names:
        raise CheckStopped(FindingCode.CLAIM_UNREADABLE, field="wide")
    try:
        margin = format_value(claim.margin) if claim.margin else ""
        layout = lay_out(list(keyed), names, claim.wide, measures, margin)
    except Invalid:
        raise CheckStopped(FindingCode.MARGIN_AMBIGUOUS) from None
    if raw.columns != layout.header:
        expected, found = ", ".join(layout.header), ", ".join(raw.columns)
        raise CheckStopped(FindingCode.HEADER_DIFFERS, expected=expected, found=found)
    width = len(names) - 1
    lines = {record[:width]: record for record in raw.rows}
    _hold_rows(raw, layout.rows, width, findings)
    records: list[tuple[str, ...]] = []
    used: set[tuple[GroupKey, int]] = set()
    for key, (row, column) in zip(keyed, layout.places, strict=True):
        line = lines.get(layout.rows[row])
        if line is None:
            continue
        cells = iter(line[column : column + len(measures)])
        used.update((layout.rows[row], column + place) for place in range(len(measures)))
        texts = iter(key)
        records.append(tuple(next(texts) if isinstance(item, Key) else next(cells) for item in query.items))
    for name, line in lines.items():
        findings.extend(
            _extra(name, names, claim.wide, raw.columns[column])
            for column in range(width, len(line))
            if line[column] and (name, column) not in used
        )
    columns = tuple(item.name for item in query.items)
    return RawTable(columns, tuple(records), raw.canonical, raw.form)


def _hold_rows(raw: RawTable, rows: Sequence[GroupKey], width: int, findings: list[Finding]) -> None:
    found = [record[:width] for record in raw.rows]
    known = set(rows)
    for name in dict.fromkeys(found):
        place = dict(zip(raw.columns, name, strict=False))
        if found.count(name) > 1:
            findings.append(finding(FindingCode.ROW_DUPLICATE, place))
        if name not in known:
            findings.append(finding(FindingCode.ROW_EXTRA, place))
    if [name for name in rows if name in set(found)] != [name for name in found if name in known]:
        findings.append(finding(FindingCode.ROW_ORDER_DIFFERS))


def _extra(name: GroupKey, names: Sequence[str], wide: str, column: str) -> Finding:
    others = [one for one in names if one != wide]
    return finding(FindingCode.ROW_EXTRA, {**dict(zip(others, name, strict=True)), wide: column})
