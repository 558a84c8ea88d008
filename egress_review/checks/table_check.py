"""The whole check of one table: claim, query, recomputation, comparison, rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from egress_review.checks.findings import FindingCode
from egress_review.checks.order import Order
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding, TableCheck
from egress_review.checks.rules.judge import judge
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.granted import Granted, read_granted
from egress_review.checks.source.opening import ENGINE
from egress_review.checks.source.recompute import Wanted, recompute, units_without_filter
from egress_review.checks.tables.compare import Comparison, compare_tables
from egress_review.checks.tables.csv_form import RawTable
from egress_review.checks.tables.read_table import read_table

_FORM_ALONE = frozenset({FindingCode.LAST_DIGITS_DIFFER, FindingCode.ROW_ORDER_DIFFERS})


def check_table(content: bytes, file_type: str, order: Order) -> TableCheck:
    """Check the bytes of a table against its claim. Never raises `CheckStopped`: it becomes a finding."""
    try:
        raw = read_table(content, file_type, order.policy.max_cells)
        if order.claim is None:
            raise CheckStopped(FindingCode.NO_CLAIM)
        found = _prove(raw, order, read_granted(order.claim, Path(order.file), order.datasets))
    except CheckStopped as stopped:
        found = TableCheck((stopped.finding,))
    except RecursionError:
        # Thousands of nested or chained conditions; only the SQL can do that.
        found = TableCheck((finding(FindingCode.SQL_UNREADABLE),))
    return replace(found, engine=ENGINE)


def _prove(raw: RawTable, order: Order, granted: Granted) -> TableCheck:
    claim, policy, profile = granted.claim, order.policy, order.policy.profile
    query = read_query(claim, Catalogue(manifest for manifest, _ in granted.pairs))
    source = granted.source(policy, Path(order.scratch))
    wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
    groups = recompute(source, query, policy.max_cells, wanted)
    comparison = compare_tables(raw, query, groups, policy, claim)
    filtered = not profile.counts_rows and bool(query.where_sql or query.narrowed)
    everyone = units_without_filter(source, query, policy.max_cells) if filtered else {}
    judged = judge(query, comparison.rows, profile, everyone)
    found = [*query.notes, *comparison.findings, *judged.findings]
    if not policy.canonical:
        found = [one for one in found if one.code not in _FORM_ALONE]
    if claim.output_sha256 != order.sha256:
        found.append(finding(FindingCode.CLAIM_HASH_DIFFERS))
    # An empty table proves nothing: a pass needs at least one number that was held against the source.
    if comparison.same and judged.cells:
        found.append(_proof(query, groups, comparison))
    return TableCheck(tuple(found), judged.cells)


def _proof(query: Query, groups: Sequence[Group], comparison: Comparison) -> Finding:
    return finding(
        FindingCode.RECOMPUTED,
        numbers=len(comparison.rows) * len(query.measures),
        rows=len(comparison.rows),
        persons=min((group.persons for group in groups), default=0),
    )
