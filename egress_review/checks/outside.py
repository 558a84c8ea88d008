"""Brings a table that another tool wrote into the one form that is compared, where there is one way only.

Columns may stand in any order and measures may have any name; a blank or NaN is a suppressed number; a
margin's label is found; a cross table becomes a long one; whole numbers may be written as `40.0`, truth as
`True`, a day with its midnight. What has two readings stays as it is: then it is not what the source gives.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.reading.scope import fold
from egress_review.checks.reading.tree import read_tree
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.evidence import Group
from egress_review.checks.tables.crossed import read_header
from egress_review.checks.tables.csv_form import RawTable, unquote
from egress_review.checks.tables.headings import Item, item_name, items_of, words_of_file
from egress_review.checks.tables.other_forms import decimal_form, number_form, other_texts, scale_of
from egress_review.checks.tables.style import NOTHING, one_quoting, one_style
from onggi.claim import Claim
from onggi.errors import Invalid
from onggi.table_form import format_value
from onggi.words import LANGUAGES, say

MARGINS = tuple(label for language in LANGUAGES for label in say(language, "check.margins").split("|"))
"""Labels that tools give to margins; a blank key is one too."""
_ZERO = frozenset({"0", "0.0"})
_SINGLE = 2.0**-20
"""What adding in single precision is off by."""


def with_columns(raw: RawTable, claim: Claim) -> tuple[RawTable, Claim]:
    """The table with its columns in the order of the query, and the claim with their names.

    Named items of the query must be columns of the file; what is left over belongs to the unnamed aggregates,
    in order, and is noted if it says what the query does not. A table in whose header one key is missing is
    wide in that key.
    """
    nodes = read_tree(claim.sql, claim.parameters).expressions
    names, items = [item_name(node) for node in nodes], items_of(nodes)
    if not raw.columns:
        raw = read_header(raw, items, _labels(claim))
    if claim.columns:
        return raw, claim
    if not claim.wide:
        places = _ordered(raw, items)
        if places is not None:
            header = [raw.columns[at] for at in places]
            said = (words_of_file([name], one) for name, one in zip(header, items, strict=True))
            rows = tuple(tuple(record[at] for at in places) for record in raw.rows)
            columns, words = _columns(names), (*raw.words, *chain.from_iterable(said))
            return replace(raw, columns=columns, rows=rows, words=words), replace(claim, columns=columns)
        claim = replace(claim, wide=_wide_in(raw, names, items))
    return raw, replace(claim, columns=_columns(names))


def tolerance(claim: Claim, single: Container[str], usual: float) -> float:
    """How far a number may lie from the recomputed one.

    Args:
        single: columns of single precision: other tools compute in it too.
    """
    read = read_tree(claim.sql, claim.parameters).find_all(exp.Column)
    return _SINGLE if any(fold(column.name) in single for column in read) else usual


def _labels(claim: Claim) -> tuple[str, ...]:
    """What a margin may be called: as the claim says, or as tools do."""
    return (claim.margin,) if claim.margin else MARGINS


def named_columns(claim: Claim) -> Claim:
    """The claim of a long table with the query's own names for its columns."""
    nodes = read_tree(claim.sql, claim.parameters).expressions
    columns = claim.columns or _columns([item_name(node) for node in nodes])
    return replace(claim, columns=columns, wide="")


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    """The names of the query's items; what has none is numbered."""
    return tuple(name or f"value_{number}" for number, name in enumerate(names, start=1))


def _ordered(raw: RawTable, items: Sequence[Item]) -> list[int] | None:
    """Places of the file's columns in the order of the query.

    An aggregate with an alias may also be called by its statistic or its column: tools know no alias.
    """
    folded = [fold(one) for one in raw.columns]
    if len(folded) != len(items) or len(set(folded)) != len(folded):
        return None
    places = {number: folded.index(one.name) for number, one in enumerate(items) if one.name in folded}
    for number, one in enumerate(items):
        called = [at for at, name in enumerate(raw.columns) if at not in places.values() and one.says(name)]
        if number not in places and one.aggregate and len(called) == 1:
            places[number] = called[0]
    if any(one.name for number, one in enumerate(items) if number not in places):
        return None
    left = iter([at for at in range(len(folded)) if at not in places.values()])
    return [places[number] if number in places else next(left) for number in range(len(items))]


