"""`onggi.protect` from the notebook's call to the file that it writes, through the review service."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from egress_review.actions.protecting import MOST_AT_ONCE, MOST_PER_HOUR, Asked, Protector
from egress_review.actions.submitting import Announced, open_request
from egress_review.checks.findings import FindingCode
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.job import ProtectAnswer, ProtectJob
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.worker import check
from egress_review.people import Caller
from onggi import notebook
from onggi.claim import claim_file, claim_from_bytes
from onggi.errors import Conflict, NotFound, Unavailable
from tests.support import review
from tests.support.check_tables import Source, Vault, small_source
from tests.support.review_site import Everything, Site
from tests.support.session_door import session_door

KEY = "key-of-researcher1"
PERSONS = """
SELECT row_number() OVER () AS person_id, kind FROM (
  SELECT 'G' AS kind FROM range(3) UNION ALL SELECT 'N' FROM range(40) UNION ALL SELECT 'R' FROM range(50))
"""
SQL = "SELECT kind, count(DISTINCT person_id) AS n FROM person GROUP BY CUBE (kind)"
EMPTY = ProtectAnswer(safe=True, columns=["n"], rows=[], hidden=[], losses={}, findings=[])


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return small_source(tmp_path / "small", {"person": ("person_id BIGINT, kind VARCHAR", PERSONS)})


@pytest.fixture
def parts(tmp_path: Path, source: Source) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    desk.datasets["small", "1"] = {"path": str(source.folder), "manifest": {}}
    for project in desk.projects.values():
        project["grants"] = [{"dataset": "small", "version": "1", "until": None, "active": True}]
    return Site(tmp_path / "state", room), room, desk, clock


def caller(session: str = "s-1") -> Caller:
    return Caller(session, "researcher1", review.PROJECT)


def body(source: Source, **changed: Any) -> dict[str, Any]:
    return {"claim": source.table(SQL).claim, "way": "suppress"} | changed


@pytest.mark.sandbox
@pytest.mark.usefixtures("ordinary_user")
def test_a_notebook_protects_a_table_and_the_gate_agrees(
    parts: Everything, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, room, *_ = parts
    folder = tmp_path / "project"
    folder.mkdir()
    made = source.table(SQL)
    (folder / "t.csv").write_bytes(made.body)
    (folder / "t.csv.claim.json").write_text(json.dumps(made.claim))

    def forward(asked: Any) -> tuple[int, bytes]:
        answer = site.caller(KEY).post("/internal/protect", json=asked)
        return answer.status_code, answer.content

    # A socket's path must be short.
    with tempfile.TemporaryDirectory() as short, session_door(Path(short)) as door:
        door.answers["POST", "/v1/protect"] = forward
        monkeypatch.setenv("ONGGI_SESSION_SOCKET", str(door.socket))
        monkeypatch.setenv("ONGGI_LANGUAGE", "en")
        protected = notebook.protect(folder / "t.csv")
    assert protected.safe
    assert protected.file is not None
    assert protected.file == folder / "t-protected.csv"
    assert (folder / "t-protected.csv").read_text() == "kind,n\nG,*\nN,*\nR,50\n,93\n"
    assert "1 are hidden for themselves and 1 to protect those" in repr(protected)
    assert not any(one in repr(protected) for one in ("3 persons", "43"))
    last = room.store.last_events("review", 1)[0]
    assert (last.action, last.subject, last.details["way"]) == (
        "table.protect",
        review.RESEARCHER.session_id,
        "suppress",
    )

    claim = claim_from_bytes(Path(claim_file(str(protected.file))).read_bytes())
    vault = Vault(tmp_path)
    output = vault.keep(protected.file.read_bytes(), "t.csv", claim.to_json())
    with tempfile.TemporaryDirectory() as scratch:
        order = Order(
            "t.csv", output.sha256, output.path, scratch, output.claim, (source.granted,), vault.policy
        )
        report = check(order)
    codes = {one.code for one in report.findings}
    assert FindingCode.RECOMPUTED in codes
    assert not codes & {FindingCode.CELL_RECOVERABLE, FindingCode.THRESHOLD, FindingCode.ATTACK_OVER_BUDGET}


@pytest.mark.parametrize("key", [None, "key-of-nobody"])
def test_only_a_session_may_ask(parts: Everything, source: Source, key: str | None) -> None:
    answer = parts[0].caller(key).post("/internal/protect", json=body(source))
    assert answer.status_code in {401, 403}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"way": "hide"}, "way"),
        ({"base": 1}, "base"),
        ({"base": 10**9}, "base"),
        ({"base": True}, "base"),
        ({"profile": "mine"}, "profile"),
        ({"claim": "SELECT 1"}, "claim"),
        ({"claim": {"sql": "x" * 300_000}}, "claim"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_asked_must_make_sense(
    parts: Everything, source: Source, changed: dict[str, Any], field: str
) -> None:
    answer = parts[0].caller(KEY).post("/internal/protect", json=body(source, **changed))
    assert answer.status_code == 422
    assert answer.json()["error"]["params"]["field"] == field


def protector(parts: Everything, run: Any) -> Protector:
    return Protector(parts[1], run, CheckPolicy())


def test_one_table_at_a_time(parts: Everything, source: Source) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(job: ProtectJob) -> ProtectAnswer:
        started.set()
        assert go.wait(10)
        return EMPTY

    busy = protector(parts, slow)
    asked = Asked(source.table(SQL).claim, "suppress")
    first = threading.Thread(target=busy.protect, args=(caller(), asked))
    first.start()
    assert started.wait(10)
    with pytest.raises(Conflict):
        busy.protect(caller(), asked)
    go.set()
    first.join()
    assert busy.protect(caller(), asked)["safe"]


def test_sessions_never_take_the_places_of_reviewers(parts: Everything, source: Source) -> None:
    claim, go, started = source.table(SQL).claim, threading.Event(), threading.Semaphore(0)
    request = open_request(parts[1], caller(), "p", "", [Announced("a.csv", 3, None, claim)])

    def slow(job: ProtectJob) -> ProtectAnswer:
        started.release()
        assert go.wait(10)
        return EMPTY

    busy = protector(parts, slow)
    everybody = [Caller(f"s-{at}", f"researcher{at}", review.PROJECT) for at in range(MOST_AT_ONCE)]
    threads = [threading.Thread(target=busy.protect, args=(one, Asked(claim, "round"))) for one in everybody]
    threads.append(threading.Thread(target=busy.propose, args=("reviewer1", request, 1, "round")))
    for one in threads:
        one.start()
    assert all(started.acquire(timeout=10) for _ in threads)
    with pytest.raises(Conflict):
        busy.protect(Caller("s-9", "researcher9", review.PROJECT), Asked(claim, "round"))
    go.set()
    for one in threads:
        one.join()


def test_an_answer_hangs_on_the_claim_and_the_data_alone(source: Source) -> None:
    """Nothing that another project did can change it: no ledger, no request, no store is in the order."""
    fields = {one.name for one in dataclasses.fields(ProtectJob)}
    assert fields == {"claim", "datasets", "policy", "way", "base", "scratch"}


def test_not_too_often(parts: Everything, source: Source) -> None:
    often = protector(parts, lambda _: EMPTY)
    asked = Asked(source.table(SQL).claim, "round")
    for _ in range(MOST_PER_HOUR):
        often.protect(caller(), asked)
    for session in ("s-1", "s-2"):
        with pytest.raises(Unavailable):
            often.protect(caller(session), asked)
    assert often.protect(Caller("s-3", "researcher2", review.PROJECT), asked)["safe"]


def test_only_granted_data_are_read(parts: Everything, source: Source) -> None:
    jobs: list[ProtectJob] = []

    def keep(job: ProtectJob) -> ProtectAnswer:
        jobs.append(job)
        return EMPTY

    desk = parts[2]
    for project in desk.projects.values():
        project["grants"][0]["active"] = False
    protector(parts, keep).protect(caller(), Asked(source.table(SQL).claim, "merge"))
    assert jobs[0].datasets == ()


def test_a_reviewer_gets_a_proposal_for_an_output(parts: Everything, source: Source) -> None:
    room = parts[1]
    claim = source.table(SQL).claim
    announced = [Announced("a.csv", 3, None, claim), Announced("b.txt", 3)]
    request = open_request(room, caller(), "p", "", announced)
    jobs: list[ProtectJob] = []

    def keep(job: ProtectJob) -> ProtectAnswer:
        jobs.append(job)
        return EMPTY

    made = protector(parts, keep)
    assert made.propose("reviewer1", request, 1, "suppress")["safe"]
    assert jobs[0].claim == claim
    last = room.store.last_events("review", 1)[0]
    assert (last.actor, last.action, last.subject) == ("reviewer1", "table.protect", f"{request.id}/1")
    for number in (2, 3):
        with pytest.raises(NotFound):
            made.propose("reviewer1", request, number, "suppress")


def test_a_box_that_says_nothing_is_a_finding(parts: Everything, source: Source) -> None:
    def silent(job: ProtectJob) -> ProtectAnswer:
        raise CheckStopped(FindingCode.TIME_LIMIT)

    said = protector(parts, silent).protect(caller(), Asked(source.table(SQL).claim, "suppress"))
    assert said["stopped"]["code"] == "time_limit"
