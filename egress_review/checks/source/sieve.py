"""Tells the rows that are alone of their person in their group from the others, before anything is added up.

To add rows up by group and person takes a place in memory for every pair of them. Where most pairs have one
row, that is most of the work, and for nothing: such a row is its person's whole in the group. So every row's
group and person are first made a *print* of 32 bits: rows of one pair have the same. Only rows whose print
stands twice are put together by persons, a few that have it by chance among them; all others are what they
are. Nothing depends on the hash but the time it takes.

Guarantees: the same evidence as `InTurn` over `partials.person_sql`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egress_review.checks.source.opening import Source
from egress_review.checks.source.partials import REPEATED
from egress_review.checks.source.tasks import Record, add, records, stopping

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

SAMPLE = 2**17
"""Rows that are looked at before all are."""
FEW = 16
"""Of so many rows one print may stand twice; where more do, nothing would be gained."""


@dataclass(frozen=True, slots=True)
class Sieved:
    """A query over partial answers, as `InTurn`, of parts in which most rows are alone.

    Attributes:
        parts: what is read, the query of its prints, and the query over it, which reads `REPEATED`.
        sql: over `PARTIALS`, which holds the rows of all parts.
        most: rows of a part, for whose prints there is room.
        otherwise: gives the same answer where many rows are not alone, or there are more.
    """

    source: Source
    parts: tuple[tuple[Source, str, str], ...]
    sql: str
    most: int
    otherwise: Callable[[], list[Record]]
    threads: int = 1

    def __call__(self) -> list[Record]:
        """The rows of the query, by column.

        Raises:
            CheckStopped: as `Rows`.
        """
        with closing(self.source.connect(self.threads)) as database, stopping():
            for number, (part, prints, sql) in enumerate(self.parts):
                part.show(database)
                if not _few_repeated(database, prints, self.most):
                    break
                add(database, number, sql)
            else:
                return records(database.execute(self.sql))
        return self.otherwise()


def _few_repeated(database: duckdb.DuckDBPyConnection, sql: str, most: int) -> bool:
    """Whether few prints of at most `most` rows stand twice; then they are in `REPEATED`."""
    if _repeated(database, f"{sql} LIMIT {SAMPLE}", most) is None:
        return False
    found = _repeated(database, f"{sql} LIMIT {most + 1}", most)
    if found is None:
        return False
    database.register("prints", {"h": found})
    database.execute(f"CREATE OR REPLACE TEMP TABLE {REPEATED} AS SELECT h FROM prints")
    database.unregister("prints")
    return True


def _repeated(database: duckdb.DuckDBPyConnection, sql: str, most: int) -> npt.NDArray[np.uint32] | None:
    """The prints that stand twice, or None if they, or all, are too many."""
    import numpy as np  # a tenth of a second to load: only for large tables

    prints = database.execute(sql).fetchnumpy()["h"]
    prints.sort()
    found = np.unique(prints[1:][prints[1:] == prints[:-1]])
    return found if len(prints) <= most and len(found) * FEW <= len(prints) else None
