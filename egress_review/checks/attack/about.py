"""What the numbers of measures are about, so that those of different queries can be held against each other.

Two measures have one *subject* if they count, or add up, the same thing over the same rows; their filters,
keys and margins may differ. A `FILTER`, or a CASE that picks values, is a filter like WHERE.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

from egress_review.checks.attack.dimensions import Axes, Ground, axes, plain_axes
from egress_review.checks.attack.model import Key, Slice
from egress_review.checks.attack.pieces import conjuncts, picked, renamed, with_plain_names
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.source.opening import Source
from egress_review.checks.source.tasks import InTime, stopping

_COUNT = "count"
DISTINCT = "distinct"
"""What is counted: distinct values, of which one may have several rows."""

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class About:
    """What one measure of one query is about.

    Attributes:
        versions: names and versions of the data sets.
        what: is counted or added up; "distinct" and an expression: its distinct values.
        conditions: that rows must meet.
        keys: expressions of the query's keys, with their names.
        sets: its grouping sets.
    """

    ground: Ground
    versions: tuple[tuple[str, str], ...]
    what: tuple[str, ...]
    conditions: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    sets: tuple[tuple[int, ...], ...]

    @property
    def subject(self) -> str:
        """Equal for measures that may be held against each other."""
        body = [self.ground.with_sql, self.ground.from_sql, self.what, self.versions]
        return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()

    @property
    def asked(self) -> tuple[object, ...]:
        """Equal for measures that are the same numbers, whatever they and their keys are called."""
        keys = [key for key, _ in self.keys]
        sets = frozenset(frozenset(keys[at] for at in one) for one in self.sets)
        return (self.ground, self.versions, self.what, frozenset(self.conditions), sets)

    @property
    def crossed(self) -> bool:
        """Whether all keys stand in one grouping set, so that its cells make up all others."""
        return len(self.keys) < 2 or tuple(range(len(self.keys))) in {tuple(sorted(one)) for one in self.sets}  # noqa: PLR2004 - two keys


def about(query: Query, measure: Measure, versions: Iterable[tuple[str, str]]) -> About:
    """What a measure is about. Only of those that add up."""
    from_sql, names = with_plain_names(query.from_sql)
    argument = renamed(measure.argument, names)
    conditions = conjuncts(renamed(query.where_sql, names))
    if measure.kind.counts:
        what, more = _counted(measure, argument, renamed(measure.contributes, names))
    else:
        more, value = picked(argument, zero=measure.kind is Kind.SUM)
        # The sum of ones is a count.
        what = (_COUNT,) if value == "1" and not measure.scale else ("total", value, measure.scale)
    return About(
        ground=Ground(query.with_sql, from_sql),
        versions=tuple(sorted(versions)),
        what=what,
        conditions=tuple(dict.fromkeys((*conditions, *more))),
        keys=tuple((renamed(key.sql, names), key.name) for key in query.keys),
        sets=query.grouping_sets,
    )


def _counted(measure: Measure, argument: str, contributes: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not argument:
        return (_COUNT,), conjuncts(contributes)
    more, value = picked(argument, zero=measure.kind is Kind.COUNT)
    if measure.kind is Kind.COUNT_DISTINCT:
        return (DISTINCT, value), more
    return (_COUNT,), (*more, *(() if value == "1" else (f"{value} IS NOT NULL",)))


def settled(
    found: Sequence[About], source: Source, *, many: bool = False, until: float = math.inf
) -> list[About]:
    """The same, with what the source says of distinct values.

    Distinct values of which each has one row are rows. Where a value may have several rows, a filter cuts a
    whole only if it keeps all rows of a value or none; other filters become part of what is counted.

    Args:
        many: whether the source is asked also where all filters are alike.
        until: of `time.monotonic`.

    Raises:
        CheckStopped: the source does not say, or not in time.
    """
    asked = [one for one in dict.fromkeys(found) if one.what[0] == DISTINCT]
    if not asked or not (many or any(_differs(one, other) for one in asked for other in found)):
        return list(found)
    with closing(source.connect(source.threads)) as opened, stopping(), InTime(opened, until) as database:
        settle = {}
        for one in asked:
            value = one.what[1]
            counts = one.ground.select([f"count(*) = count(DISTINCT {value})"])
            row = database.execute(counts).fetchone()
            if row and row[0]:
                settle[one] = replace(one, what=(_COUNT,))
                continue
            cuts = [
                f"max(CASE WHEN {condition} THEN 1 ELSE 0 END) - min(CASE WHEN {condition} THEN 1 ELSE 0 END)"
                for condition in one.conditions
            ]
            kept = set(one.conditions)
            if cuts:
                inner = one.ground.select(
                    [f"{cut} AS c{at}" for at, cut in enumerate(cuts)],
                    f" WHERE {value} IS NOT NULL GROUP BY {value}",
                )
                outer = ", ".join(f"max(c{at})" for at in range(len(cuts)))
                most = database.execute(f"SELECT {outer} FROM ({inner})").fetchone() or ()
                kept = {one for one, cut in zip(one.conditions, most, strict=True) if not cut}
            others = tuple(one for one in one.conditions if one not in kept)
            settle[one] = replace(
                one,
                what=(*one.what, *sorted(others)),
                conditions=tuple(one for one in one.conditions if one in kept),
            )
    return [settle.get(one, one) for one in found]


def _differs(one: About, other: About) -> bool:
    """Whether something hangs on what is counted: another filter, or rows counted beside values."""
    if (one.ground, one.versions) != (other.ground, other.versions):
        return False
    return other.what == (_COUNT,) or (one.what == other.what and one.conditions != other.conditions)


def axes_of(found: Sequence[About], source: Source, until: float = math.inf) -> Axes:
    """The dimensions of measures with one subject.

    Raises:
        CheckStopped: the source does not say.
    """
    names = _names(found)
    common = set.intersection(*(set(one.conditions) for one in found))
    differing = [sql for one in found for sql in one.conditions if sql not in common]
    if not differing and all(one.crossed for one in found):
        widest = max(found, key=lambda one: len(one.keys))
        if all(set(dict(one.keys)) <= set(dict(widest.keys)) for one in found):
            return plain_axes(names)
    return axes(source, found[0].ground, names, list(dict.fromkeys(differing)), until)


def _names(found: Sequence[About]) -> dict[str, str]:
    """One name for each key; the first that it has, made unique."""
    names: dict[str, str] = {}
    for one in found:
        for sql, name in one.keys:
            if sql not in names:
                taken = set(names.values())
                names[sql] = name if name not in taken else f"{name} ({len(names)})"
    return names


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a measure's table lies: its subject, its keys in the subject's dimensions, its filter there."""

    subject: str
    keys: tuple[Key, ...]
    slices: Mapping[str, Slice]


