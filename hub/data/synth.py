"""Synthetic claims of any size from a seed. No row is about a real person, and the manifest says so twice.

Every value is a hash of the seed, the column and the person or visit, so a bucket is made without knowing
the others: memory holds one bucket and two bytes a person, at any size, and the same seed gives the same
bytes everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hub.data import folder
from hub.data.bucketing import HASH_NAME, bucket_array, modulo, splitmix64, splitmix64_array
from hub.data.claims_columns import (
    AGE_BANDS,
    COLUMNS,
    FIRST_YEAR,
    HOSPITALS_PER_REGION,
    ICD3,
    PLANTS,
    REGIONS,
    SEXES,
    YEARS,
    Plant,
    planted_rows,
)
from hub.data.versions import CLAIMS as NAME
from hub.data.versions import claims_version
from onggi.errors import Invalid
from onggi.manifest import DataFile, Manifest
from onggi.reasons import Reason

TABLE = "visits"
MIN_ROWS, MAX_ROWS = 1_000, 2_000_000_000
_ROWS_PER_BUCKET = 1_000_000
_MIN_BUCKETS = 16
_MOST_VISITS = 23
"""Visits of an ordinary person are 1 to 23, each as likely: 12 on average."""
_MAX_VISITS = 64
"""`visit_id` is `person_id * 64` and the number of the person's visit: unique without a running count."""
_BLOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class World:
    """What a seed and a size settle before any row is made.

    Attributes:
        seed: the seed.
        buckets: number of buckets.
        persons: ordinary persons, numbered from 1; planted persons follow.
        last_visits: visits of the last ordinary person, so that the rows come out exactly.
        bucket_of: bucket of each ordinary person, by number less 1, `uint16`.
    """

    seed: int
    buckets: int
    persons: int
    last_visits: int
    bucket_of: Any


def build(out: Path, rows: int, seed: int) -> Manifest:
    """Build the data set in the folder `out`, which must not exist.

    Args:
        out: the folder of this version.
        rows: exact number of visits.
        seed: any number from 0 to 2^63 - 1.

    Raises:
        Invalid: `rows` or `seed` is out of range.
        Conflict: `out` exists.
        Unavailable: the disk is full.
    """
    if not MIN_ROWS <= rows <= MAX_ROWS:
        raise Invalid(Reason.FIELD_INVALID, field="rows", value=rows)
    if not 0 <= seed < 2**63:
        raise Invalid(Reason.FIELD_INVALID, field="seed", value=seed)
    with folder.new_folder(out) as staging:
        world = _world(rows - planted_rows(), rows, seed)
        files = [_write_bucket(staging, world, bucket) for bucket in range(world.buckets)]
        manifest = _manifest(world, rows, files)
        folder.write_manifest(staging, manifest)
    return manifest


def _world(ordinary: int, rows: int, seed: int) -> World:
    """Count persons in blocks until their visits are enough, keeping only each one's bucket."""
    buckets = _MIN_BUCKETS
    while rows > buckets * _ROWS_PER_BUCKET:
        buckets *= 2
    kept, left, first = [], ordinary, 1
    while True:
        persons = _numbers(first, min(_BLOCK, left))
        running = pc.cumulative_sum(_visits(seed, persons))
        enough = pc.greater_equal(running, pa.scalar(left, pa.uint64()))
        ends = pc.index(enough, value=True).as_py()
        count = len(persons) if ends < 0 else ends + 1
        kept.append(pc.cast(bucket_array(persons.slice(0, count), buckets), pa.uint16()))
        first += count
        if ends >= 0:
            before = running[ends - 1].as_py() if ends else 0
            return World(seed, buckets, first - 1, left - before, pa.chunked_array(kept))
        left -= running[-1].as_py()


def _write_bucket(staging: Path, world: World, bucket: int) -> DataFile:
    mine = pc.indices_nonzero(pc.equal(world.bucket_of, pa.scalar(bucket, pa.uint16())))
    persons = pc.add(mine, _u64(1))
    visits = _visits(world.seed, persons)
    last = pc.equal(persons, _u64(world.persons))
    visits = pc.if_else(last, _u64(world.last_visits), visits)
    ordinary = _ordinary(world.seed, persons, visits)
    rows = pa.concat_tables([ordinary, _planted(world, bucket)]).cast(folder.arrow_schema(COLUMNS))
    return folder.write_bucket(staging, TABLE, bucket, rows)


