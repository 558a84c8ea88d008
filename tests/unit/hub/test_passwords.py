from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hub.passwords import PasswordBook
from hub.throttle import FAILURES, WINDOW, Throttle
from onggi.errors import Refused
from onggi.reasons import Reason
from tests.support.hub_world import StillClock


def test_each_gets_a_password_of_their_own_once(tmp_path: Path) -> None:
    book = PasswordBook(tmp_path)
    first = book.ensure(["admin", "researcher1"])
    assert set(first) == {"admin", "researcher1"}
    assert len(set(first.values())) == 2
    assert book.ensure(["admin"]) == {}
    assert set(book.ensure(["admin", "reviewer1"])) == {"reviewer1"}
    assert PasswordBook(tmp_path).shown()["admin"] == first["admin"]


def test_only_the_right_one_opens(tmp_path: Path) -> None:
    book = PasswordBook(tmp_path)
    words = book.ensure(["admin", "researcher1"])
    assert book.verify("admin", words["admin"])
    for name, word in (
        ("admin", words["researcher1"]),
        ("admin", ""),
        ("admin", words["admin"] + "x"),
        ("admin", words["admin"].upper()),
        ("admin", "x" * 10**6),
        ("admin", "\udcff"),
        ("stranger", words["admin"]),
        ("", ""),
    ):
        assert not book.verify(name, word)


def test_nobody_else_can_read_them_and_hashes_hold_no_password(tmp_path: Path) -> None:
    book = PasswordBook(tmp_path)
    words = book.ensure(["admin"])
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert words["admin"] not in (tmp_path / "passwords.json").read_text()


def test_a_book_that_is_empty_opens_for_nobody(tmp_path: Path) -> None:
    assert not PasswordBook(tmp_path).verify("admin", "")


def test_sign_in_has_to_wait_after_too_many_failures() -> None:
    clock = StillClock()
    throttle = Throttle(clock)
    for _ in range(FAILURES):
        throttle.check("admin")
        throttle.failed("admin")
    with pytest.raises(Refused) as refused:
        throttle.check("admin")
    assert refused.value.reason is Reason.SIGN_IN_THROTTLED
    throttle.check("researcher1")
    clock.moment += WINDOW + timedelta(seconds=1)
    throttle.check("admin")


def test_success_forgets_failures() -> None:
    throttle = Throttle(StillClock())
    for _ in range(3 * FAILURES):
        throttle.failed("admin")
        throttle.succeeded("admin")
    throttle.check("admin")