def _wide_in(raw: RawTable, names: Sequence[str], items: Sequence[Item]) -> str:
    """The one key that is no column of the file although all others are; "" if that is not so."""
    folded = [fold(one) for one in raw.columns]
    keys = [(name, one) for name, one in zip(names, items, strict=True) if name and not one.aggregate]
    missing = [name for name, one in keys if one.name not in folded]
    if missing or any(one.says(name) for one in items if one.aggregate for name in raw.columns):
        return missing[0] if len(missing) == 1 else ""
    # A category may be called as its key: then the others are the first columns, as an index is.
    before = [
        name for name, one in keys if {two.name for _, two in keys} - {one.name} == {*folded[: len(keys) - 1]}
    ]
    return before[0] if len(before) == 1 and len(folded) > len(items) else ""


def in_form(raw: RawTable, claim: Claim, query: Query, groups: Sequence[Group]) -> tuple[RawTable, Claim]:
    """The table with keys, margins, blanks and numbers as `onggi.table_form` writes them.

    Raises:
        CheckStopped: it has not as many columns as the query.
    """
    claim = replace(claim, suppressed=claim.suppressed or ("",))
    wide = bool(claim.wide)
    if wide:
        raw = _long(raw, claim.wide, query)
    if len(raw.columns) != len(query.items):
        raise _other_header(raw, query)
    at = query.key_places
    styled = raw.typed or (raw.canonical if wide or raw.crossed else _styled(raw, at))
    if query.has_margins:
        raw = replace(raw, rows=_same_margins(raw.rows, at, groups, _labels(claim)))
    margin = claim.margin or _margin(raw, query, groups, at)
    known = [_forms(groups, number, place, margin) for number, place in enumerate(at)]
    wholes = {
        number: all(isinstance(group.values[number], int | None) for group in groups)
        for number in range(len(query.items))
        if number not in at
    }
    scales = {number: scale_of([group.values[number] for group in groups]) for number in wholes}
    rows = _in_one_form(raw.rows, at, known, wholes, scales)
    texts = _texts(groups, at, claim.margin or margin)
    if wide or raw.crossed or _crossing(rows, at):
        rows = _without_nobody(rows, at, texts)
    rows = _empty_sums(rows, at, texts, query)
    return replace(raw, rows=rows, canonical=styled), replace(claim, margin=margin, wide="")


def _in_one_form(
    records: Sequence[tuple[str, ...]],
    at: Sequence[int],
    known: Sequence[Mapping[str, str]],
    wholes: Mapping[int, bool],
    scales: Mapping[int, int],
) -> tuple[tuple[str, ...], ...]:
    """The records with keys, whole numbers and fractions as they are compared: column by column."""
    if not records:
        return ()
    columns: list[Sequence[str]] = list(zip(*records, strict=True))
    for place, forms in zip(at, known, strict=True):
        columns[place] = [forms.get(field, field) for field in columns[place]]
    for place, whole in wholes.items():
        scale = scales[place]
        columns[place] = [
            decimal_form(field, scale) if scale else number_form(field, whole=whole)
            for field in columns[place]
        ]
    return tuple(zip(*columns, strict=True))


def _other_header(raw: RawTable, query: Query) -> CheckStopped:
    expected = ", ".join(one.name for one in query.items)
    return CheckStopped(FindingCode.HEADER_DIFFERS, expected=expected, found=", ".join(raw.columns))


def _styled(raw: RawTable, at: Sequence[int]) -> bool:
    """Whether every column is written in one way."""
    columns = list(zip(*raw.rows, strict=True))
    return all(
        one_quoting(column) if number in at else one_style(column, NOTHING)
        for number, column in enumerate(columns)
    )


def _long(raw: RawTable, spread: str, query: Query) -> RawTable:
    """A cross table of one measure as a long one.

    Raises:
        CheckStopped: it has more measures, or its other keys are no columns of the file.
    """
    columns = {fold(one): at for at, one in enumerate(raw.columns)}
    others = [item.name for item in query.keys if fold(item.name) != fold(spread)]
    if len(query.measures) != 1 or not {fold(one) for one in others} <= set(columns):
        raise _other_header(raw, query)
    keys = {columns[fold(one)] for one in others}
    values = [at for at in range(len(raw.columns)) if at not in keys]
    records: list[tuple[str, ...]] = []
    for record in raw.rows:
        for place in values:
            fields = {
                **{one: record[columns[fold(one)]] for one in others},
                spread: format_value(raw.columns[place] or None),
            }
            records.append(tuple(fields.get(item.name, record[place]) for item in query.items))
    styled = all(one_style([record[at] for record in raw.rows], NOTHING) for at in values)
    return RawTable(tuple(item.name for item in query.items), tuple(records), canonical=styled, form=raw.form)


def _texts(groups: Sequence[Group], at: Sequence[int], margin: str) -> dict[tuple[str, ...], Group]:
    """The groups by the texts of their keys."""
    known: dict[tuple[str, ...], Group] = {}
    for group in groups:
        key = [group.values[place] for place in at]
        if group.grouping and margin:
            key = [margin if group.grouping >> number & 1 else one for number, one in enumerate(key)]
        known[tuple(map(format_value, key))] = group
    return known


