"""The whole check of one table: claim, query, recomputation, comparison, rules."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.order import Order
from egress_review.checks.outside import in_form, named_columns, tolerance, with_columns
from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import CellEvidence, Finding, TableCheck
from egress_review.checks.rules.absent import extra_cells
from egress_review.checks.rules.judge import judge, marked
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.granted import Granted, read_granted
from egress_review.checks.source.opening import ENGINE, Source
from egress_review.checks.source.recompute import Wanted, recompute, units_without_filter
from egress_review.checks.tables.compare import Comparison, PublishedRow, compare_tables, unshown_row
from egress_review.checks.tables.csv_form import RawTable
from egress_review.checks.tables.halves import rounded_as_shown
from egress_review.checks.tables.layout import key_texts
from egress_review.checks.tables.marks import say_nothing
from egress_review.checks.tables.read_table import read_table
from onggi.claim import Claim
from onggi.errors import Invalid
from onggi.models.spec import ModelSpec

_FORM_ALONE = frozenset({FindingCode.LAST_DIGITS_DIFFER, FindingCode.ROW_ORDER_DIFFERS})

_UNREAD = frozenset(
    {
        FindingCode.CSV_UNREADABLE,
        FindingCode.FILE_NOT_CANONICAL,
        FindingCode.HEADER_DIFFERS,
        FindingCode.HIDDEN_DATA,
        FindingCode.MARGIN_AMBIGUOUS,
    }
)
"""Of a file's form alone: the query may be read all the same."""

_ATTACK_SHARE = 0.4
"""Of the box's time, for the attack on hidden numbers."""
_OWN_SHARE = 0.2
"""Of the box's time, for what the numbers of a table that is not for a ledger say together."""
_PATTERN_SHARE = 0.2
"""Of the box's time, for finding out whether what is hidden must be."""


def check_table(content: bytes, file_type: str, order: Order) -> TableCheck:
    """Check the bytes of a table against its claim. Never raises `CheckStopped`: it becomes a finding."""
    try:
        raw = read_table(
            content,
            file_type,
            order.policy.max_cells,
            own_form=not any(one.outside for one in order.datasets),
        )
        if order.claim is None:
            raise CheckStopped(FindingCode.NO_CLAIM)
        found = _prove(raw, order, read_granted(order.claim, Path(order.file), order.datasets))
        if raw.foreign:
            more = finding(FindingCode.FILE_MAY_CARRY_MORE, type=raw.form)
            found = replace(found, findings=(*found.findings, more))
    except CheckStopped as stopped:
        found = TableCheck((stopped.finding,), _cells_of_source(stopped, order))
    except RecursionError:
        # Thousands of nested or chained conditions; only the SQL can do that.
        found = TableCheck((finding(FindingCode.SQL_UNREADABLE),))
    return replace(found, engine=_engine(order.policy))


def _engine(policy: CheckPolicy) -> str:
    return f"{ENGINE} on dask x {policy.workers}" if policy.engine is Engine.DASK else ENGINE


def _prove(raw: RawTable, order: Order, granted: Granted) -> TableCheck:
    claim, policy = granted.claim, order.policy
    if claim.model is not None:
        return _prove_model(raw, order, granted, claim.model)
    notes: list[Finding] = []
    if granted.outside:
        raw, claim = with_columns(raw, claim)
        notes = [finding(FindingCode.HEADER_SAYS_MORE, column=word) for word in dict.fromkeys(raw.words)]
    query = read_query(claim, Catalogue(manifest for manifest, _ in granted.pairs))
    source = granted.source(policy, Path(order.scratch))
    with closing(source.runner):
        found = _held_against(raw, order, replace(granted, claim=claim), query, source)
    return replace(found, findings=(*found.findings, *notes))


def _held_against(raw: RawTable, order: Order, granted: Granted, query: Query, source: Source) -> TableCheck:
    """What the source says of a table, the rules of its numbers, and an attack on those that it hides."""
    claim, policy, profile = granted.claim, order.policy, order.policy.profile
    wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
    groups = recompute(source, query, policy.max_cells, wanted)
    if granted.outside:
        raw, claim = in_form(raw, claim, query, groups)
        off_by = tolerance(claim, granted.single, 0.0)
        groups = rounded_as_shown(
            raw, query, groups, claim, lambda bare: recompute(source, bare, policy.max_cells, wanted), off_by
        )
    near = replace(policy, relative_tolerance=tolerance(claim, granted.single, policy.relative_tolerance))
    comparison = compare_tables(raw, query, groups, near, claim)
    filtered = not profile.counts_rows and bool(query.where_sql or query.narrowed)
    everyone = units_without_filter(source, query, policy.max_cells) if filtered else {}
    unshown = comparison.unshown if granted.outside else []
    extra = extra_cells(query, comparison.extra, profile) if granted.outside else ()
    judged = judge(query, comparison.rows, profile, everyone, unshown, extra)
    # A group that HAVING leaves out is hidden, and a margin may give it away.
    leaves_out = bool(query.having_sql) and query.has_margins
    found = [*query.notes, *comparison.findings, *judged.findings]
    if leaves_out or claim.rounding is not None or any(row.suppressed for row in comparison.rows):
        everything = replace(query, having_sql="")
        all_groups = recompute(source, everything, policy.max_cells, wanted) if leaves_out else groups
        given_away = _attacked(query, all_groups, comparison, claim, policy, source)
        silent = say_nothing(comparison.marks)
        needed = [] if given_away or not silent else _needed(query, groups, comparison, claim, policy, source)
        if needed:
            found = [one for one in found if one.code is not FindingCode.SUPPRESSED_CELLS]
        found.extend([*given_away, *needed])
    if granted.outside and not profile.counts_rows and comparison.same:
        found.extend(_told_together(query, comparison, claim, policy, source))
    if not policy.canonical:
        alone = {FindingCode.ROW_ORDER_DIFFERS} if comparison.near else _FORM_ALONE
        found = [one for one in found if one.code not in alone]
    if claim.output_sha256 != order.sha256:
        found.append(finding(FindingCode.CLAIM_HASH_DIFFERS))
    # An empty table proves nothing: a pass needs at least one number that was held against the source.
    if comparison.same and judged.cells:
        found.append(_proof(query, groups, comparison))
    elif not judged.cells and comparison.same:
        found.append(finding(FindingCode.NO_NUMBER))
    hidden = hidden_rows(query, comparison.rows)
    return TableCheck(tuple(found), marked(judged.cells, comparison.findings), hidden=hidden)


