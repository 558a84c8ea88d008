"""What a folder of another system may say of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.folder import SmallManifest, read_small_manifest
from onggi.manifest import MANIFEST_FILE


def _written(folder: Path, text: str) -> Path:
    (folder / MANIFEST_FILE).write_text(text)
    return folder


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    body = {
        "unit_column": "person",
        "identifier_columns": ["name"],
        "institution_column": None,
        "tables": {"visits": "visits.parquet", "labs": ["a.csv", "b.csv"]},
    }
    assert read_small_manifest(_written(tmp_path, json.dumps(body))) == SmallManifest(**body)  # type: ignore[arg-type]


def test_nothing_has_to_be_said(tmp_path: Path) -> None:
    assert read_small_manifest(tmp_path) == SmallManifest()
    assert read_small_manifest(_written(tmp_path, "{}")) == SmallManifest()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"unit": "person"}', "unit"),
        ('{"unit_column": ["person"]}', "unit_column"),
        ('{"unit_column": 1}', "unit_column"),
        ('{"institution_column": true}', "institution_column"),
        ('{"identifier_columns": "name"}', "identifier_columns"),
        ('{"identifier_columns": null}', "identifier_columns"),
        ('{"identifier_columns": [1]}', "identifier_columns"),
        ('{"tables": []}', "tables"),
        ('{"tables": {"visits": 3}}', "tables"),
        ('{"tables": {"visits": ["a", null]}}', "tables"),
        ("[]", MANIFEST_FILE),
        ("null", MANIFEST_FILE),
        ("{", MANIFEST_FILE),
        ("[" * 100_000, MANIFEST_FILE),
    ],
)
def test_what_is_none_is_named(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(CheckStopped) as stopped:
        read_small_manifest(_written(tmp_path, text))
    assert stopped.value.finding.params["cause"] == cause
