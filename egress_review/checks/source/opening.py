"""Opens granted data sets with DuckDB so that nothing else can be reached.

Guarantees: DuckDB reads exactly the files that the manifests list, at their listed sizes, and nothing else:
no file, network, extension or setting can be reached from a query once `connect` returned. The contents of
the files were hashed when the data set was registered; that is not repeated here.
"""

from __future__ import annotations

import re
import secrets
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.running import IN_PROCESS, Runner
from onggi.errors import OnggiError
from onggi.manifest import DataFile, Manifest, read_manifest
from onggi.table_form import quote_text, view_statements

ENGINE = f"duckdb {duckdb.__version__}"
_BUCKET = re.compile(r"/bucket=(\d{1,9})/", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """Data sets that may be read, and what reading them may cost.

    Attributes:
        pairs: manifest and folder of each.
        scratch: a folder for what does not fit `memory_bytes`.
        memory_bytes: of all DuckDBs that run at the same time.
        threads: of one DuckDB, where the order of additions does not matter.
        views: statements that make the views, or () for those of `onggi.table_form`.
        runner: where queries run.
    """

    pairs: tuple[tuple[Manifest, Path], ...]
    scratch: Path
    memory_bytes: int
    threads: int = 1
    views: tuple[str, ...] = ()
    runner: Runner = IN_PROCESS

    @property
    def buckets(self) -> int:
        """Into how many buckets by person all tables are cut; 1 if the data sets do not agree."""
        found = {(manifest.hash, manifest.buckets) for manifest, _ in self.pairs}
        return found.pop()[1] if len(found) == 1 else 1

    @property
    def rows(self) -> int:
        """Of the largest table."""
        return max((table.rows for manifest, _ in self.pairs for table in manifest.tables), default=0)

    @property
    def units_are_texts(self) -> bool:
        """Whether persons are named by texts in any of the data sets."""
        columns = (
            (column, manifest.unit_column)
            for manifest, _ in self.pairs
            for table in manifest.tables
            for column in table.columns
        )
        return any(column.name == unit and column.type == "string" for column, unit in columns)

    def for_task(self) -> Source:
        """The same data sets with the share of the memory that one of the runner's tasks may use."""
        share = self.memory_bytes // self.runner.at_once
        return replace(self, memory_bytes=share, runner=IN_PROCESS)

    def without_data(self) -> Source:
        """What may be used to put the answers of tasks together, beside a task that runs; nothing to read."""
        here = self.for_task()
        return replace(here, memory_bytes=here.memory_bytes // 4, pairs=(), views=())

    def of_buckets(self, wanted: Collection[int]) -> Source:
        """The same data sets with the files of some buckets only."""
        return replace(self, pairs=tuple((_only(one, wanted), folder) for one, folder in self.pairs))

    def connect(self, threads: int = 1) -> duckdb.DuckDBPyConnection:
        """A DuckDB over the views of `onggi.table_form` that can reach nothing else.

        Args:
            threads: with one, sums of doubles come out the same every time.

        Raises:
            CheckStopped: `dataset_unreadable`, if a view cannot be made.
        """
        database = duckdb.connect(":memory:")
        for setting in (
            f"threads = {threads}",
            f"memory_limit = '{self.memory_bytes // 1024**2}MiB'",
            # Its own: two DuckDBs that spill into one folder write over each other.
            f"temp_directory = {quote_text(str(self.scratch / f'spilled-{secrets.token_hex(8)}'))}",
            "arrow_lossless_conversion = true",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "TimeZone = 'UTC'",
        ):
            database.execute(f"SET {setting}")
        self.show(database)
        database.execute(f"SET allowed_paths = [{', '.join(map(quote_text, self._paths()))}]")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        return database

    def show(self, database: duckdb.DuckDBPyConnection) -> None:
        """Make the views over the data sets, in place of those that are there.

        Raises:
            CheckStopped: `dataset_unreadable`.
        """
        try:
            for statement in self.views or view_statements(self.pairs):
                database.execute(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
        except duckdb.Error as error:
            cause = type(error).__name__
            raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset="", cause=cause) from None

    def _paths(self) -> list[str]:
        return [
            str(folder / file.path)
            for manifest, folder in self.pairs
            for table in manifest.tables
            for file in table.files
        ]


def open_source(
    datasets: Iterable[tuple[Manifest, Path]], scratch: Path, memory_bytes: int, threads: int = 1
) -> Source:
    """The data sets as a source."""
    return Source(tuple(datasets), scratch, memory_bytes, threads)


def _only(manifest: Manifest, wanted: Collection[int]) -> Manifest:
    tables = []
    for table in manifest.tables:
        files = tuple(file for file in table.files if bucket_of(file) in wanted)
        tables.append(replace(table, files=files, rows=sum(file.rows for file in files)))
    return replace(manifest, tables=tuple(tables))


def bucket_of(file: DataFile) -> int | None:
    """The bucket that a file holds, by its path; None if it says none."""
    found = _BUCKET.search(f"/{file.path}")
    return int(found[1]) if found else None


def load_manifest(folder: Path, name: str, version: str) -> Manifest:
    """The manifest of a granted data-set version, its files checked for kind and size.

    Raises:
        CheckStopped: `dataset_unreadable`.
    """
    try:
        manifest = read_manifest(folder)
    except OnggiError as error:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=name, cause=error.reason.value) from None
    if (manifest.name, manifest.version) != (name, version):
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=name, cause="manifest")
    for table in manifest.tables:
        for file in table.files:
            _check_file(folder / file.path, file.size, name)
    return manifest


def _check_file(path: Path, size: int, dataset: str) -> None:
    try:
        found = path.lstat()
    except OSError:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=dataset, cause=path.name) from None
    if not stat.S_ISREG(found.st_mode) or found.st_size != size:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=dataset, cause=path.name)