def _empty_sums(
    rows: Sequence[tuple[str, ...]], at: Sequence[int], known: Mapping[tuple[str, ...], Group], query: Query
) -> tuple[tuple[str, ...], ...]:
    """A sum of nothing is missing in SQL and 0 in pandas."""
    sums = [
        number
        for number, item in enumerate(query.items)
        if isinstance(item, Measure) and item.kind is Kind.SUM
    ]
    if not sums:
        return tuple(rows)
    made: list[tuple[str, ...]] = []
    for row in rows:
        group = known.get(tuple(row[place] for place in at))
        fields = list(row)
        for number in sums:
            if group is not None and group.values[number] is None and fields[number] in _ZERO:
                fields[number] = ""
        made.append(tuple(fields))
    return tuple(made)


def _crossing(rows: Sequence[tuple[str, ...]], at: Sequence[int]) -> bool:
    """Whether a long table is a cross table laid out as one: every combination of its first keys with every
    one of the others. Which combinations stand there then says nothing.
    """
    keys = {tuple(row[place] for place in at) for row in rows}
    for cut in range(1, len(at)):
        first, rest = {key[:cut] for key in keys}, {key[cut:] for key in keys}
        if len(first) * len(rest) == len(keys):
            return True
    return False


def _without_nobody(
    rows: Sequence[tuple[str, ...]], at: Sequence[int], known: Mapping[tuple[str, ...], Group]
) -> tuple[tuple[str, ...], ...]:
    """A cross table has a cell for every combination: those of nobody, blank or zero, are no rows.

    A category that the source does not have stays one: its name is the words of whoever wrote the file.
    """
    empty = {"", *_ZERO}
    levels = [{key[number] for key in known} for number in range(len(at))]
    numbers = [place for place in range(len(rows[0])) if place not in at] if rows else []
    return tuple(
        row
        for row in rows
        if (key := tuple(row[place] for place in at)) in known
        or not all(text in level for text, level in zip(key, levels, strict=True))
        or not empty.issuperset(row[one] for one in numbers)
    )


def _same_margins(
    rows: Sequence[tuple[str, ...]], at: Sequence[int], groups: Sequence[Group], labels: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Behind a margin's label pandas leaves the lower levels blank; where the query has no group of those who
    miss that key behind such a margin, that is it.
    """
    missing = {
        number
        for group in groups
        for number, place in enumerate(at[1:], start=1)
        if group.grouping >> (number - 1) & 3 == 1 and group.values[place] is None
    }
    made: list[tuple[str, ...]] = []
    for row in rows:
        fields = list(row)
        for number, (before, place) in enumerate(pairwise(at), start=1):
            if number not in missing and not unquote(fields[place]) and unquote(fields[before]) in labels:
                fields[place] = fields[before]
        made.append(tuple(fields))
    return tuple(made)


def _missing(groups: Sequence[Group], at: Sequence[int]) -> set[int]:
    """The keys of which the source has rows that miss them."""
    return {
        place
        for group in groups
        for number, place in enumerate(at)
        if group.values[place] is None and not group.grouping >> number & 1
    }


def _margin(raw: RawTable, query: Query, groups: Sequence[Group], at: Sequence[int]) -> str:
    """The label that the file gives to margins; no key of the source may be called so.

    A blank beside it must be a key that is missing: else it is a margin too.
    """
    if not query.has_margins:
        return ""
    fields = {unquote(record[number]) for record in raw.rows for number in at if number < len(record)}
    keys = {str(group.values[number]) for group in groups for number in at}
    found = [label for label in MARGINS if label in fields and label not in keys]
    blank = "" in fields and "" not in keys and not _missing(groups, at)
    return found[0] if len(found) == 1 and not blank else ""


def _forms(groups: Sequence[Group], number: int, place: int, margin: str) -> Mapping[str, str]:
    """Other ways to write the keys of one column → the one way; what stands for two keys stands for none."""
    found: dict[str, set[str]] = {}
    # Where margins have a label, a blank is none.
    keyed = [group for group in groups if not (margin and group.grouping >> number & 1)]
    for value in {repr(one): one for one in (group.values[place] for group in keyed)}.values():
        try:
            text = format_value(value)
        except Invalid:
            continue
        for form in (text, *other_texts(value)):
            found.setdefault(form, set()).add(text)
    if margin:
        found.setdefault(f'"{margin}"', set()).add(format_value(margin))
    return {form: next(iter(texts)) for form, texts in found.items() if len(texts) == 1}
