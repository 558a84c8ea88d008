from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onggi.clock import SystemClock
from onggi.errors import Conflict, NotFound, Unavailable
from onggi.events import Event, new_event
from onggi.reasons import Reason
from spawner.session_folder import make_session_folder, remove_all
from spawner.undelivered import Undelivered, undelivered_of
from web.journal import Journal
from web.slip import SLIP, Slip, read_slip
from web.spool import Spool


class Log:
    """Takes events unless told otherwise."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers = True
        self.rejects: set[str] = set()
        self.kept: list[dict[str, Any]] = []
        self.given_back: list[dict[str, Any]] = []

    def keep(self, leaf: Mapping[str, Any]) -> None:
        if not self.answers:
            raise Unavailable(Reason.SERVICE_UNREACHABLE)
        self.kept.append(dict(leaf))

    def give_back(self, left: Mapping[str, Any]) -> None:
        if not self.answers:
            raise Unavailable(Reason.SERVICE_UNREACHABLE)
        self.given_back.append(dict(left))
        if left["id"] in self.rejects:
            raise NotFound(Reason.NOT_FOUND, what="lease")

    def append(self, event: Event) -> None:
        if not self.answers:
            raise Unavailable(Reason.AUDIT_UNREACHABLE)
        if event.subject in self.rejects:
            raise Conflict(Reason.EVENT_ID_REUSED)
        self.taken.append(event.subject)


def _left_behind(sessions: Path, *subjects: str) -> None:
    """A session folder as a killed session server leaves it."""
    folder = make_session_folder(sessions)
    spool = Spool(folder.server / "spool")
    for subject in subjects:
        spool.append(new_event(SystemClock(), "session", "someone", "cell.shown", subject).to_json())
    spool.close()


def test_events_of_a_killed_session_arrive_in_order(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    _left_behind(sessions, "a", "b", "c")
    remove_all(sessions)
    undelivered = Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back)
    undelivered.deliver()
    assert log.taken == ["a", "b", "c"]
    assert list(undelivered_of(sessions).iterdir()) == []
    assert list(sessions.iterdir()) == []


def test_they_wait_while_the_log_does_not_answer(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    _left_behind(sessions, "a")
    remove_all(sessions)
    log.answers = False
    with pytest.raises(Unavailable):
        Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    log.answers = True
    Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    assert log.taken == ["a"]


def test_one_that_the_log_rejects_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    _left_behind(sessions, "a", "b")
    log.rejects = {"a"}
    remove_all(sessions)
    Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    assert log.taken == ["b"]


def test_what_a_killed_session_had_shown_arrives_too(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    folder = make_session_folder(sessions)
    Spool(folder.server / "spool").append(
        new_event(SystemClock(), "session", "someone", "display.show", "a").to_json()
    )
    journal = Journal(folder.server / "shown")
    for name, end in (("done", {"verdict": "shown"}), ("torn", None)):
        leaf = journal.open(name, {"id": name})
        assert leaf is not None
        leaf.write("text/plain", b"x")
        leaf.close(end)
    (folder.server / "shown" / "nothing").write_bytes(b"")
    remove_all(sessions)
    log.answers = False
    with pytest.raises(Unavailable):
        Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    log.answers = True
    Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    assert [(one["id"], one["pieces"], one["end"]) for one in log.kept] == [
        ("done", [("text/plain", "x")], {"verdict": "shown"}),
        ("torn", [("text/plain", "x")], None),
    ]
    assert list(undelivered_of(sessions).iterdir()) == []


def test_what_a_killed_session_had_not_spent_is_given_back(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    folder = make_session_folder(sessions)
    Spool(folder.server / "spool").close()
    Slip(folder.server / SLIP).keep([("gone", 1, 2), ("b", 300, 0)])
    remove_all(sessions)
    log.answers, log.rejects = False, {"gone"}
    with pytest.raises(Unavailable):
        Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    log.answers = True
    Undelivered(undelivered_of(sessions), log.append, log.keep, log.give_back).deliver()
    assert log.given_back == [{"id": "gone", "output": 1, "page": 2}, {"id": "b", "output": 300, "page": 0}]
    assert list(undelivered_of(sessions).iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"\0" * 4096, b"[[1]]", b"{}", b'[["a", "b", 3]]', b"\xff", b"null"])
def test_a_damaged_slip_says_that_nothing_is_left(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / SLIP).write_bytes(damage)
    assert read_slip(tmp_path / SLIP) == []


def test_a_slip_has_its_room_before_the_disk_is_full(tmp_path: Path) -> None:
    slip = Slip(tmp_path / SLIP)
    size = (tmp_path / SLIP).stat().st_size
    slip.keep((f"{number:032x}", 10**9, 10**9) for number in range(1000))
    slip.close()
    assert (tmp_path / SLIP).stat().st_size == size
    assert read_slip(tmp_path / SLIP)[0] == (f"{0:032x}", 10**9, 10**9)
