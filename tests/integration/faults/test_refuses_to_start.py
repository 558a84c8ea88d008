"""What stands in the way of a start is said in the chosen language, with what to do; nothing is left over."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from egress_review.settings import ReviewSettings
from egress_review.store.engine import open_engine
from egress_review.wiring import log_transaction
from hub.tour import installation
from onggi import words
from onggi.clock import SystemClock
from onggi.events import new_event
from tests.support import processes
from tests.support.namespaces import over, small_disk, with_mounts

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

EX_CONFIG = 78
LANGUAGES = ("ko", "en")


@dataclass(frozen=True)
class Place:
    """A state folder that was ready once, and its ports."""

    state: Path
    base_port: int

    def up(self, language: str, *wrapper: str) -> tuple[int, str]:
        """`onggi up`, which should refuse: exit status and what it printed; no process may be left."""
        ended = subprocess.run(
            [
                *wrapper, sys.executable, "-m", "hub.cli", "--language", language,
                "up", "--state", str(self.state), "--base-port", str(self.base_port),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )  # fmt: skip
        processes.until_none_left(self.state, [], 10)
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stderr

    def refuses(self, language: str, reason: str, **params: object) -> str:
        """It refuses with this reason's sentence; all that it printed to stderr."""
        status, printed = self.up(language)
        assert status == EX_CONFIG, printed
        assert words.say(language, f"reasons.{reason}", **params) in printed
        return printed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("refuses") / "state", installation.free_base_port())
    running = installation.start(made.state, made.base_port)
    try:
        running.wait_until_ready()
    finally:
        running.stop()
    return made


@pytest.fixture(scope="module", autouse=True)
def starts_again(place: Place) -> Iterator[None]:
    """After all the refusals, with what stood in the way gone, it starts as before."""
    yield
    running = installation.start(place.state, place.base_port)
    try:
        running.wait_until_ready()
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_changed_data_file(place: Place, language: str) -> None:
    file = sorted((place.state / "data" / "nafld").rglob("*.parquet"))[3]
    with one_byte_changed(file):
        place.refuses(language, "data_hash_mismatch", file=file)


def test_a_missing_data_file(place: Place) -> None:
    file = sorted((place.state / "data" / "nafld").rglob("*.parquet"))[5]
    aside = file.with_name("aside")
    file.rename(aside)
    try:
        assert str(file.parent) in place.refuses("en", "data_hash_mismatch", file=aside)
    finally:
        aside.rename(file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_port_in_use(place: Place, language: str) -> None:
    with socket.create_server(("127.0.0.1", place.base_port + 2)):
        place.refuses(language, "port_in_use", port=place.base_port + 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_onggi_on_the_same_state(place: Place, language: str) -> None:
    running = installation.start(place.state, place.base_port)
    try:
        running.wait_until_ready()
        other = subprocess.run(
            [
                sys.executable, "-m", "hub.cli", "--language", language,
                "up", "--state", str(place.state), "--base-port", str(installation.free_base_port()),
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert other.returncode == EX_CONFIG
        assert words.say(language, "reasons.already_running", path=place.state) in other.stderr
        running.wait_until_ready()
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_clock_that_runs_behind_the_log(place: Place, language: str) -> None:
    """The log holds an event of tomorrow; it is taken out of a copy, so that the state can be used again."""
    database = place.state / "review" / "review.sqlite"
    with restored(database):
        tomorrow = Ahead(timedelta(days=1))
        settings = ReviewSettings(state=place.state, base_port=place.base_port)
        engine = open_engine(settings.database)
        with log_transaction(engine)() as log:
            log.append(new_event(tomorrow, "review", "service:review", "test.event", "x"))
        engine.dispose()
        status, printed = place.up(language)
    assert status == EX_CONFIG
    sentence = words.say(language, "reasons.clock_wrong", now="\0", last="\0")
    assert all(part in printed for part in sentence.split("\0")), printed


@pytest.mark.parametrize(("language", "name"), [("ko", "hub/registry"), ("en", "review/review")])
def test_a_locked_database(place: Place, language: str, name: str) -> None:
    with contextlib.closing(sqlite3.connect(place.state / f"{name}.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        place.refuses(language, "database_locked")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("instead", "finding"), [("/dev/null", "bwrap_missing"), ("/bin/false", "box_not_made")]
)
def test_no_working_sandbox(place: Place, language: str, instead: str, finding: str) -> None:
    status, printed = place.up(language, *with_mounts(over("/usr/bin/bwrap", instead)))
    assert status == EX_CONFIG, printed
    assert words.say(language, f"sandbox.{finding}") in printed


def test_a_disk_without_space(place: Place, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    other = Place(state, place.base_port)
    status, printed = other.up("en", *with_mounts(small_disk(str(state), 100 * 1024**2)))
    assert status == EX_CONFIG
    assert words.say("en", "reasons.disk_full", path=state) in printed


@pytest.mark.parametrize("language", LANGUAGES)
def test_root(place: Place, language: str) -> None:
    """Root of a user namespace is root as far as a program can tell."""
    status, printed = place.up(language, "unshare", "-Ur")
    assert status == EX_CONFIG
    assert words.say(language, "reasons.root_refused") in printed


def test_a_folder_of_somebody_else() -> None:
    other = Place(Path("/usr/lib"), installation.free_base_port())
    ended = subprocess.run(
        [sys.executable, "-m", "hub.cli", "--language", "en", "up", "--state", str(other.state)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == EX_CONFIG
    assert words.say("en", "reasons.state_of_other_user", path=other.state) in ended.stderr


def test_a_folder_that_cannot_be_made() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "hub.cli", "--language", "en", "up", "--state", "/usr/lib/onggi-state"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == EX_CONFIG
    assert "Traceback" not in ended.stderr
    assert "/usr/lib/onggi-state" in ended.stderr


class Ahead:
    """A clock that runs ahead."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return SystemClock().now().astimezone(UTC) + self._by


@contextlib.contextmanager
def one_byte_changed(file: Path) -> Iterator[None]:
    content = file.read_bytes()
    mode = file.stat().st_mode
    file.chmod(0o600)
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    try:
        yield
    finally:
        file.write_bytes(content)
        file.chmod(mode)


@contextlib.contextmanager
def restored(database: Path) -> Iterator[None]:
    """The database as it was, after the block."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = database.read_bytes()
    try:
        yield
    finally:
        for name in (f"{database.name}-wal", f"{database.name}-shm"):
            database.with_name(name).unlink(missing_ok=True)
        database.write_bytes(content)
