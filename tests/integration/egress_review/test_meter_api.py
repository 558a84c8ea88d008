"""The doors of the display meter: who gets in, what is believed, and what a killed process cannot refresh."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from egress_review.audit.sql import SqlEventLog
from egress_review.meter import policies
from egress_review.meter.domain import Piece
from egress_review.meter.recording import digest_of
from egress_review.meter.sql import SqlMeterStore
from egress_review.store.engine import open_engine
from egress_review.store.migrate import upgrade
from tests.support import meter, review
from tests.support.review_site import Site
from tests.support.source_tree import ROOT

BASE = "/internal/display"
SESSION_DOORS = [
    ("POST", "lease"),
    ("POST", "return"),
    ("POST", "record"),
    ("POST", "records"),
    ("GET", "policy"),
]
DESK_DOORS = [
    ("GET", "profiles"),
    ("POST", "check"),
    ("GET", "projects/liver-study/policy"),
    ("PUT", "projects/liver-study/policy"),
    ("GET", "projects/liver-study/sessions"),
    ("GET", "budgets"),
    ("POST", "lifts"),
    ("GET", f"sessions/{review.RESEARCHER.session_id}"),
    ("POST", f"showings/{'0' * 32}"),
    ("GET", "unusual"),
]
BROKER_DOORS = [("POST", "leftover"), ("POST", "unspent")]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    room, _desk, _clock = review.room_of(tmp_path)
    return Site(tmp_path, room)


def ask(site: Site, token: str | None, method: str, path: str, body: Any = None) -> Any:
    caller = site.caller(token)
    return caller.request(method, f"{BASE}/{path}", json=None if method == "GET" else body or {})


@pytest.mark.parametrize(("method", "path"), [*SESSION_DOORS, *DESK_DOORS, *BROKER_DOORS])
def test_each_door_has_one_key(site: Site, method: str, path: str) -> None:
    desk = (method, path) in DESK_DOORS
    session = (method, path) in SESSION_DOORS
    keys = {
        None: False,
        "wrong": False,
        "key-of-researcher1": session,
        site.tokens["desk"]: desk,
        site.tokens["hub"]: False,
        site.tokens["review"]: False,
        site.tokens["broker"]: (method, path) in BROKER_DOORS,
    }
    for key, fits in keys.items():
        assert (ask(site, key, method, path).status_code != 403) is fits, key


def test_whom_a_session_speaks_for_comes_from_its_key(site: Site) -> None:
    body = {"id": meter.new_id(), "output": 1000, "page": 1000}
    for extra in ({"member": "researcher2"}, {"project": "heart-study"}, {"day": "2026-01-01"}):
        assert ask(site, "key-of-researcher1", "POST", "lease", body | extra).status_code == 422
    answer = ask(site, "key-of-researcher1", "POST", "lease", body).json()
    assert answer["policy"]["label"] == "standard-1@0"
    assert (answer["output"], answer["day"]["lent"]) == (1000, 1000)
    (use,) = site.parts.meter.store.days("2026-01-01")
    assert (use.project, use.member) == ("liver-study", "researcher1")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "short", "output": 1},
        {"id": "0" * 32, "output": -1},
        {"id": "0" * 32, "output": 1.5},
        {"id": "0" * 32, "output": "1"},
        {"id": "0" * 32, "output": 10**400},
        {"id": "../../x" + "0" * 25, "output": 1},
        {"output": 1},
        [],
    ],
)
def test_a_malformed_lease_lends_nothing(site: Site, body: Any) -> None:
    assert site.caller("key-of-researcher1").post(f"{BASE}/lease", json=body).status_code == 422
    assert [one for one in site.parts.meter.store.days("2026-01-01") if one.lent.output] == []


def sent(*pieces: Piece, **changes: Any) -> dict[str, Any]:
    code = "print(1)"
    body = {
        "id": meter.new_id(),
        "at": "2026-11-21T09:00:00.000Z",
        "kind": "cell",
        "subject": "m-1",
        "number": 1,
        "code": code,
        "code_sha256": hashlib.sha256(code.encode()).hexdigest(),
        "sizes": {one.mime: len(one.content) for one in pieces},
        "cuts": 0,
        "sha256": digest_of(pieces),
        "verdict": "shown",
        "policy": "standard-1@0",
        "pieces": [[one.mime, one.content] for one in pieces],
    }
    return body | changes


def test_contents_that_are_not_what_was_announced_are_not_kept(site: Site) -> None:
    body = sent(Piece("text/plain", "a"))
    answer = ask(site, "key-of-researcher1", "POST", "record", body | {"pieces": [["text/plain", "b"]]})
    assert answer.status_code == 422
    assert ask(site, "key-of-researcher1", "POST", "record", body).json() == {"kept": True}
    told = ask(site, site.tokens["desk"], "POST", f"showings/{body['id']}", {"actor": "auditor1"}).json()
    assert (told["code"], told["pieces"]) == ("print(1)", [{"mime": "text/plain", "content": "a"}])
    other = body | {"id": meter.new_id(), "code": "print(2)"}
    ask(site, "key-of-researcher1", "POST", "record", other)
    told = ask(site, site.tokens["desk"], "POST", f"showings/{other['id']}", {"actor": "auditor1"}).json()
    assert told["code"] == ""  # it is not the code that was announced


def test_several_records_are_kept_together_or_not_at_all(site: Site) -> None:
    first, second = sent(Piece("text/plain", "a")), sent(Piece("text/plain", "b"))
    wrong = second | {"pieces": [["text/plain", "c"]]}
    answer = ask(site, "key-of-researcher1", "POST", "records", {"showings": [first, wrong]})
    assert answer.status_code == 422
    told = ask(site, site.tokens["desk"], "POST", f"showings/{first['id']}", {"actor": "auditor1"})
    assert told.status_code == 404
    answer = ask(site, "key-of-researcher1", "POST", "records", {"showings": [first, second]})
    assert answer.json() == {"kept": [True, True]}
    for one, text in ((first, "a"), (second, "b")):
        told = ask(site, site.tokens["desk"], "POST", f"showings/{one['id']}", {"actor": "auditor1"}).json()
        assert told["pieces"] == [{"mime": "text/plain", "content": text}]
    assert ask(site, "key-of-researcher1", "POST", "records", {"showings": []}).status_code == 422


@pytest.mark.parametrize("field", ["id", "at", "kind", "verdict", "sha256", "sizes", "pieces", "number"])
def test_a_malformed_record_is_refused(site: Site, field: str) -> None:
    for wrong in ("../x", None, -1, {"a": "b"}, [["text/plain"]]):
        if field in {"pieces", "number"} and wrong is None:
            continue  # may be missing
        body = sent(Piece("text/plain", "a"), **{field: wrong})
        assert ask(site, "key-of-researcher1", "POST", "record", body).status_code == 422, wrong
    assert list((site.settings.shown).rglob("*.json")) == []


def test_what_a_dead_session_had_shown_comes_from_the_broker_and_is_an_event(site: Site) -> None:
    who = {"session": review.RESEARCHER.session_id, "member": "researcher1", "project": "liver-study"}
    whole, torn = sent(Piece("text/plain", "a")), sent(Piece("text/plain", "a"))
    end = {name: whole.pop(name) for name in ("sizes", "cuts", "sha256", "verdict")}
    for name in end:
        torn.pop(name)
    for body, known in ((whole, end), (torn, None), (torn, None)):
        answer = ask(site, site.tokens["broker"], "POST", "leftover", {**who, **body, "end": known})
        assert answer.json() == {"kept": True}
    events = [one for one in site.parts.meter.store.events if one.action == "display.leftover"]  # type: ignore[attr-defined]
    assert [one.subject for one in events] == [whole["id"], torn["id"]]
    assert {one.details["shown_sha256"] for one in events} == {end["sha256"]}


def test_a_policy_of_a_project_reaches_its_session_and_names_wrong_fields(site: Site) -> None:
    body = {"actor": "admin", "text": "based_on: strict\nversion: x-1\ncells: 3", "reason": "r"}
    refused = ask(site, site.tokens["desk"], "PUT", "projects/liver-study/policy", body)
    assert refused.status_code == 422
    assert "cells" in refused.json()["error"]["params"]["key"]
    body["text"] = "based_on: strict\nversion: x-1\n"
    assert ask(site, site.tokens["desk"], "PUT", "projects/liver-study/policy", body).status_code == 200
    told = ask(site, "key-of-researcher1", "GET", "policy").json()
    assert (told["label"], told["document"]["day_bytes"]) == ("x-1@1", 12 * meter.MIB)
    assert ask(site, "key-of-researcher1", "GET", "policy?known=x-1@1").json()["document"] is None
    assert ask(site, "key-of-researcher2", "GET", "policy").json()["label"] == "standard-1@0"


LENDER = """
import secrets, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from egress_review.audit.sql import SqlEventLog
from egress_review.meter import leasing
from egress_review.meter.domain import Amounts
from egress_review.meter.folder import ShownFolder
from egress_review.meter.room import MeterRoom
from egress_review.meter.sql import SqlMeterStore
from egress_review.people import Caller
from egress_review.store.engine import open_engine
from onggi.clock import SystemClock
folder = Path(sys.argv[1])
store = SqlMeterStore(open_engine(f"sqlite:///{folder / 'review.sqlite'}"), SqlEventLog())
room = MeterRoom(store, ShownFolder(folder / "shown"), SystemClock(), ZoneInfo("UTC"), "standard")
caller = Caller("s-0000000000000001", "researcher1", "liver-study")
while True:
    lent = leasing.lend(room, caller, secrets.token_hex(16), Amounts(output=7)).lease.lent.output
    print(lent, flush=True)
"""


@pytest.mark.slow
def test_a_killed_review_never_lends_a_byte_twice(tmp_path: Path) -> None:
    """Whatever was answered before each SIGKILL is in the day; the day never passes its limit."""
    engine = open_engine(f"sqlite:///{tmp_path / 'review.sqlite'}")
    upgrade(engine)
    room, _clock = meter.meter_of(tmp_path, SqlMeterStore(engine, SqlEventLog()))
    policies.set_policy(room, "admin", "liver-study", meter.SMALL, "a small day")
    answered = 0
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", LENDER, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.02 * turn)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        answered += sum(int(one) for one in (first, *rest) if one.strip().isdigit())
    lent = sum(one.lent.output for one in room.store.days("2026-01-01"))
    assert answered <= lent <= 1000
    engine.dispose()
