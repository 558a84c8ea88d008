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
"""Of so many rows one may have another's print; where more do, nothing would be gained."""


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
    _, again = _prints(database, sql, SAMPLE)
    # Of rows in no order, a part shows as many times fewer equal prints as it has fewer pairs of rows.
    if len(again) * FEW * most > SAMPLE**2:
        return False
    rows, again = _prints(database, sql, most + 1)
    if rows > most or len(again) * FEW > rows:
        return False
    database.register("prints", {"h": again})
    database.execute(f"CREATE OR REPLACE TEMP TABLE {REPEATED} AS SELECT DISTINCT h FROM prints")
    database.unregister("prints")
    return True


def _prints(database: duckdb.DuckDBPyConnection, sql: str, most: int) -> tuple[int, npt.NDArray[np.uint32]]:
    """How many prints there are, `most` at most, and those that another row has before."""
    prints = database.execute(f"{sql} LIMIT {most}").fetchnumpy()["h"]
    prints.sort()
    return len(prints), prints[1:][prints[1:] == prints[:-1]]
