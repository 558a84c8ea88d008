"""The whole check of one table: claim, query, recomputation, comparison, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding, TableCheck
from egress_review.checks.rules.judge import judge
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.opening import ENGINE, load_manifest, open_source
from egress_review.checks.source.recompute import Wanted, recompute, units_without_filter
from egress_review.checks.tables.compare import Comparison, compare_tables
from egress_review.checks.tables.csv_form import RawTable, read_csv
from onggi.claim import Claim, claim_from_json
from onggi.errors import OnggiError
from onggi.manifest import Manifest


def check_table(
    text: str,
    sha256: str,
    claim: Mapping[str, Any] | None,
    datasets: Sequence[DatasetFolder],
    policy: CheckPolicy,
    scratch: Path,
) -> TableCheck:
    """Check the text of a CSV file against its claim. Never raises `CheckStopped`: it becomes a finding."""
    try:
        raw = read_csv(text, policy.max_cells)
        if claim is None:
            raise CheckStopped(FindingCode.NO_CLAIM)
        found = _prove(raw, sha256, _claim(claim), datasets, policy, scratch)
    except CheckStopped as stopped:
        found = TableCheck((stopped.finding,))
    except RecursionError:
        # Thousands of nested or chained conditions; only the SQL can do that.
        found = TableCheck((finding(FindingCode.SQL_UNREADABLE),))
    return replace(found, engine=ENGINE)


def _claim(body: Mapping[str, Any]) -> Claim:
    try:
        return claim_from_json(body)
    except OnggiError as error:
        raise CheckStopped(FindingCode.CLAIM_UNREADABLE, field=error.params.get("field", "")) from None


def _prove(
    raw: RawTable,
    sha256: str,
    claim: Claim,
    datasets: Sequence[DatasetFolder],
    policy: CheckPolicy,
    scratch: Path,
) -> TableCheck:
    pairs = [_granted(name, version, datasets) for name, version in claim.datasets]
    query = read_query(claim, Catalogue(manifest for manifest, _ in pairs))
    # Half of the box: Python, the file and DuckDB's own structures need the rest.
    source = open_source(pairs, scratch, policy.memory_bytes // 2, policy.cpus)
    profile = policy.profile
    wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
    groups = recompute(source, query, policy.max_cells, wanted)
    comparison = compare_tables(raw, query, groups, policy, claim.rounding)
    filtered = not profile.counts_rows and bool(query.where_sql or query.narrowed)
    everyone = units_without_filter(source, query, policy.max_cells) if filtered else {}
    judged = judge(query, comparison.rows, profile, everyone)
    found = [*comparison.findings, *judged.findings]
    if claim.output_sha256 != sha256:
        found.append(finding(FindingCode.CLAIM_HASH_DIFFERS))
    # An empty table proves nothing: a pass needs at least one number that was held against the source.
    if comparison.same and judged.cells:
        found.append(_proof(query, groups, comparison))
    return TableCheck(tuple(found), judged.cells)


def _granted(name: str, version: str, datasets: Sequence[DatasetFolder]) -> tuple[Manifest, Path]:
    for one in datasets:
        if (one.name, one.version) == (name, version):
            return load_manifest(Path(one.folder), name, version), Path(one.folder)
    raise CheckStopped(FindingCode.DATASET_NOT_GRANTED, dataset=name, version=version)


def _proof(query: Query, groups: Sequence[Group], comparison: Comparison) -> Finding:
    return finding(
        FindingCode.RECOMPUTED,
        numbers=len(comparison.rows) * len(query.measures),
        rows=len(comparison.rows),
        persons=min((group.persons for group in groups), default=0),
    )
