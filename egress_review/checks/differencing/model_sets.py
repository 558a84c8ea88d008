"""Who stands behind a model: its sample, the persons with an event, those of each step of a curve.

A coefficient is no sum over persons, so what two models give away by their difference cannot be computed as
for tables. What can be said is that one is about the other's sample but for a few persons, or about the same
rows but for the values of a few: the same model asked twice, with and without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt

from egress_review.checks.differencing.amounts import ONE
from egress_review.checks.differencing.job import PublishedNumber
from egress_review.checks.differencing.numbering import number_sql, persons_from
from egress_review.checks.differencing.person_sets import Remembered
from egress_review.checks.differencing.prints import Persons, mix
from egress_review.checks.differencing.sets import COUNT, Family, make_sets
from egress_review.checks.differencing.vectors import Column, Vectors
from egress_review.checks.models.check import MAX_ROWS, fit_again, numeric_columns, read_frame
from egress_review.checks.models.curves import published_curves
from egress_review.checks.reading.query import Kind
from egress_review.checks.reading.rows import PERSON, read_rows
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.refusal import clip
from onggi.claim import Claim
from onggi.models.design import complete_cases, numbers
from onggi.models.fit import Fitted
from onggi.models.spec import ModelKind, ModelSpec
from onggi.table_form import format_value

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model:"
"""The tag of a model's sample: kind and columns. It meets that of the same model only: what two different
models say of nearly the same persons cannot be subtracted as numbers are."""
_NUMBER = "_onggi_number"

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of the sample behind a number, published or implied."""

    measure: str
    rows: Chosen
    tag: str
    key: Mapping[str, str] = field(default_factory=dict)


def remember_model(
    source: duckdb.DuckDBPyConnection,
    claim: Claim,
    spec: ModelSpec,
    catalogue: Catalogue,
    vectors: Collection[int] = (),
) -> Remembered:
    """Numbers and persons of a model.

    Args:
        vectors: places of the vectors that are wanted in full.

    Raises:
        CheckStopped: as when it is checked.
    """
    rows = read_rows(claim, numeric_columns(spec), catalogue, MAX_ROWS)

    def select(columns: Sequence[str]) -> str:
        return f"SELECT {', '.join(columns)} FROM ({rows.sql})"

    number = number_sql(source, select, PERSON, PERSON)
    frame = read_frame(select(["*", f"{number} AS {_NUMBER}"]), source)
    if spec.kind is ModelKind.KAPLAN_MEIER:
        fitted = fit_again(spec, frame)
        frame, groups = fitted.frame, list(_curves(spec, fitted))
    else:
        frame = complete_cases(frame, spec.columns)
        groups = list(_sample(spec, frame))
    persons = persons_from(frame[_NUMBER].to_numpy())
    return _built(groups, persons, _values(spec, frame), vectors)


def _sample(spec: ModelSpec, frame: pd.DataFrame) -> Iterator[_Group]:
    yield _Group("_observations", np.ones(len(frame), dtype=np.bool_), _tag(spec))
    if spec.kind in {ModelKind.COX, ModelKind.LOGIT}:
        events = numbers(frame, spec.event or spec.read().response) > 0
        yield _Group("_events", events, COUNT)


def _curves(spec: ModelSpec, fitted: Fitted) -> Iterator[_Group]:
    for curve in published_curves(spec, fitted):
        key = {name: clip(_plain(value)) for name, value in zip(spec.by, curve.key, strict=True)}
        yield _Group("_observations", curve.rows, _tag(spec), key)
        for step in curve.steps:
            yield _Group("events", step.rows, COUNT, {**key, spec.time: format_value(step.at)})


def _plain(value: object) -> str:
    return value if isinstance(value, str) else format_value(value)


def _tag(spec: ModelSpec) -> str:
    return f"{MODEL}{spec.kind.value}:{','.join(sorted(spec.columns))}"


def _values(spec: ModelSpec, frame: pd.DataFrame) -> Persons:
    """One number of 64 bits for each row, of all values that the model reads, in whatever order it does."""
    found = np.zeros(len(frame), dtype=np.uint64)
    for name, is_number in numeric_columns(spec).items():
        if is_number or name == spec.event:
            found += mix((numbers(frame, name) + 0.0).view(np.uint64))
        else:
            texts = {value: _text_number(_plain(value)) for value in frame[name].unique().tolist()}
            found += np.array([texts[value] for value in frame[name].tolist()], dtype=np.uint64)
    return mix(found)


def _text_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _built(
    groups: Sequence[_Group], persons: Persons, values: Persons, wanted: Collection[int]
) -> Remembered:
    known: dict[bytes, int] = {}
    members: list[Persons] = []
    place: list[int] = []
    families: dict[tuple[str, str], list[int]] = {}
    published = []
    vectors = Vectors([()], [0], len(groups), wanted)
    for at, group in enumerate(groups):
        here = np.unique(persons[group.rows])
        published.append(_published(group, here.size))
        if not here.size:
            continue
        name = here.tobytes()
        if name not in known:
            known[name] = len(members)
            members.append(here)
            place.append(at)
        families.setdefault((group.measure, group.tag), []).append(known[name])
        vectors.add(_column(at, group, persons, np.full(persons.size, ONE, dtype=np.uint64)))
        if group.tag != COUNT:
            vectors.add(_column(at, group, persons, values))
    found = [_family(places, tag, members) for (_, tag), places in families.items()]
    # One row: how the numbers of one model stand to each other is for the rules.
    return Remembered(
        tuple(published),
        make_sets(members, place, [0] * len(members), found, vectors.done()),
        vectors.full,
    )


def _published(group: _Group, persons: int) -> PublishedNumber:
    return PublishedNumber(
        key=dict(group.key),
        measure=group.measure,
        kind=Kind.COUNT.value,
        value=str(int(group.rows.sum())),
        persons=persons,
    )


def _column(at: int, group: _Group, persons: Persons, amounts: Persons) -> Column:
    people, which = np.unique(persons[group.rows], return_inverse=True)
    total = np.zeros(people.size, dtype=np.uint64)
    np.add.at(total, which, amounts[group.rows])
    cells = np.zeros(people.size, dtype=np.int64)
    return Column(at, frozenset({group.tag}), cells, people, total, [True], [(people.size,)])


def _family(places: Sequence[int], tag: str, members: Sequence[Persons]) -> Family:
    together = np.concatenate([members[one] for one in places])
    disjoint = len(set(places)) == len(places) and np.unique(together).size == together.size
    return Family(tuple(dict.fromkeys(places)), frozenset({tag}), disjoint)
