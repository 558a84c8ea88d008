"""The data sets that a claim names, opened; or the folder of another system that it is checked against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.on_dask import OnDask
from egress_review.checks.source.opening import Source, load_manifest
from onggi.claim import Claim, claim_for_check, claim_from_json
from onggi.errors import OnggiError
from onggi.manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, read_manifest


@dataclass(frozen=True, slots=True)
class Granted:
    """A claim that was read, and the data sets that it names.

    Attributes:
        views: statements that make the views, or () for those of `onggi.table_form`.
        outside: whether table and claim are another system's.
        single: columns of its folder that have single precision.
    """

    claim: Claim
    pairs: tuple[tuple[Manifest, Path], ...]
    views: tuple[str, ...] = ()
    outside: bool = False
    single: frozenset[str] = frozenset()

    def source(self, policy: CheckPolicy, scratch: Path) -> Source:
        """What DuckDB may read, in half of the box: Python, the file and its own structures need the rest."""
        half = policy.memory_bytes // 2
        if policy.engine is Engine.DASK:
            return Source(self.pairs, scratch, half, 1, self.views, OnDask(policy.workers, scratch))
        return Source(self.pairs, scratch, half, policy.cpus, self.views)


def read_granted(body: Mapping[str, Any], file: Path, datasets: Sequence[DatasetFolder]) -> Granted:
    """Read a claim and find its data sets among those granted.

    Args:
        body: the JSON of the claim, unread and hostile.
        file: the submitted file.

    Raises:
        CheckStopped: `claim_unreadable`, `dataset_not_granted` or `dataset_unreadable`.
    """
    outside = [one for one in datasets if one.outside]
    try:
        if outside:
            return _outside(body, file, Path(outside[0].folder))
        claim = claim_from_json(body)
    except OnggiError as error:
        raise CheckStopped(FindingCode.CLAIM_UNREADABLE, field=error.params.get("field", "")) from None
    return Granted(claim, tuple(_granted(name, version, datasets) for name, version in claim.datasets))


def _outside(body: Mapping[str, Any], file: Path, folder: Path) -> Granted:
    views: tuple[str, ...] = ()
    single: frozenset[str] = frozenset()
    if _is_registered(folder):
        found = read_manifest(folder)
        manifest = load_manifest(folder, found.name, found.version)
    else:
        # Another system's folder; for one of our own, a tenth of a second less to load.
        from egress_review.checks.source.folder import describe_folder

        described = describe_folder(folder)
        manifest, views, single = described.manifest, described.views, described.single
    named = ((manifest.name, manifest.version),)
    claim = claim_for_check(body, file, named)
    if claim.datasets != named:
        raise CheckStopped(FindingCode.DATASET_NOT_GRANTED, dataset=_names(claim.datasets), version="")
    return Granted(claim, ((manifest, folder),), views, outside=True, single=single)


def _is_registered(folder: Path) -> bool:
    """Whether the folder has the manifest of a data-set version, and not the small form."""
    try:
        with (folder / MANIFEST_FILE).open("rb") as file:
            body = json.loads(file.read(MAX_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(body, dict) and "v" in body


def _names(datasets: Iterable[tuple[str, str]]) -> str:
    return ", ".join(name for name, _ in datasets)


def _granted(name: str, version: str, datasets: Sequence[DatasetFolder]) -> tuple[Manifest, Path]:
    for one in datasets:
        if (one.name, one.version) == (name, version):
            return load_manifest(Path(one.folder), name, version), Path(one.folder)
    raise CheckStopped(FindingCode.DATASET_NOT_GRANTED, dataset=name, version=version)
