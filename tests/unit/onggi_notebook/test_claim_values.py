import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.claim import (
    MAX_CLAIM_BYTES,
    Claim,
    Format,
    Rounding,
    RoundingMethod,
    claim_file,
    claim_for_check,
    claim_from_bytes,
    claim_from_json,
)
from onggi.errors import Invalid

CLAIM = Claim(
    sql="SELECT sex, count(*) AS n FROM nafld.person WHERE bmi > $low GROUP BY sex",
    datasets=(("nafld", "1"),),
    columns=("sex", "n"),
    created="2026-11-21T09:30:00.000Z",
    output_sha256="0" * 64,
    parameters={"low": 0.1, "word": "가", "none": None, "whole": 3, "yes": True},
    rounding=Rounding(RoundingMethod.BASE, 5),
    format=Format.XLSX,
    wide="sex",
    suppressed=("*", "<10"),
    margin="all",
    protection="strict",
)


def test_a_claim_reads_back() -> None:
    assert claim_from_bytes(CLAIM.to_bytes()) == CLAIM
    assert claim_file("a/b.csv") == "a/b.csv.claim.json"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_reads_back_to_the_last_digit(value: float) -> None:
    claim = Claim(CLAIM.sql, CLAIM.datasets, CLAIM.columns, CLAIM.created, CLAIM.output_sha256, {"x": value})
    assert claim_from_bytes(claim.to_bytes()).parameters["x"] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", 3),
        ("v", 1),
        ("v", True),
        ("sql", " "),
        ("datasets", []),
        ("datasets", [{"name": "nafld"}]),
        ("datasets", [{"name": "nafld", "version": "../.."}]),
        ("datasets", [{"name": "nafld", "version": "1"}, {"name": "nafld", "version": "2"}]),
        ("datasets", [{"name": "No Slug", "version": "1"}]),
        ("columns", []),
        ("columns", ["a", "a"]),
        ("columns", ["a", ""]),
        ("columns", "ab"),
        ("rounding", 5),
        ("rounding", {"method": "base", "base": 0}),
        ("rounding", {"method": "base", "base": True}),
        ("rounding", {"method": "base"}),
        ("rounding", {"method": "midpoint6", "base": 5}),
        ("rounding", {"method": "up", "base": 5}),
        ("format", "docx"),
        ("wide", "age"),
        ("suppressed", "*"),
        ("suppressed", ["*", "*"]),
        ("suppressed", ["43"]),
        ("suppressed", ["4,3 "]),
        ("suppressed", ["a\nb"]),
        ("suppressed", ["x" * 17]),
        ("suppressed", ["a", "b", "c", "d", "e"]),
        ("margin", "12"),
        ("margin", None),
        ("protection", "Strict!"),
        ("created", "yesterday"),
        ("output_sha256", "0" * 63),
        ("parameters", {"x": 0.5}),
        ("parameters", {"x": {"float": "nan"}}),
        ("parameters", {"x": {"float": 0.5}}),
        ("parameters", {"1": 1}),
        ("parameters", {"x": [1]}),
    ],
)
def test_what_is_wrong_is_refused(name: str, value: object) -> None:
    with pytest.raises(Invalid):
        claim_from_json(CLAIM.to_json() | {name: value})


def test_missing_and_unknown_keys_are_refused() -> None:
    body: dict[str, Any] = CLAIM.to_json()
    with pytest.raises(Invalid):
        claim_from_json(body | {"more": 1})
    with pytest.raises(Invalid):
        claim_from_json({name: value for name, value in body.items() if name != "sql"})


def test_a_claim_has_a_size() -> None:
    with pytest.raises(Invalid):
        claim_from_bytes(b" " * (MAX_CLAIM_BYTES + 1))
    with pytest.raises(Invalid):
        Claim("x" * MAX_CLAIM_BYTES, CLAIM.datasets, CLAIM.columns, CLAIM.created, "0" * 64).to_bytes()


@given(st.binary(max_size=300) | st.text(max_size=100).map(json.dumps).map(str.encode))
def test_any_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Invalid):
        claim_from_bytes(raw)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Invalid):
        claim_from_bytes(b"[" * 100_000)


def test_the_first_version_is_still_read() -> None:
    first = {"v", "sql", "datasets", "parameters", "columns", "rounding", "created", "output_sha256"}
    old = {name: value for name, value in CLAIM.to_json().items() if name in first}
    old |= {"v": 1, "rounding": 5}
    claim = claim_from_json(old)
    assert (claim.rounding, claim.format, claim.wide) == (Rounding(RoundingMethod.BASE, 5), Format.CSV, "")
    with pytest.raises(Invalid):
        claim_from_json(old | {"rounding": True})


def test_another_system_says_only_what_it_asked(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    file.write_bytes(b"PAR1")
    claim = claim_for_check({"sql": "SELECT 1"}, file, [("nafld", "1")])
    assert (claim.format, claim.datasets, claim.columns) == (Format.PARQUET, (("nafld", "1"),), ())
    assert claim.output_sha256 == hashlib.sha256(b"PAR1").hexdigest()
    rounded = claim_for_check({"sql": "SELECT 1", "rounding": {"method": "midpoint6"}}, file, [])
    assert rounded.rounding == Rounding(RoundingMethod.MIDPOINT6, 6)


@pytest.mark.parametrize(
    "body", [{}, [], {"sql": ""}, {"sql": "SELECT 1", "more": 1}, {"sql": "x", "columns": []}]
)
def test_a_foreign_claim_is_read_as_strictly(body: object, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b"n\n1\n")
    with pytest.raises(Invalid):
        claim_for_check(body, file, [])


def test_a_fraction_among_the_parameters_of_another_systems_claim(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("n\n1\n")
    body = {"sql": "SELECT 1", "parameters": {"least": 1.5, "most": 3, "name": "a"}}
    assert claim_for_check(body, file, [("data", "1")]).parameters == {"least": 1.5, "most": 3, "name": "a"}
    with pytest.raises(Invalid):
        claim_for_check({"sql": "SELECT 1", "parameters": {"least": float("nan")}}, file, [("data", "1")])
