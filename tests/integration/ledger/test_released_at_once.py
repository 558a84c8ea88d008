"""Tables that are safe alone and not together, released at the same moment, and killed on the way.

Every process has its own egress review over one database. The comparison is the real one, in the process
itself instead of a box: what is tried here is which of them comes first.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from egress_review import wiring
from egress_review.actions import releasing
from egress_review.audit.sql import SqlAuditLog
from egress_review.domain import Request, State
from egress_review.ledger.proving import logged, verify
from egress_review.store.engine import open_engine, reading
from onggi.errors import Conflict
from onggi.events import event_from_json
from tests.support import postgres
from tests.support.check_tables import Source, small_source
from tests.support.ledger import Office, check_here, office_over, without_boxes

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow]
PEOPLE = """
SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex, n AS age FROM range(600) AS r(n)
"""
BY_SEX = "SELECT sex, count(DISTINCT person_id) AS persons FROM small.person WHERE age >= {} GROUP BY sex"
AT_ONCE = 4
CHILD = """
import os, signal, sys
from pathlib import Path
from egress_review.actions import releasing
from egress_review.ledger.remembering import Ledger
from egress_review.ledger.sql import SqlLedgerUnit
from onggi.errors import Conflict, Unavailable
from tests.support.check_tables import Source
from tests.support.ledger import office_over, without_boxes

state, folder, url, request, where = sys.argv[1:]
room = without_boxes(office_over(Path(state), Source(Path(folder)), url=url), Path(state))

def dying(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

if where == "compared":
    releasing._write = dying
elif where == "written":
    SqlLedgerUnit.add = dying
elif where == "committed":
    releasing.certify = dying
print("ready", flush=True)
sys.stdin.readline()
try:
    releasing.release(room, request)
    print("released", flush=True)
except (Conflict, Unavailable) as error:
    print(error.reason.value, flush=True)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("data") / "small"
    return small_source(folder, {"person": ("person_id BIGINT, sex VARCHAR, age BIGINT", PEOPLE)})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    if reason := postgres.missing():
        pytest.skip(reason)
    (folder := tmp_path / "pg").mkdir()
    with postgres.running(folder) as found:
        yield found


@pytest.fixture
def office(source: Source, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    engines = []

    def opened(url: str) -> sa.Engine:
        engines.append(open_engine(url))
        return engines[-1]

    monkeypatch.setattr(wiring, "open_engine", opened)
    yield office_over(tmp_path, source, url=url)
    for one in engines:
        one.dispose()


def approved(office: Office, source: Source, count: int) -> list[Request]:
    """Requests of which any two single out a few persons; none does alone."""
    room = without_boxes(office, office.state)
    submitted = [
        office.submitted({"table.csv": source.table(BY_SEX.format(50 + 4 * at))}) for at in range(count)
    ]
    return [office.approved(check_here(room, one, office.state)) for one in submitted]


def started(office: Office, source: Source, request: Request, where: str = "") -> subprocess.Popen[str]:
    url = office.parts.settings.review_url
    argv = [sys.executable, "-c", CHILD, str(office.state), str(source.folder), url, request.id, where]
    child = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def told(child: subprocess.Popen[str]) -> str:
    said, _ = child.communicate("go\n", timeout=100)
    return said.strip()


def holds(office: Office) -> bool:
    engine = open_engine(office.parts.settings.database)
    with reading(engine) as connection:
        events = SqlAuditLog(connection).events()
        log = logged((one.index, event_from_json(json.loads(one.body))) for one in events)
    engine.dispose()
    return not list(verify(office.room.store, office.room.ledger.blobs, log))


def states(office: Office, requests: list[Request]) -> Counter[State]:
    return Counter(office.room.store.request(one.id).state for one in requests)


@pytest.mark.timeout(300)
def test_of_many_at_once_one_is_released(office: Office, source: Source) -> None:
    requests = approved(office, source, AT_ONCE)
    assert states(office, requests) == {State.APPROVED: AT_ONCE}
    children = [started(office, source, one) for one in requests]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(told, children))
    assert said.count("released") == 1
    room = without_boxes(office, office.state)
    releasing.finish(room)  # who found the database locked
    assert states(office, requests) == {State.RELEASED: 1, State.RETURNED: AT_ONCE - 1}
    assert len(list(room.store.ledger.entries())) == 1
    assert holds(office)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["compared", "written", "committed"])
def test_a_kill_on_the_way_lets_no_neighbour_through(office: Office, source: Source, where: str) -> None:
    """Killed at a step of its release; the neighbour comes next, and then the first is taken up again."""
    first, second = approved(office, source, 2)
    child = started(office, source, first, where)
    assert told(child) == ""
    assert child.returncode == -signal.SIGKILL
    room = without_boxes(office, office.state)
    committed = where == "committed"
    assert len(list(room.store.ledger.entries())) == committed
    if committed:
        with pytest.raises(Conflict):
            releasing.release(room, second.id)
    else:
        releasing.release(room, second.id)
    releasing.finish(room)
    assert states(office, [first, second]) == {State.RELEASED: 1, State.RETURNED: 1}
    assert (room.store.request(first.id).state is State.RELEASED) == committed
    assert all(one.certificate for one in room.store.releases_of({first.project}))
    assert holds(office)