def _ordinary(seed: int, persons: Any, visits: Any) -> Any:
    """All rows of the given persons, ordered by person and visit."""
    numbers = _numbers(0, _MOST_VISITS)
    pairs = [
        pc.if_else(pc.less(_u64(k), visits), _u64(k), pa.scalar(None, pa.uint64()))
        for k in numbers.to_pylist()
    ]
    flat = pa.concat_arrays(pairs)
    owner = pa.concat_arrays([persons] * len(pairs))
    keep = pc.is_valid(flat)
    visit = pc.add(pc.multiply(owner.filter(keep), _u64(_MAX_VISITS)), flat.filter(keep))
    visit = visit.take(pc.sort_indices(visit))
    person = pc.divide(visit, _u64(_MAX_VISITS))
    region = pc.add(modulo(_draw(seed, "region", person), REGIONS), _u64(1))
    away = pc.equal(modulo(_draw(seed, "away", visit), 20), _u64(0))
    elsewhere = pc.add(modulo(_draw(seed, "elsewhere", visit), REGIONS), _u64(1))
    return _table(
        visit,
        person,
        region,
        _pick(AGE_BANDS, modulo(_draw(seed, "age", person), len(AGE_BANDS))),
        _pick(SEXES, modulo(_draw(seed, "sex", person), len(SEXES))),
        _pick(ICD3, _falling(seed, visit)),
        pc.add(modulo(_draw(seed, "year", visit), YEARS), _u64(FIRST_YEAR)),
        _cost(seed, visit),
        _hospital(
            pc.if_else(away, elsewhere, region), modulo(_draw(seed, "hospital", visit), HOSPITALS_PER_REGION)
        ),
    )


def _planted(world: World, bucket: int) -> Any:
    """The rows of the planted persons who fall into this bucket."""
    parts = [
        _table(
            *([pa.array([], pa.uint64())] * 3),
            *([pa.array([], pa.string())] * 3),
            *([pa.array([], pa.uint64())] * 3),
        )
    ]
    first = world.persons + 1
    for plant in PLANTS:
        members = [n for n in range(first, first + plant.persons) if splitmix64(n) % world.buckets == bucket]
        parts.extend(_plant(world.seed, plant, person, person - first) for person in members)
        first += plant.persons
    return pa.concat_tables(parts)


def _plant(seed: int, plant: Plant, person: int, place: int) -> Any:
    visit = pa.array([person * _MAX_VISITS + number for number in range(plant.visits)], pa.uint64())
    fixed = [person, plant.region, plant.costs[0 if place == 0 else 1]]
    owner, region, cost = (pa.array([value] * plant.visits, pa.uint64()) for value in fixed)
    return _table(
        visit,
        owner,
        region,
        _pick(AGE_BANDS, modulo(_draw(seed, "age", owner), len(AGE_BANDS))),
        _pick(SEXES, modulo(_draw(seed, "sex", owner), len(SEXES))),
        pa.array([plant.icd3] * plant.visits),
        pc.add(modulo(_draw(seed, "year", visit), YEARS), _u64(FIRST_YEAR)),
        cost,
        _hospital(region, modulo(pc.add(visit, owner), plant.hospitals)),
    )


def _table(*columns: Any) -> Any:
    return pa.table(list(columns), names=[name for name, _ in COLUMNS])


def _hospital(region: Any, number: Any) -> Any:
    return pc.add(pc.multiply(region, _u64(HOSPITALS_PER_REGION)), number)


def _visits(seed: int, persons: Any) -> Any:
    return pc.add(modulo(_draw(seed, "visits", persons), _MOST_VISITS), _u64(1))


def _cost(seed: int, visit: Any) -> Any:
    """Whole won in tens, skewed as costs are: the product of two even draws on top of a floor."""
    one, two = (pc.add(modulo(_draw(seed, name, visit), 1_000), _u64(1)) for name in ("cost one", "cost two"))
    return pc.add(_u64(5_000), pc.multiply(pc.divide(pc.multiply(one, two), _u64(10)), _u64(10)))


def _falling(seed: int, visit: Any) -> Any:
    """A place in `ICD3`, the first places more likely: the smaller part of a product of two draws."""
    one, two = (modulo(_draw(seed, name, visit), 1_024) for name in ("icd one", "icd two"))
    return pc.divide(pc.multiply(pc.multiply(one, two), _u64(len(ICD3))), _u64(1_024 * 1_024))


def _draw(seed: int, column: str, values: Any) -> Any:
    """64 even bits for each value, independent between columns and seeds."""
    tag = splitmix64(seed)
    for byte in column.encode():
        tag = splitmix64(tag ^ byte)
    return splitmix64_array(pc.bit_wise_xor(splitmix64_array(values), _u64(tag)))


def _pick(words: tuple[str, ...], places: Any) -> Any:
    return pc.take(pa.array(words), places)


def _numbers(first: int, count: int) -> Any:
    return pa.array(range(first, first + count), pa.uint64())


def _u64(value: int) -> Any:
    return pa.scalar(value, pa.uint64())


def _manifest(world: World, rows: int, files: list[DataFile]) -> Manifest:
    return Manifest(
        name=NAME,
        version=claims_version(rows, world.seed),
        titles=folder.sentence("claims_title"),
        description=folder.sentence("claims_description", rows=f"{rows:,}", seed=world.seed),
        synthetic=True,
        tier="synthetic",
        custodian="Onggi",
        licence="CC0-1.0",
        source=f"onggi data synth --rows {rows} --seed {world.seed}",
        unit_column="person_id",
        identifier_columns=("person_id", "visit_id"),
        institution_column="hospital_id",
        buckets=world.buckets,
        hash=HASH_NAME,
        tables=(folder.as_table(NAME, TABLE, COLUMNS, files),),
    )