def _cells_of_source(stopped: CheckStopped, order: Order) -> tuple[CellEvidence, ...]:
    """What the rules say of the numbers of a query whose file, another system's, cannot be read or laid
    beside them. Nothing of the file is in it.
    """
    if stopped.finding.code not in _UNREAD or order.claim is None or order.claim.get("model"):
        return ()
    try:
        granted = read_granted(order.claim, Path(order.file), order.datasets)
        if not granted.outside:
            return ()
        claim = named_columns(granted.claim)
        query = read_query(claim, Catalogue(manifest for manifest, _ in granted.pairs))
        source, profile = granted.source(order.policy, Path(order.scratch)), order.policy.profile
        with closing(source.runner):
            wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
            groups = recompute(source, query, order.policy.max_cells, wanted)
        rows = [unshown_row(key_texts(group, query, claim, "csv"), group, query) for group in groups]
        return judge(query, (), profile, unshown=rows).cells
    except (CheckStopped, Invalid):
        return ()


def hidden_rows(query: Query, rows: Sequence[PublishedRow]) -> tuple[HiddenRow, ...]:
    """All numbers in whose place the file shows a mark."""
    at = [query.items.index(measure) for measure in query.measures]
    return tuple(
        HiddenRow(
            levels(row.group.key(query), row.group.grouping),
            tuple(number for number, position in enumerate(at) if position in row.suppressed),
        )
        for row in rows
        if row.suppressed
    )


def _attacked(
    query: Query,
    groups: Sequence[Group],
    comparison: Comparison,
    claim: Claim,
    policy: CheckPolicy,
    source: Source,
) -> list[Finding]:
    # SciPy takes a second to load: only where something is hidden.
    from egress_review.checks.attack.check import attack_table, published

    file = published(query, comparison.rows, claim)
    return attack_table(query, groups, file, policy.profile, policy.time_s * _ATTACK_SHARE, source)


def _needed(
    query: Query,
    groups: Sequence[Group],
    comparison: Comparison,
    claim: Claim,
    policy: CheckPolicy,
    source: Source,
) -> list[Finding]:
    """That the file hides just what must be hidden, if that is so; it takes an attack that found nothing."""
    from egress_review.checks.attack.check import published
    from egress_review.checks.protect.pattern import hides_what_it_must

    file = published(query, comparison.rows, claim)
    return hides_what_it_must(query, groups, file, policy.profile, policy.time_s * _PATTERN_SHARE, source)


def _told_together(
    query: Query, comparison: Comparison, claim: Claim, policy: CheckPolicy, source: Source
) -> list[Finding]:
    """What no ledger will look for: numbers of this table that are about nearly the same persons."""
    # SciPy and roaring bitmaps take a second to load: only where there may be such numbers.
    from egress_review.checks.differencing.own import may_tell, own_findings

    if not may_tell(query):
        return []
    hidden = hidden_rows(query, comparison.rows)
    rounded = claim.rounding.base if claim.rounding else 0
    seconds = policy.time_s * _OWN_SHARE
    return own_findings(source, query, hidden, policy, rounded, seconds)


def _prove_model(raw: RawTable, order: Order, granted: Granted, spec: ModelSpec) -> TableCheck:
    # statsmodels takes a second to load: only for models.
    from egress_review.checks.models.check import check_model, in_six_digits

    source = granted.source(order.policy, Path(order.scratch))
    shown = in_six_digits(raw, spec) if granted.outside else raw
    with closing(source.runner):
        found = list(check_model(shown, granted.claim, spec, source, order.policy.profile))
    if granted.claim.output_sha256 != order.sha256:
        found.append(finding(FindingCode.CLAIM_HASH_DIFFERS))
    return TableCheck(tuple(found))


def _proof(query: Query, groups: Sequence[Group], comparison: Comparison) -> Finding:
    return finding(
        FindingCode.RECOMPUTED,
        numbers=len(comparison.rows) * len(query.measures),
        rows=len(comparison.rows),
        persons=min((group.persons for group in groups), default=0),
    )
