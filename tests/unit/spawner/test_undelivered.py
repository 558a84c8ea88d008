from __future__ import annotations

from pathlib import Path

import pytest

from onggi.clock import SystemClock
from onggi.errors import Conflict, Unavailable
from onggi.events import Event, new_event
from onggi.reasons import Reason
from spawner.session_folder import make_session_folder, remove_all
from spawner.undelivered import Undelivered, undelivered_of
from web.spool import Spool


class Log:
    """Takes events unless told otherwise."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers = True
        self.rejects: set[str] = set()

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
    undelivered = Undelivered(undelivered_of(sessions), log.append)
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
        Undelivered(undelivered_of(sessions), log.append).deliver()
    log.answers = True
    Undelivered(undelivered_of(sessions), log.append).deliver()
    assert log.taken == ["a"]


def test_one_that_the_log_rejects_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    log, sessions = Log(), tmp_path / "run" / "s"
    _left_behind(sessions, "a", "b")
    log.rejects = {"a"}
    remove_all(sessions)
    Undelivered(undelivered_of(sessions), log.append).deliver()
    assert log.taken == ["b"]
