"""A claim's table, protected: recomputed from the source, judged, hidden or rounded, attacked.

Guarantees: `safe` is said only if every number of the table that breaks a rule is hidden or rounded and the
attack of `checks.attack` found nothing. Earlier releases are not looked at here: what they hold is no
researcher's to know. The check at submission looks at them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from egress_review.checks.attack.about import placed_measures
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import Flags
from egress_review.checks.attack.of_query import (
    Attacked,
    place_of,
    rules_of,
    tables_of,
    unproven,
)
from egress_review.checks.findings import VERDICTS, FindingCode, Verdict
from egress_review.checks.protect.job import MOST_ROWS, ProtectJob
from egress_review.checks.protect.pattern import Table, hide, in_order
from egress_review.checks.protect.proposal import Proposal, merge
from egress_review.checks.protect.way import Way
from egress_review.checks.reading.query import Key, Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped, clip, finding
from egress_review.checks.report import MAX_FINDINGS, MAX_TEXT, Finding
from egress_review.checks.rules.primary import judge_cell
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.granted import Granted
from egress_review.checks.source.recompute import Wanted, recompute
from onggi.errors import Invalid
from onggi.table_form import format_value, order_rows

SHARE_OF_TIME = 0.6
"""Of the box's time, for protecting; the rest is for its start, the recomputation and the answer."""


def protect_claim(granted: Granted, job: ProtectJob) -> dict[str, Any]:
    """The answer to a job, as `job.ProtectAnswer` reads it.

    Raises:
        CheckStopped: the claim cannot be recomputed, or its table is too large.
    """
    table = _recomputed(granted, job)
    seconds = job.policy.time_s * SHARE_OF_TIME
    if job.way is Way.MERGE:
        return _merged(table, seconds)
    made = hide(table, job.way, job.base, seconds)
    return _answer(table, made.hidden, made.attacked, made.made)


def _recomputed(granted: Granted, job: ProtectJob) -> Table:
    profile = job.policy.profile
    query = read_query(granted.claim, Catalogue(manifest for manifest, _ in granted.pairs))
    source = granted.source(job.policy, Path(job.scratch))
    wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
    groups = in_order(recompute(source, replace(query, having_sql=""), MOST_ROWS, wanted), query)
    shown = np.ones(len(groups), bool)
    if query.having_sql:
        kept = {place_of(one, query, 0) for one in recompute(source, query, MOST_ROWS, wanted)}
        shown = np.array([place_of(one, query, 0) in kept for one in groups], dtype=bool)
    until = time.monotonic() + job.policy.time_s * SHARE_OF_TIME
    places = placed_measures(query, granted.claim.datasets, source, until)
    return Table(query, profile, groups, shown, places)


def _answer(
    table: Table, hidden: Flags, attacked: Sequence[Attacked], made: Proposal | None
) -> dict[str, Any]:
    query = table.query
    findings = _still_shown(table, hidden)
    losses: dict[str, Any] = {}
    if made is not None:
        keys = [_key(group, query) for group in table.groups]
        for one, found, loss in zip(attacked, made.found, made.losses, strict=True):
            name = query.measures[one.measure].name
            findings += attack_findings(found, name, keys)
            losses[clip(name)] = loss.to_json()
    unseen = sum(int(hidden[:, number].sum()) for number in unproven(query, table.groups))
    if unseen:
        findings.append(finding(FindingCode.ATTACK_NOT_COVERED, None, cells=unseen))
    rows, places = _rows(table, hidden, attacked, made)
    return {
        "safe": not findings,
        "columns": [clip(item.name) for item in query.items],
        "rows": rows,
        "hidden": places,
        "losses": losses,
        "findings": [said(one) for one in findings[:MAX_FINDINGS]],
        "bands": None,
    }


def _still_shown(table: Table, hidden: Flags) -> list[Finding]:
    """The rules that published numbers break all the same; rounding excuses where the profile says so."""
    return [
        finding(broken.code, _key(group, table.query), column=measure.name, **broken.params)
        for row, group in enumerate(table.groups)
        for number, measure in enumerate(table.query.measures)
        if not hidden[row, number]
        for broken in judge_cell(group.cells[number], measure, table.profile)
        if VERDICTS[broken.code] is Verdict.BLOCK
    ]


def _rows(
    table: Table, hidden: Flags, attacked: Sequence[Attacked], made: Proposal | None
) -> tuple[list[list[str | None]], list[tuple[int, int]]]:
    """The texts of the published rows, in the canonical order, and where a number is hidden."""
    rounded = _rounded(attacked, made)
    # A margin and a missing key look alike, so two groups may have the same texts.
    published = np.flatnonzero(table.shown).tolist()
    numbers: dict[tuple[Any, ...], list[int]] = {}
    for number in published:
        numbers.setdefault(table.groups[number].values, []).append(number)
    rows: list[list[str | None]] = []
    places: list[tuple[int, int]] = []
    try:
        ordered = order_rows(
            [one.values for one, shown in zip(table.groups, table.shown, strict=True) if shown]
        )
    except TypeError:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause="order") from None
    for values in ordered:
        number = numbers[tuple(values)].pop(0)
        row: list[str | None] = []
        measure = -1
        for item, value in zip(table.query.items, values, strict=True):
            if isinstance(item, Key):
                row.append(_text(value))
                continue
            measure += 1
            if hidden[number, measure]:
                places.append((len(rows), len(row)))
                row.append("")
            else:
                row.append(rounded.get((number, measure)) or _text(value))
        rows.append(row)
    return rows, places


def _rounded(attacked: Sequence[Attacked], made: Proposal | None) -> Mapping[tuple[int, int], str]:
    """The texts of rounded counts, by group and measure."""
    if made is None:
        return {}
    return {
        (row, one.measure): str(int(done.published[row]))
        for one, done in zip(attacked, made.tables, strict=True)
        if done.rounding is not None and done.integral
        for row in np.flatnonzero(~done.suppressed).tolist()
    }


def _merged(table: Table, seconds: float) -> dict[str, Any]:
    """Bands to merge, by the first count; the researcher writes them into the query."""
    attacked = tables_of(table.query, table.groups, set(), table.profile, table.places)
    persons = np.array([group.persons for group in table.groups], dtype=np.float64)
    least = table.profile.rules.threshold.least
    made = merge(attacked[0].table, persons, least, rules_of(table.profile), seconds) if attacked else None
    if made is None or made.merged is None:
        raise CheckStopped(FindingCode.NO_AGGREGATE)
    name = clip(table.query.measures[attacked[0].measure].name)
    levels = {clip(level): clip(band) for level, band in made.merged.bands.items()}
    return {
        "safe": made.safe,
        "columns": [clip(item.name) for item in table.query.items],
        "rows": [],
        "hidden": [],
        "losses": {name: made.losses[0].to_json()},
        "findings": [],
        "bands": {"key": clip(made.merged.key), "levels": levels},
    }


def _key(group: Group, query: Query) -> Mapping[str, str]:
    return {key.name: _text(value) or "" for key, value in zip(query.keys, group.key(query), strict=True)}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        shown = value
    else:
        try:
            shown = format_value(value)
        except Invalid:
            raise CheckStopped(FindingCode.QUERY_FAILED, cause="text") from None
    if shown is not None and len(shown) > MAX_TEXT:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=MAX_TEXT)
    return shown


def said(found: Finding) -> dict[str, Any]:
    """A finding as the answer carries it: for the researcher."""
    shown = found.for_researcher()
    cell = None if shown.cell is None else dict(shown.cell)
    return {"code": shown.code.value, "params": dict(shown.params), "cell": cell}
