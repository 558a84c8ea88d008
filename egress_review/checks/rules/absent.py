"""The cells that a table does not have: combinations of its categories of which the source has no row.

A long table leaves them out, a cross table shows them as zero or blank; either says that there is nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import CellEvidence, Finding
from egress_review.checks.rules.label import label
from egress_review.checks.rules.profile import Rule
from egress_review.checks.tables.compare import PublishedRow

MOST = 100_000
"""Combinations that are looked through; of a table with more, none is listed."""


def absent_cells(
    query: Query, rows: Sequence[PublishedRow], rule: Rule
) -> Iterator[tuple[CellEvidence, Finding]]:
    """Every combination of categories that no row is about, for every measure: of the finest grouping, and of
    every margin over some of several keys.
    """
    by_grouping: dict[int, list[PublishedRow]] = {}
    for row in rows:
        by_grouping.setdefault(row.group.grouping, []).append(row)
    for grouping, alike in by_grouping.items():
        names = [key.name for at, key in enumerate(query.keys) if not grouping >> at & 1]
        for missing in _combinations(names, alike):
            # Where a margin sums over a key, its rows say how it is written.
            key = {clip(name): clip(text) for name, text in {**alike[0].key, **missing}.items()}
            for measure in query.measures:
                about = {"column": measure.name, "source": rule.source, "proposal": "merge"}
                found = finding(FindingCode.ZERO_DISCLOSIVE, key, **about)
                yield _evidence(key, measure.name, label(measure)), found


def _combinations(names: Sequence[str], rows: Sequence[PublishedRow]) -> Iterator[dict[str, str]]:
    """The combinations of the categories of some rows that none of them is about."""
    levels = [list(dict.fromkeys(row.key[name] for row in rows)) for name in names]
    if len(names) < 2 or prod(map(len, levels)) > MOST:  # noqa: PLR2004 - one key has no combinations
        return
    there = {tuple(row.key[name] for name in names) for row in rows}
    for texts in product(*levels):
        if texts not in there:
            yield dict(zip(names, texts, strict=True))


def _evidence(key: dict[str, str], name: str, statistic: str) -> CellEvidence:
    return CellEvidence(
        key=key,
        measure=clip(name),
        statistic=clip(statistic),
        value="",
        persons=0,
        rows=0,
        contributors=0,
        # Nobody is fewer than any least number; a cell that is not there breaks no rule.
        findings=(FindingCode.ZERO_DISCLOSIVE, FindingCode.THRESHOLD),
    )
