"""From the rows of the evidence to the cells that rules judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.evidence import Cell, Group, GroupId, share
from egress_review.checks.source.partials import Statistic, leaves, statistic

Record = Mapping[str, Any]


def numbers_of(query: Query, statistics: Sequence[Statistic]) -> list[tuple[int, ...]]:
    """For each measure, the numbers of the statistics that it or the parts of a ratio ask for."""
    numbers = {one: number for number, one in enumerate(statistics)}
    return [tuple(numbers[statistic(leaf)] for leaf in leaves(measure)) for measure in query.measures]


def group_of(
    values: Record,
    place: GroupId,
    query: Query,
    numbers: Sequence[tuple[int, ...]],
    classes: Sequence[Mapping[GroupId, Record]],
    institutions: Mapping[GroupId, Record],
    *,
    modes: Mapping[str, Sequence[Mapping[GroupId, Record]]] = MappingProxyType({}),
) -> Group:
    """A published row with its evidence.

    Args:
        values: the row of the value query; with its own evidence where rows are units.
        place: what the evidence calls the group.
        numbers: of the query, as `numbers_of` gives them.
        classes: for each unit class, the evidence by group; empty where rows are units.
        institutions: the evidence of institutions, by group.
        modes: by what is asked for its most frequent value: for each unit class, the evidence by group.

    Raises:
        CheckStopped: `query_failed`, if a value has no evidence.
    """
    published = tuple(values[f"c_{number}"] for number in range(len(query.items)))
    key = tuple([published[at] for at in query.key_places])
    grouping = int(values["g"])
    found = [one.get(place) for one in classes]
    if None in found:
        # Without a row there is no unit: the grand total of nothing.
        if key:
            raise CheckStopped(FindingCode.QUERY_FAILED, cause="evidence")
        found = [_nothing(numbers)] * len(found)
    records: list[Record] = [{**values, **one} for one in found if one is not None] or [values]
    about = institutions.get(place)
    rows, units = int(records[0]["r"]), min([int(one["p"]) for one in records])
    cells = []
    for index, measure in enumerate(query.measures):
        empty = Cell(key, grouping, index, published[query.measure_places[index]], rows, units, 0)
        cell = _measured(empty, numbers[index], records, about)
        cells.append(_with_mode(cell, measure, place, modes))
    return Group(published, rows, units, tuple(cells), grouping)


def _measured(
    empty: Cell,
    numbers: Sequence[int],
    records: Sequence[Record],
    about: Record | None,
) -> Cell:
    """A measure's cell; of a ratio, with the cells of its parts."""
    made = [
        _about(_worst([_filled(empty, number, one) for one in records]), number, about) for number in numbers
    ]
    if len(made) == 1:
        return made[0]
    fewest = min(made, key=lambda one: one.contributors)
    return replace(fewest, minimum=None, maximum=None, parts=tuple(made))


def _with_mode(
    cell: Cell, measure: Measure, place: GroupId, modes: Mapping[str, Sequence[Mapping[GroupId, Record]]]
) -> Cell:
    """The cell, of a most frequent value with its rivals; a group without a value has none."""
    if measure.kind is not Kind.MODE:
        return cell
    found = [one[place] for one in modes.get(measure.argument, ()) if place in one]
    if not found:
        return cell
    return replace(cell, tied=tuple(found[0]["tied"]), holders=min(int(one["holders"]) for one in found))


def _filled(empty: Cell, number: int, record: Record) -> Cell:
    low, high = record[f"low{number}"] or (), record[f"high{number}"] or ()
    minimum, maximum = record[f"lo{number}"], record[f"hi{number}"]
    return Cell(
        key=empty.key,
        grouping=empty.grouping,
        measure=empty.measure,
        value=empty.value,
        rows=empty.rows,
        units=int(record["p"]),
        contributors=int(record[f"c{number}"]),
        present=int(record[f"w{number}"]),
        values=int(record[f"n{number}"] or 0),
        total_abs=float(record[f"t{number}"] or 0),
        top=tuple(map(float, record[f"top{number}"] or ())),
        minimum=minimum,
        maximum=maximum,
        units_at_minimum=sum([one == minimum for one in low]),
        units_at_maximum=sum([one == maximum for one in high]),
        negatives=isinstance(minimum, int | float) and minimum < 0,
    )


def _worst(cells: Sequence[Cell]) -> Cell:
    """Of one number seen by several unit classes: the fewest units, and the class where one is the most."""
    if len(cells) == 1:
        return cells[0]
    first = max(cells, key=lambda one: share(one.top, one.total_abs) or 0.0)
    return replace(
        first,
        units=min(one.units for one in cells),
        contributors=min(one.contributors for one in cells),
        present=min(one.present for one in cells),
    )


def _about(cell: Cell, number: int, record: Record | None) -> Cell:
    if record is None:
        return cell
    return replace(
        cell,
        institutions=int(record[f"c{number}"]),
        institutions_abs=float(record[f"t{number}"] or 0),
        top_institutions=tuple(float(one) for one in record[f"top{number}"] or ()),
    )


def _nothing(numbers: Sequence[tuple[int, ...]]) -> Record:
    empty: dict[str, Any] = {"p": 0}
    for number in chain.from_iterable(numbers):
        empty |= {f"{name}{number}": 0 for name in ("c", "w", "t")}
        empty |= {f"{name}{number}": None for name in ("top", "low", "high")}
    return empty
