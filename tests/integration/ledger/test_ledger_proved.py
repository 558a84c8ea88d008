"""What was done to the ledger is found, and it is made again from the claims; a kill loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from egress_review.actions import releasing
from egress_review.audit.sql import SqlAuditLog
from egress_review.domain import State
from egress_review.granted import dataset_folder
from egress_review.ledger.proving import Logged, Proof, Said, logged, rebuild, verify
from egress_review.store.engine import open_engine, reading
from onggi.clock import SystemClock
from onggi.events import event_from_json
from tests.support.check_tables import Source, small_source
from tests.support.ledger import Office, office_over

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() == 0, reason="a box started by root is no wall; run as an ordinary user"),
]
PEOPLE = "SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex FROM range(1, 601) AS r(n)"
BY_SEX = "SELECT sex, count(DISTINCT person_id) AS persons FROM small.person GROUP BY sex"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("data") / "small"
    return small_source(folder, {"person": ("person_id BIGINT, sex VARCHAR", PEOPLE)})


@pytest.fixture(scope="module")
def released(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of an egress review that has released a table."""
    state = tmp_path_factory.mktemp("released")
    office_over(state, source).released({"table.csv": source.table(BY_SEX)})
    return state


@pytest.fixture
def office(source: Source, released: Path, tmp_path: Path) -> Office:
    """A copy of it."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return office_over(tmp_path, source)


def log_of(office: Office) -> Logged:
    engine = open_engine(office.parts.settings.database)
    with reading(engine) as connection:
        events = SqlAuditLog(connection).events()
        found = logged((one.index, event_from_json(json.loads(one.body))) for one in events)
    engine.dispose()
    return found


def verified(office: Office) -> list[Proof]:
    return [one.proof for one in verify(office.room.store, office.room.ledger.blobs, log_of(office))]


def rebuilt(office: Office) -> list[Said]:
    room = office.room
    folder = dataset_folder(room.people)
    return list(rebuild(room.store, room.ledger, log_of(office), folder, SystemClock()))


def sql(office: Office, *statements: str) -> None:
    """As somebody who owns the database."""
    engine = open_engine(office.parts.settings.database)
    with engine.begin() as connection:
        for table in ("ledger_entries", "ledger_datasets"):
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_ledger_that_nobody_touched_holds(office: Office) -> None:
    assert verified(office) == []
    assert [one.proof for one in rebuilt(office)] == [Proof.ENTRY_SAME]


def test_a_removed_entry_is_missed_and_put_back_from_its_claim(office: Office) -> None:
    (before,) = office.room.store.ledger.entries()
    sql(office, "DELETE FROM ledger_datasets", "DELETE FROM ledger_entries")
    assert verified(office) == [Proof.ENTRY_MISSING]
    assert [one.proof for one in rebuilt(office)] == [Proof.ENTRY_RESTORED]
    assert list(office.room.store.ledger.entries()) == [before]
    assert verified(office) == []


def test_a_changed_entry_is_found(office: Office) -> None:
    sql(office, "UPDATE ledger_entries SET content = replace(content, '300', '299')")
    assert verified(office) == [Proof.ENTRY_CHANGED]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET sets = NULL",
        'UPDATE ledger_entries SET question = replace(question, \'"hidden":[]\', \'"hidden":[[["F"],[0]]]\')',
        "UPDATE ledger_entries SET question = replace(question, 'small.person', 'small.other')",
        "UPDATE ledger_datasets SET dataset = 'another'",
        "UPDATE ledger_datasets SET version = '2'",
        "DELETE FROM ledger_datasets",
        "INSERT INTO ledger_datasets SELECT 'more', position, version FROM ledger_datasets",
    ],
)
def test_what_a_comparison_looks_up_is_proved_too(office: Office, statement: str) -> None:
    """Without its row in the index an entry is whole, and is never compared with anything."""
    sql(office, statement)
    assert verified(office) == [Proof.ENTRY_CHANGED]


def test_rebuilding_does_not_call_a_changed_entry_the_same(office: Office) -> None:
    sql(office, "DELETE FROM ledger_datasets")
    assert [one.proof for one in rebuilt(office)] == [Proof.ENTRY_CHANGED]


def test_an_entry_that_was_put_in_is_found(office: Office) -> None:
    put_in = "SELECT 99, release, 2, sets, replace(content, '\"output\":1', '\"output\":2'), question"
    sql(office, f"INSERT INTO ledger_entries {put_in} FROM ledger_entries")
    assert verified(office) == [Proof.ENTRY_ADDED]


@pytest.mark.parametrize("removed", [True, False])
def test_sets_that_are_gone_or_changed_are_found_and_made_again(office: Office, *, removed: bool) -> None:
    (entry,) = office.room.store.ledger.entries()
    path = office.room.ledger.blobs.path(entry.sets or "")
    before = path.read_bytes()
    path.unlink()
    if not removed:
        path.write_bytes(b"other")
    assert verified(office) == [Proof.SETS_CHANGED]
    assert [one.proof for one in rebuilt(office)] == [Proof.ENTRY_SAME]
    assert path.read_bytes() == before


def test_a_release_from_before_the_ledger_is_entered(office: Office) -> None:
    """Its event is not in the log, so it is no tampering; its claim is still there."""
    log = log_of(office)
    sql(office, "DELETE FROM ledger_datasets", "DELETE FROM ledger_entries")
    without = Logged({}, log.released)
    store, room = office.room.store, office.room
    assert [one.proof for one in verify(store, room.ledger.blobs, without)] == [Proof.RELEASE_NOT_ENTERED]
    folder = dataset_folder(room.people)
    (said,) = rebuild(store, room.ledger, without, folder, SystemClock())
    assert said.proof is Proof.ENTRY_MADE
    assert len(list(store.ledger.entries())) == 1


def test_the_command_shows_and_verifies(office: Office) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "egress_review.ledger.cli", *arguments, "--state", str(office.state)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment
        )

    (entry,) = office.room.store.ledger.entries()
    assert f"{entry.release} №1\tliver-study\tsmall 1\t2" in run("show").stdout
    assert "sex = F\tpersons\t300\t300" in run("show", str(entry.position)).stdout
    assert run("show", "7777").returncode == 64
    good = run("verify")
    assert (good.returncode, good.stderr) == (0, "")
    sql(office, "UPDATE ledger_entries SET content = replace(content, '300', '299')")
    bad = run("verify")
    assert bad.returncode == 1
    assert entry.release in bad.stdout


CHILD = """
import sys
from pathlib import Path
from egress_review.actions import releasing
from tests.support.check_tables import Source
from tests.support.ledger import office_over
office = office_over(Path(sys.argv[1]), Source(Path(sys.argv[2])))
print("ready", flush=True)
releasing.release(office.room, sys.argv[3])
print("released", flush=True)
"""


@pytest.mark.parametrize("after_s", [0.0, 0.4, 0.8, 1.2, 1.6])
def test_a_kill_between_any_two_steps_of_a_release_loses_nothing(
    source: Source, tmp_path: Path, after_s: float
) -> None:
    office = office_over(tmp_path, source)
    request = office.approved(office.checked({"table.csv": source.table(BY_SEX)}))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), str(source.folder), request.id],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait()
    again = office_over(tmp_path, source)
    released = again.room.store.request(request.id).state is State.RELEASED
    assert len(list(again.room.store.ledger.entries())) == released
    assert len(again.room.store.releases_of({request.project})) == released
    releasing.finish(again.room)
    assert again.room.store.request(request.id).state is State.RELEASED
    (entry,) = again.room.store.ledger.entries()
    assert entry.sets
    assert verified(again) == []
