import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.claim import MAX_CLAIM_BYTES, Claim, claim_file, claim_from_bytes, claim_from_json
from onggi.errors import Invalid

CLAIM = Claim(
    sql="SELECT sex, count(*) AS n FROM nafld.person WHERE bmi > $low GROUP BY sex",
    datasets=(("nafld", "1"),),
    columns=("sex", "n"),
    created="2026-11-21T09:30:00.000Z",
    output_sha256="0" * 64,
    parameters={"low": 0.1, "word": "가", "none": None, "whole": 3, "yes": True},
    rounding=5,
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
        ("v", 2),
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
        ("rounding", 0),
        ("rounding", True),
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
