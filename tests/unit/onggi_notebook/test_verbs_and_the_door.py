"""The verbs that need only the session API, over a real UNIX socket."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import onggi
from onggi.errors import OnggiError
from onggi.notebook.speech import Shown
from onggi.reasons import Reason
from tests.support.session_door import Door, session_door
from tests.support.small_dataset import write_small

ROOT = Path(__file__).parents[3]
REQUEST: dict[str, Any] = {
    "id": "r-0123456789abcdef",
    "version": 1,
    "state": "in_review",
    "purpose": "<b>Table 1</b>",
    "submitted": "2026-11-21T09:30:00.000Z",
    "outputs": [
        {
            "name": "a.csv",
            "state": "checked",
            "verdict": "block",
            "findings": [
                {"code": "threshold", "params": {"column": "n", "minimum": "10"}, "cell": {"sex": "F"}}
            ],
        }
    ],
}


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    write_small(tmp_path / "data" / "10", [(1, 1, "a", 1.0, True, None)], version="10", licence="CC<0>")
    known = {
        "name": "small-set",
        "titles": {"ko": "작은 것", "en": "Small"},
        "until": "2027-01-31T00:00:00.000Z",
    }
    datasets = [known | {"version": "10", "path": str(tmp_path / "data" / "10")}]
    monkeypatch.setenv("ONGGI_PROJECT_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with session_door(tmp_path, datasets) as opened:
        monkeypatch.setenv("ONGGI_SESSION_SOCKET", str(opened.socket))
        yield opened


def test_completion_and_help_know_the_verbs() -> None:
    assert set(onggi.__all__) <= set(dir(onggi))
    assert all(f"onggi.{verb}(" in (onggi.__doc__ or "") for verb in onggi.__all__ if verb != "__version__")


def test_the_library_starts_without_third_parties() -> None:
    script = (
        "import sys, onggi; onggi.datasets, onggi.read, onggi.table, onggi.submit\n"
        "print(sorted({'pandas', 'polars', 'dask', 'duckdb', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_every_verb_is_listed() -> None:
    assert sorted(onggi.__all__) == onggi.__all__
    assert all(callable(getattr(onggi, name)) for name in onggi.__all__ if not name.startswith("_"))


def test_datasets_show_terms_and_tables(door: Door) -> None:
    found = onggi.datasets()
    assert (len(found), found[0].name, found[0].tables) == (1, "small-set", {"things": 1})
    shown = repr(found)
    assert all(word in shown for word in ("Small", "2027-01-31", "SYNTHETIC", "CC<0>", "things"))
    marked = found._repr_html_()
    assert "CC&lt;0&gt;" in marked
    assert "CC<0>" not in marked


def test_no_dataset_is_said(door: Door) -> None:
    door.on("GET", "/v1/datasets", {"datasets": []})
    assert "administrator" in repr(onggi.datasets())


def test_the_language_is_the_sessions_or_the_settings(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.on("GET", "/v1/requests", {"error": {"reason": "session_ended", "params": {}}}, 403)
    with pytest.raises(OnggiError, match="This session has ended"):
        onggi.requests()
    monkeypatch.setenv("ONGGI_LANGUAGE", "ko")
    with pytest.raises(OnggiError, match="세션이 종료되었습니다") as caught:
        onggi.requests()
    assert caught.value.reason is Reason.SESSION_ENDED
    assert isinstance(caught.value, Shown)
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert "작은 것" in repr(onggi.datasets())


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (b"<html>", 500, Reason.SERVICE_ANSWER_UNREADABLE),
        (b"[]", 200, Reason.SERVICE_ANSWER_UNREADABLE),
        (b"not json", 200, Reason.SERVICE_ANSWER_UNREADABLE),
        (b'{"error":{"reason":"of tomorrow"}}', 422, Reason.SERVICE_ANSWER_UNREADABLE),
        (b'{"error":{"reason":"quota_exceeded","params":{"project":"p"}}}', 403, Reason.QUOTA_EXCEEDED),
        (b'{"requests":[{"id":"r"}]}', 200, Reason.SERVICE_ANSWER_UNREADABLE),
        (b'{"requests":["r"]}', 200, Reason.SERVICE_ANSWER_UNREADABLE),
    ],
)
def test_any_answer_ends_in_a_reason(door: Door, raw: bytes, status: int, reason: Reason) -> None:
    door.on_bytes("GET", "/v1/requests", raw, status)
    with pytest.raises(OnggiError) as caught:
        onggi.requests()
    assert caught.value.reason is reason


@pytest.mark.parametrize("datasets", [5, ["nafld"], [{"name": "nafld"}]])
def test_a_malformed_list_of_data_sets_ends_in_a_reason(door: Door, datasets: object) -> None:
    door.on("GET", "/v1/datasets", {"datasets": datasets})
    with pytest.raises(OnggiError) as caught:
        onggi.datasets()
    assert caught.value.reason is Reason.SERVICE_ANSWER_UNREADABLE


def test_a_silent_session_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONGGI_SESSION_SOCKET", str(tmp_path / "gone.sock"))
    monkeypatch.setenv("ONGGI_LANGUAGE", "en")
    with pytest.raises(OnggiError, match="does not answer") as caught:
        onggi.datasets()
    assert caught.value.reason is Reason.SERVICE_UNREACHABLE


def test_submit_names_files_below_the_project(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.on("POST", "/v1/requests", REQUEST)
    (tmp_path / "결과").mkdir()
    monkeypatch.chdir(tmp_path / "결과")
    request = onggi.submit(["표.csv", tmp_path / "b.png"], purpose="Table 1", context="first look")
    sent = {"paths": ["결과/표.csv", "b.png"], "purpose": "Table 1", "context": "first look"}
    assert door.asked[-1] == ("POST", "/v1/requests", sent)
    assert (request.id, request.state) == ("r-0123456789abcdef", "in_review")


def test_a_revision_says_of_which_request(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.on("POST", "/v1/requests", REQUEST)
    monkeypatch.chdir(tmp_path)
    onggi.submit("b.png", purpose="Table 1", revises="r-0123456789abcdef")
    assert door.asked[-1][2]["revises"] == "r-0123456789abcdef"


def test_a_request_says_where_and_what_to_do(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.on("GET", "/v1/requests", {"requests": [REQUEST]})
    shown = repr(onggi.requests())
    assert all(word in shown for word in ("in review", "Blocked", "[sex=F]", "fewer than 10", "HAVING"))
    assert "<b>Table 1</b>" not in onggi.requests()._repr_html_()
    monkeypatch.setenv("ONGGI_LANGUAGE", "ko")
    assert "검토 중" in repr(onggi.requests())


def test_a_remark_on_many_cells_is_made_once(door: Door) -> None:
    cells = [{"code": "row_duplicate", "params": {}, "cell": {"age": age}} for age in ("90", "91")]
    output = REQUEST["outputs"][0] | {"findings": cells}
    door.on("GET", "/v1/requests", {"requests": [REQUEST | {"outputs": [output]}]})
    shown = repr(onggi.requests())
    assert shown.count("more than once") == 1
    assert "[age=90; age=91]" in shown


def test_no_request_is_said(door: Door) -> None:
    door.on("GET", "/v1/requests", {"requests": []})
    assert "onggi.submit" in repr(onggi.requests())


@pytest.mark.parametrize(
    ("paths", "purpose", "reason"),
    [
        ([], "x", Reason.FIELD_MISSING),
        (["a.csv"], "  ", Reason.FIELD_MISSING),
        (["/etc/passwd"], "x", Reason.FILE_OUTSIDE_PROJECT),
        (["../other/a.csv"], "x", Reason.FILE_OUTSIDE_PROJECT),
    ],
)
def test_what_cannot_be_submitted_is_not_sent(
    door: Door, paths: list[str], purpose: str, reason: Reason
) -> None:
    with pytest.raises(OnggiError) as caught:
        onggi.submit(paths, purpose=purpose)
    assert caught.value.reason is reason
    assert all(method == "GET" for method, _, _ in door.asked)


def test_withdraw_quotes_the_id(door: Door) -> None:
    door.on("POST", "/v1/requests/r-1/withdraw", REQUEST | {"state": "withdrawn"})
    assert onggi.withdraw("r-1").state == "withdrawn"
    with pytest.raises(OnggiError):
        onggi.withdraw("../x?y")
    assert door.asked[-1][1] in {"/v1/requests/..%2Fx%3Fy/withdraw", "/v1/session"}


def test_the_budget_is_said(door: Door) -> None:
    door.on("GET", "/v1/budget", {"cell_bytes": 2**20, "session_bytes": 2**22, "session_bytes_used": 2**21})
    budget = onggi.budget()
    assert budget.session_bytes_left == 2**21
    assert "2.00 MiB of 4.00 MiB" in repr(budget)
