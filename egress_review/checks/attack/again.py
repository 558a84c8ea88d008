"""Tables computed again from their claims: what stands behind each number, for the attack on many of them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from egress_review.checks.attack.about import Placed
from egress_review.checks.attack.model import PublishedTable, make_table
from egress_review.checks.attack.of_query import Place, place_of
from egress_review.checks.attack.relevance import Depths
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.evidence import Group, GroupId, group_id
from egress_review.checks.source.opening import Source
from egress_review.checks.source.recompute import Wanted, recompute
from egress_review.checks.source.running import Task
from egress_review.checks.source.tasks import Rows, records, stopping
from egress_review.checks.tables.csv_form import unquote
from onggi.claim import Claim
from onggi.table_form import format_value


@dataclass(frozen=True, slots=True)
class _OneConnection:
    """Runs the queries of many tables on one connection: opening costs more than most of them."""

    database: duckdb.DuckDBPyConnection

    @property
    def at_once(self) -> int:
        """One."""
        return 1

    def run(self, tasks: Sequence[Task]) -> Generator[Any]:
        """The answers."""
        for task in tasks:
            if isinstance(task, Rows):
                with stopping():
                    yield records(self.database.execute(task.sql))
            else:
                yield task()

    def close(self) -> None:
        """The connection is its opener's."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a table.

    Attributes:
        groups: all of them, those too that HAVING leaves out.
        hidden: numbers that the file does not show.
        keys: of each group as file and findings show it; {} for groups that the file leaves out.
    """

    groups: Sequence[Group]
    hidden: set[Place]
    keys: Sequence[Mapping[str, str]]


class Again:
    """Computes tables over one source again.

    Args:
        until: of `time.monotonic`; nothing is begun after it.
    """

    def __init__(
        self, source: Source, database: duckdb.DuckDBPyConnection, policy: CheckPolicy, until: float
    ) -> None:
        self._source = replace(source, runner=_OneConnection(database))
        self._database = database
        self._policy = policy
        self._until = until

    def behind(self, claim: Claim, query: Query, hidden: Sequence[HiddenRow]) -> Behind:
        """Everything behind a table.

        Raises:
            CheckStopped: time is up, or as `recompute`.
        """
        self._in_time()
        profile, most = self._policy.profile, self._policy.max_cells
        wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
        groups = recompute(self._source, replace(query, having_sql=""), most, wanted)
        # Without HAVING every group is listed; to ask for each takes a fifth of the time.
        left = recompute(self._source, query, most, wanted) if query.having_sql else ()
        listed = {_id(group, query) for group in left}
        shown = [not query.having_sql or _id(group, query) in listed for group in groups]
        marks = {row.levels: row.measures for row in hidden}
        everything = range(len(query.measures))
        hiding = [
            marks.get(levels(group.key(query), group.grouping), ()) if seen else everything
            for group, seen in zip(groups, shown, strict=True)
        ]
        return Behind(
            groups,
            {
                place_of(group, query, number)
                for group, numbers in zip(groups, hiding, strict=True)
                for number in numbers
            },
            [_key(group, query, claim) if seen else {} for group, seen in zip(groups, shown, strict=True)],
        )

    def shown_counts(
        self, query: Query, number: int, place: Placed, sets: frozenset[Depths], name: str
    ) -> PublishedTable:
        """Some margins of the counts that a release shows without hiding anything: only the numbers.

        Args:
            sets: the margins, as depths by key.

        Raises:
            CheckStopped: as `behind`.
        """
        self._in_time()
        used = [at for at in range(len(query.keys)) if any(one[at] for one in sets)]
        depths = sorted(tuple(one[at] for at in used) for one in sets)
        asked = replace(
            query,
            items=(*(query.keys[at] for at in used), query.measures[number]),
            grouping_sets=tuple(tuple(at for at, depth in enumerate(one) if depth) for one in depths),
        )
        keys = [f"{key.sql} AS k{at}" for at, key in enumerate(asked.keys)]
        columns = [*keys, f"{asked.grouping_id()} AS g", f"{query.measures[number].sql} AS n"]
        most = self._policy.max_cells
        with stopping():
            found = self._database.execute(
                f"{asked.select_sql(columns)}{asked.group_sql()} LIMIT {most + 1}"
            ).fetchall()
        if len(found) > most:
            raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most)
        return make_table(
            [place.keys[at] for at in used],
            [levels(row[: len(used)], int(row[-2])) for row in found],
            [float(row[-1]) for row in found],
            name=name,
            subject=place.subject,
            complete=frozenset(depths),
            slices=place.slices,
            sensitive=np.zeros(len(found), bool),
        )

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise CheckStopped(FindingCode.ATTACK_OVER_BUDGET)


@contextmanager
def computing(source: Source, policy: CheckPolicy, until: float) -> Iterator[Again]:
    """Computes tables again as long as it lasts.

    Raises:
        CheckStopped: `dataset_unreadable`.
    """
    with closing(source.connect()) as database:
        yield Again(source, database, policy, until)


def _id(group: Group, query: Query) -> GroupId:
    return group_id(group.key(query), group.grouping)


def _key(group: Group, query: Query, claim: Claim) -> Mapping[str, str]:
    """The key of a group as its file and findings show it."""
    return {
        key.name: claim.margin if group.grouping >> at & 1 else unquote(format_value(value))
        for at, (key, value) in enumerate(zip(query.keys, group.key(query), strict=True))
    }
