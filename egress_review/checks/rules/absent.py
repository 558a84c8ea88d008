"""The cells that a table does not have: combinations of its categories of which the source has no row.

A long table leaves them out, a cross table shows them as zero or blank; either says that there is nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Measure, Query
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import CellEvidence, Finding
from egress_review.checks.rules.label import label
from egress_review.checks.rules.primary import SPREADS
from egress_review.checks.rules.profile import Profile, Rule
from egress_review.checks.tables.compare import PublishedRow
from egress_review.checks.tables.csv_form import unquote
from egress_review.checks.tables.style import NOTHING

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
                # Nobody is fewer than any least number; a cell that is not there breaks no rule.
                codes = (FindingCode.ZERO_DISCLOSIVE, FindingCode.THRESHOLD)
                yield _evidence(key, measure.name, label(measure), codes), found


def _combinations(names: Sequence[str], rows: Sequence[PublishedRow]) -> Iterator[dict[str, str]]:
    """The combinations of the categories of some rows that none of them is about."""
    levels = [list(dict.fromkeys(row.key[name] for row in rows)) for name in names]
    if len(names) < 2 or prod(map(len, levels)) > MOST:  # noqa: PLR2004 - one key has no combinations
        return
    there = {tuple(row.key[name] for name in names) for row in rows}
    for texts in product(*levels):
        if texts not in there:
            yield dict(zip(names, texts, strict=True))


def _evidence(key: dict[str, str], name: str, statistic: str, codes: tuple[FindingCode, ...]) -> CellEvidence:
    return CellEvidence(
        key=key,
        measure=clip(name),
        statistic=clip(statistic),
        value="",
        persons=0,
        rows=0,
        contributors=0,
        findings=codes,
    )


def extra_cells(
    query: Query, extra: Iterable[tuple[Mapping[str, str], tuple[str, ...]]], profile: Profile
) -> Iterator[CellEvidence]:
    """The numbers of a file's rows that the source does not give. Of those that are blank or zero nobody is,
    as of a category that no row of the source has.
    """
    for shown, fields in extra:
        key = {clip(name): clip(text) for name, text in shown.items()}
        for measure in query.measures:
            text = unquote(fields[query.items.index(measure)])
            nobody = text in NOTHING or text in {"0", "0.0"}
            codes = (FindingCode.ROW_EXTRA, *(_nobody(query, measure, profile) if nobody else ()))
            found = _evidence(key, measure.name, label(measure), codes)
            yield replace(found, value=clip(text))


def _nobody(query: Query, measure: Measure, profile: Profile) -> Iterator[FindingCode]:
    """Nobody is fewer than any least number."""
    if profile.rules.zero_disclosive is not None:
        yield FindingCode.ZERO_DISCLOSIVE
    yield FindingCode.THRESHOLD
    named = query.measures if profile.names_all_statistics else (measure,)
    if profile.rules.degrees_of_freedom is not None and any(one.kind in SPREADS for one in named):
        yield FindingCode.DEGREES_OF_FREEDOM
