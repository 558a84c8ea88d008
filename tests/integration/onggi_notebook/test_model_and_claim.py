"""`onggi.model`: in compute's own environment it writes what the gate's environment computes again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from onggi.claim import claim_from_bytes
from onggi.manifest import read_manifest
from onggi.models.fit import fit
from onggi.table_form import csv_bytes, view_statements
from tests.support.compute import in_compute
from tests.support.session_door import Door, session_door
from tests.support.small_dataset import write_small

ROWS = [(n, n % 7, f"s{n % 3}", (n * 37 % 101) / 3, n % 2 == 0, None) for n in range(600)]
SQL = "SELECT visits, weight, name, (visits > 3)::INTEGER AS often FROM small_set.things"
CALLS = {
    "ols": ("weight ~ visits * C(name)", ""),
    "logit": ("often ~ weight + C(name)", ""),
    "poisson": ("visits ~ weight", ""),
    "cox": ("~ C(name)", ', time="weight", event="often"'),
    "kaplan_meier": ("~ name", ', time="weight", event="often"'),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data") / "small"
    write_small(place, ROWS, version="10")
    return place


@pytest.fixture
def door(data: Path, tmp_path: Path) -> Iterator[Door]:
    datasets: list[dict[str, Any]] = [
        {"name": "small-set", "version": "10", "titles": {}, "until": None, "path": str(data)}
    ]
    with session_door(tmp_path, datasets) as opened:
        yield opened


def test_both_environments_write_the_same_bytes(door: Door, data: Path, tmp_path: Path) -> None:
    calls = [
        f'onggi.model("{kind}", "{formula}", {SQL!r}, "{kind}.csv"{rest})'
        for kind, (formula, rest) in CALLS.items()
    ]
    shown = in_compute("\n".join([*calls, 'answer = "done"']), door.socket, tmp_path)
    assert shown == "done"
    for kind in CALLS:
        written = (tmp_path / f"{kind}.csv").read_bytes()
        claim = claim_from_bytes((tmp_path / f"{kind}.csv.claim.json").read_bytes())
        assert claim.output_sha256 == hashlib.sha256(written).hexdigest()
        assert claim.model is not None
        assert claim.model.kind.value == kind
        with duckdb.connect(config={"threads": 1}) as database:
            for statement in view_statements([(read_manifest(data), data)]):
                database.execute(statement)
            again = fit(claim.model, database.execute(claim.sql).df())
        assert written == csv_bytes(again.columns, again.rows)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('"forest", "y ~ x"', "model"),
        ('"ols", "weight ~ np.log(visits)"', "formula"),
        ('"ols", "weight ~ nothing"', "nothing"),
        ('"ols", "weight ~ name"', "C(name)"),
        ('"kaplan_meier", "often ~ name"', "formula"),
        ('"cox", "~ visits"', "time"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(door: Door, tmp_path: Path, call: str, said: str) -> None:
    script = f"""
try:
    onggi.model({call}, {SQL!r})
    answer = "fitted"
except Exception as error:
    answer = str(error)
"""
    assert said in in_compute(script, door.socket, tmp_path)