def placed(
    found: Sequence[About],
    source: Source,
    known: dict[object, Axes] | None = None,
    until: float = math.inf,
) -> list[Placed]:
    """Measures with one subject in dimensions that they share.

    Args:
        known: dimensions that were found before, and are not read again; filled here.

    Raises:
        CheckStopped: the source does not say which.
    """
    if not found:
        return []
    asked = tuple((one.ground, one.versions, one.keys, one.conditions, one.sets) for one in found)
    known = {} if known is None else known
    if asked not in known:
        known[asked] = axes_of(found, source, until)
    shared = known[asked]
    return [
        Placed(one.subject, tuple(shared.keys[sql] for sql, _ in one.keys), shared.slices(one.conditions))
        for one in found
    ]


def by_subject(
    found: Mapping[Member, About], source: Source, *, many: bool = False, until: float = math.inf
) -> dict[str, dict[Member, About]]:
    """Measures by subject, as the source settles it.

    Args:
        many, until: as of `settled`.

    Raises:
        CheckStopped: the source does not say.
    """
    subjects: dict[str, dict[Member, About]] = {}
    known = settled(tuple(found.values()), source, many=many, until=until)
    for member, one in zip(found, known, strict=True):
        subjects.setdefault(one.subject, {})[member] = one
    return subjects


def placed_measures(
    query: Query, versions: Iterable[tuple[str, str]], source: Source, until: float = math.inf
) -> dict[int, Placed]:
    """The measures of one query that add up, by index.

    Raises:
        CheckStopped: the source does not say where they lie.
    """
    known = tuple(versions)
    found = {
        number: about(query, measure, known)
        for number, measure in enumerate(query.measures)
        if adds_up(measure, query)
    }
    return {
        number: place
        for members in by_subject(found, source, until=until).values()
        for number, place in zip(members, placed(tuple(members.values()), source, None, until), strict=True)
    }


def adds_up(measure: Measure, query: Query) -> bool:
    """Whether the values of a measure, or what they are divided by a published count, add up over groups."""
    counted = any(
        one.kind is Kind.COUNT and (not one.contributes or one.argument == measure.argument)
        for one in query.measures
    )
    return measure.kind.counts or measure.kind is Kind.SUM or (measure.kind is Kind.AVERAGE and counted)
