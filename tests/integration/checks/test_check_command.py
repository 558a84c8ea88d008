"""`onggi check` as another system calls it: through the command line, in the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.outside import write_folder
from tests.support.small_dataset import write_small

SQL = "SELECT ward, COUNT(*) AS n, AVG(cost) AS mean_cost FROM visits GROUP BY ward"
GOOD = "ward,n,mean_cost\nA,50,13.0\nB,50,14.0\n"
SMALL = "ward,n,mean_cost\nA,50,13.0\nB,50,14.0\nC,3,7.0\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    rows = [
        {"person": 2 * at + ward, "ward": "AB"[ward], "cost": 12.0 + ward + at % 2 * 2, "rare": at == 0}
        for ward in (0, 1)
        for at in range(50)
    ]
    write_folder(tmp_path / "data", rows, "visits", {"unit_column": "person"})
    few = [{"person": 900 + at, "ward": "C", "cost": 6.0 + at, "rare": False} for at in range(3)]
    write_folder(tmp_path / "more", [*rows, *few], "visits", {"unit_column": "person"})
    write_folder(tmp_path / "unnamed", rows, "visits")
    write_folder(tmp_path / "null", rows, "visits", {"unit_column": None})
    (tmp_path / "claim.json").write_text(json.dumps({"sql": SQL}))
    (tmp_path / "table.csv").write_text(GOOD)
    return tmp_path


def onggi(place: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", *arguments], capture_output=True, text=True, check=False, cwd=place
    )
    return done.returncode, done.stdout, done.stderr


def check(place: Path, profile: str = "sdap", data: str = "data", *more: str) -> tuple[int, dict[str, Any]]:
    status, out, err = onggi(
        place,
        "check",
        "table.csv",
        "--claim",
        "claim.json",
        "--data",
        data,
        "--profile",
        profile,
        "--json",
        *more,
    )
    return status, json.loads(out) if out.startswith("{") else {"said": out + err}


def test_a_true_and_safe_table_passes(place: Path) -> None:
    status, said = check(place)
    assert (status, said["verdict"]) == (0, "pass")
    first = said["cells"][0]
    assert first["key"] == {"ward": "A"}
    assert (first["measure"], first["value"], first["persons"], first["rows"]) == ("count(*)", 50, 50, 50)
    assert {one["measure"] for one in said["cells"]} == {"count(*)", "mean(cost)"}
    assert said["policy"] == {"profile": "sdap", "version": "1", "unit": "person"}
    assert said["engine"].startswith("duckdb")
    assert [one["code"] for one in said["findings"]] == ["recomputed"]


def test_dask_in_the_box_says_the_same(place: Path) -> None:
    (place / "table.csv").write_text(SMALL)
    status, said = check(place, "sdap", "more", "--engine", "dask", "--workers", "2")
    assert said.pop("engine").endswith(" on dask x 2")
    alone = check(place, "sdap", "more")
    alone[1].pop("engine")
    assert (status, said) == alone


def test_a_small_cell_is_blocked_and_named(place: Path) -> None:
    (place / "table.csv").write_text(SMALL)
    status, said = check(place, data="more")
    assert (status, said["verdict"]) == (2, "block")
    flagged = {one["measure"]: one["findings"] for one in said["cells"] if one["findings"]}
    assert flagged["count(*)"] == ["threshold"]
    assert "threshold" in flagged["mean(cost)"]


def test_what_people_have_to_look_at_is_status_1(place: Path) -> None:
    """The condition leaves one person of each ward out."""
    sql = "SELECT ward, COUNT(*) AS n FROM visits WHERE NOT rare GROUP BY ward"
    (place / "claim.json").write_text(json.dumps({"sql": sql}))
    (place / "table.csv").write_text("ward,n\nA,49\nB,49\n")
    status, said = check(place)
    assert (status, said["verdict"]) == (1, "review")
    assert {one["code"] for one in said["findings"]} == {"recomputed", "left_out_small"}


def test_a_table_that_cannot_be_proven_is_status_3(place: Path) -> None:
    (place / "claim.json").write_text(
        json.dumps({"sql": "SELECT ward, LIST(cost) AS n FROM visits GROUP BY ward"})
    )
    status, said = check(place)
    assert (status, said["verdict"]) == (3, "not_proven")


def test_a_query_without_end_is_stopped(place: Path) -> None:
    joins = " ".join(f"JOIN visits AS v{at} ON v{at}.ward = visits.ward" for at in range(6))
    (place / "claim.json").write_text(
        json.dumps({"sql": f"SELECT visits.ward, COUNT(*) AS n FROM visits {joins} GROUP BY ALL"})
    )
    (place / "table.csv").write_text("ward,n\nA,1\n")
    status, said = check(place, "sdap", "data", "--time", "5")
    assert status == 3
    assert {one["code"] for one in said["findings"]} & {"time_limit", "memory_limit"}


JOINED = "FROM visits JOIN visits AS other ON other.ward = visits.ward"
HOSTILE = {
    "groups without number": (
        f"SELECT visits.cost * 1000 + other.cost AS k, COUNT(*) AS n {JOINED} GROUP BY k",
        {"memory_limit", "time_limit"},
    ),
    "a middle of too much": (
        f"SELECT visits.ward, MEDIAN(visits.cost + other.cost) AS n {JOINED} GROUP BY visits.ward",
        {"memory_limit", "time_limit"},
    ),
    "10,000 columns": (f"SELECT ward, {', '.join(['COUNT(*)'] * 10_000)} FROM visits", {"sql_too_large"}),
    "3,000 brackets": (f"SELECT SUM({'(' * 3000}cost{')' * 3000}) AS n FROM visits", {"sql_too_large"}),
    "a subquery in a CASE": (
        "SELECT SUM(CASE WHEN cost > (SELECT MAX(cost) FROM visits) THEN 1 ELSE 0 END) AS n FROM visits",
        {"subquery_hidden"},
    ),
}


@pytest.mark.parametrize("engine", ["duckdb", "dask"])
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_sql_ends_with_a_code(what: str, engine: str, place: Path) -> None:
    sql, expected = HOSTILE[what]
    many = [{"person": at, "ward": "A", "cost": at / 7} for at in range(20_000)]
    write_folder(place / "many", many, "visits", {"unit_column": "person"})
    (place / "claim.json").write_text(json.dumps({"sql": sql}))
    (place / "table.csv").write_text("k,n\nA,1\n")
    options = ["--time", "40", "--memory", "768", "--engine", engine]
    status, said = check(place, "sdap", "many", *options)
    assert {one["code"] for one in said["findings"]} <= expected
    assert (status, said["verdict"], said["cells"]) == (3, "not_proven", [])


def test_a_file_of_10000_columns_is_not_read(place: Path) -> None:
    names = ",".join(f"n{at}" for at in range(10_000))
    (place / "table.csv").write_text(f"ward,{names}\nA{',50' * 10_000}\n")
    status, said = check(place)
    assert (status, [one["code"] for one in said["findings"]]) == (3, ["csv_unreadable"])


@pytest.mark.parametrize(
    "option", [("--time", "0"), ("--memory", "1"), ("--workers", "0"), ("--engine", "spark")]
)
def test_options_that_make_no_sense_are_bad_usage(option: tuple[str, str], place: Path) -> None:
    assert check(place, "sdap", "data", *option)[0] == 64


@pytest.mark.parametrize(
    ("profile", "data"),
    [
        ("no-such", "data"),
        ("kr-template", "data"),
        ("sdap", "unnamed"),
        ("sdap", "null"),
        ("sdap", "nowhere"),
    ],
)
def test_bad_usage_is_status_64(profile: str, data: str, place: Path) -> None:
    status, said = check(place, profile, data)
    assert status == 64
    assert said["said"].strip()


@pytest.mark.parametrize("claim", ["", "[]", "{}", '{"sql": 3}', '{"sql": "SELECT 1", "unknown": 1}'])
def test_a_claim_that_is_none_is_bad_usage(claim: str, place: Path) -> None:
    (place / "claim.json").write_text(claim)
    assert check(place)[0] == 64


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"title": "x"}, '"title"'),
        ({"wide": 3}, '"wide"'),
        ({"rounding": "5"}, '"rounding"'),
        ({"suppressed": "*"}, '"suppressed"'),
        ({"nulls": "drop"}, "drop"),
        ({"model": {"kind": "glm"}}, "glm"),
        ({"sql": " "}, '"sql"'),
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_bad_usage_names_the_key_of_the_claim(
    more: dict[str, object], named: str, language: str, place: Path
) -> None:
    (place / "claim.json").write_text(json.dumps({"sql": "SELECT 1", **more}))
    said = ("table.csv", "--claim", "claim.json", "--data", "data", "--profile", "sdap")
    status, _, error = onggi(place, "--language", language, "check", *said)
    assert status == 64
    assert named in error
    assert "docs/how-to/check-from-outside.md" in error


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        ({"unit_column": "person", "unit": "person"}, '"unit"'),
        ({"unit_column": ["person"]}, '"unit_column"'),
        ({"unit_column": "person", "tables": {"visits": 3}}, '"tables"'),
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_manifest_that_is_none_is_bad_usage(
    manifest: dict[str, object], named: str, language: str, place: Path
) -> None:
    (place / "data" / "manifest.json").write_text(json.dumps(manifest))
    said = ("table.csv", "--claim", "claim.json", "--data", "data", "--profile", "sdap", "--json")
    status, out, error = onggi(place, "--language", language, "check", *said)
    assert (status, out) == (64, "")
    assert named in error


@pytest.mark.parametrize(
    "manifest",
    [{"unit_column": "nobody"}, {"unit_column": "person", "tables": {"visits": "none.parquet"}}],
)
def test_data_that_are_not_as_their_manifest_says_prove_nothing(
    manifest: dict[str, object], place: Path
) -> None:
    (place / "data" / "manifest.json").write_text(json.dumps(manifest))
    status, said = check(place)
    assert (status, [one["code"] for one in said["findings"]]) == (3, ["dataset_unreadable"])


def test_a_registered_data_set_without_one_of_its_files_proves_nothing(place: Path) -> None:
    """Its manifest is another form than the small one, and in order."""
    write_small(place / "registered", [(at, 1, "A", 1.0, True, None) for at in range(60)])
    next((place / "registered").rglob("*.parquet")).unlink()
    status, said = check(place, "sdap", "registered")
    assert (status, [one["code"] for one in said["findings"]]) == (3, ["dataset_unreadable"])


def test_missing_arguments_and_files_are_bad_usage(place: Path) -> None:
    assert onggi(place, "check")[0] == 64
    assert (
        onggi(place, "check", "none.csv", "--claim", "claim.json", "--data", "data", "--profile", "sdap")[0]
        == 64
    )


@pytest.mark.parametrize("data", ["unnamed", "null"])
def test_a_profile_of_rows_needs_no_unit(place: Path, data: str) -> None:
    status, said = check(place, "acro-default", data)
    assert (status, said["cells"][0]["persons"], said["cells"][0]["rows"]) == (0, None, 50)


@pytest.mark.parametrize(("language", "word"), [("en", "Passed"), ("ko", "통과")])
def test_people_read_a_table_in_their_language(language: str, word: str, place: Path) -> None:
    status, out, _ = onggi(
        place,
        "--language",
        language,
        "check",
        "table.csv",
        "--claim",
        "claim.json",
        "--data",
        "data",
        "--profile",
        "sdap",
    )
    assert status == 0
    assert word in out
