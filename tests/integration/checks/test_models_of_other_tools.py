"""A model of another system: what its claim must say, rows as units, digits as statsmodels writes them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from onggi.claim import claim_for_check
from onggi.errors import Invalid
from onggi.models.fit import fit
from onggi.models.spec import ModelSpec, spec_defaults, spec_from_json
from onggi.table_form import csv_bytes
from tests.support.outside import checked, write_folder

SQL = "SELECT y, x, died, days FROM t"
OLS = {"kind": "ols", "formula": "y ~ x"}


def rows_of(count: int) -> list[dict[str, Any]]:
    made = random.Random(count)
    return [
        {
            "person": number,
            "y": made.gauss(3, 1),
            "x": made.gauss(0, 1),
            "died": int(made.random() < 0.5),
            "days": float(made.randint(1, 90)),
        }
        for number in range(count)
    ]


def spec_of(model: dict[str, Any]) -> ModelSpec:
    return spec_from_json({**spec_defaults(), **model})


def report(tmp_path: Path, model: dict[str, Any], count: int, *, digits: bool = False) -> OutputReport:
    rows = rows_of(count)
    folder = write_folder(tmp_path / "data", rows)
    fitted = fit(spec_of(model), pd.DataFrame(rows))
    body = csv_bytes(fitted.columns, fitted.rows)
    if digits:
        body = body.replace(b"_observations,60.0", b"_observations,60.000000001")
    return checked(folder, SQL, "acro-default", body, {"model": model})


@pytest.mark.parametrize(("count", "few"), [(11, True), (12, False), (60, False)])
def test_degrees_of_freedom_are_those_of_acro(count: int, few: bool, tmp_path: Path) -> None:
    """ACRO 1.0.2 fails a regression of fewer than ten: rows less columns, the intercept one of them."""
    codes = {one.code for one in report(tmp_path, OLS, count).findings}
    assert Code.RECOMPUTED in codes
    assert (Code.MODEL_DEGREES_OF_FREEDOM in codes) is few
    assert Code.THRESHOLD not in codes


@pytest.mark.parametrize(
    "model",
    [
        OLS,
        {"kind": "logit", "formula": "died ~ x"},
        {"kind": "cox", "formula": "~ x", "time": "days", "event": "died"},
        {"kind": "kaplan_meier", "time": "days", "event": "died"},
    ],
)
def test_what_a_kind_has_no_use_for_may_be_left_out(model: dict[str, Any], tmp_path: Path) -> None:
    found = report(tmp_path, model, 400)
    assert Code.RECOMPUTED in {one.code for one in found.findings}
    assert found.verdict in {Verdict.PASS, Verdict.REVIEW}


def test_more_digits_say_the_same(tmp_path: Path) -> None:
    assert report(tmp_path, OLS, 60, digits=True).verdict is Verdict.PASS


def test_an_unknown_key_of_a_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("")
    with pytest.raises(Invalid):
        claim_for_check({"sql": SQL, "model": {**OLS, "robust": True}}, file, [("data", "1")])
