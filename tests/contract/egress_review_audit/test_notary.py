"""The notary over real SQLite: what it signs, and every way in which a database can be swapped under it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from egress_review.audit import tables
from egress_review.audit.checkpoint import open_checkpoint
from egress_review.audit.keys import load_or_create_signer
from egress_review.audit.notary import Notary
from egress_review.audit.note import NoteSigner
from egress_review.audit.protocol import AuditLog
from egress_review.audit.sql import SqlAuditLog
from egress_review.store.engine import open_engine, writing
from onggi.errors import Tampered, Unavailable
from onggi.reasons import Reason
from tests.support.audit import SIGNER, START, event


class Installation:
    """A database and the notary of its log, as after a start."""

    def __init__(self, folder: Path, signer: NoteSigner = SIGNER) -> None:
        self.database = folder / "review.sqlite"
        self.engine = open_engine(f"sqlite:///{self.database}")
        with writing(self.engine) as connection:
            tables.create_tables(connection)
        self.notary = Notary(signer, partial(self.begin), folder / "keys" / "last-checkpoint", every=8)

    @contextmanager
    def begin(self) -> Iterator[AuditLog]:
        with writing(self.engine) as connection:
            yield SqlAuditLog(connection)

    def append(self, *numbers: int) -> None:
        with self.begin() as log:
            for number in numbers:
                log.append(event(number))

    def damage(self, *statements: str) -> None:
        """As somebody with the database file: the triggers are no obstacle."""
        with self.engine.begin() as connection:
            for (name,) in connection.execute(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            for statement in statements:
                connection.execute(sa.text(statement))

    def copy(self, target: Path) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.database, target)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.engine.dispose()


def test_checkpoints_are_signed_at_every_interval_and_at_the_end(here: Installation) -> None:
    here.append(*range(20))
    note = here.notary.checkpoint()
    assert note.size == open_checkpoint(note.note, SIGNER.verifier).size == 20
    with here.begin() as log:
        assert [one.size for one in log.checkpoints()] == [8, 16, 20]
    assert here.notary.checkpoint() == note
    here.append(20)
    assert here.notary.checkpoint().size == 21


def test_an_empty_log_has_a_checkpoint(here: Installation) -> None:
    here.notary.check_at_start(START)
    assert here.notary.checkpoint().size == 0


def test_a_restart_goes_on(here: Installation, tmp_path: Path) -> None:
    here.append(*range(10))
    first = here.notary.checkpoint()
    again = Installation(tmp_path)
    again.notary.check_at_start(START + timedelta(hours=1))
    assert again.notary.checkpoint() == first
    again.engine.dispose()


def test_an_older_copy_of_the_database_is_noticed(here: Installation, tmp_path: Path) -> None:
    here.append(*range(10))
    here.notary.checkpoint()
    here.copy(tmp_path / "older.sqlite")
    here.append(*range(10, 14))
    here.notary.checkpoint()
    here.engine.dispose()
    for leftover in tmp_path.glob("review.sqlite*"):
        leftover.unlink()
    shutil.copy(tmp_path / "older.sqlite", here.database)
    again = Installation(tmp_path)
    for call in (lambda: again.notary.check_at_start(START + timedelta(hours=1)), again.notary.checkpoint):
        with pytest.raises(Tampered) as caught:
            call()
        assert caught.value.reason is Reason.AUDIT_TAMPERED
    again.append(*range(20, 40))
    with pytest.raises(Tampered):
        again.notary.checkpoint()
    again.engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_leaves SET body = CAST(replace(body, 'admin', 'nobody') AS BLOB) WHERE leaf = 11",
        "DELETE FROM audit_leaves WHERE leaf = 11",
        "UPDATE audit_subtrees SET hash = zeroblob(32) WHERE level = 0 AND number = 12",
        "UPDATE audit_subtrees SET hash = zeroblob(32) WHERE level = 3 AND number = 0",
        "DELETE FROM audit_subtrees WHERE level = 3 AND number = 0",
        "UPDATE audit_head SET size = 11",
        "UPDATE audit_checkpoints SET note = replace(note, '8', '7') WHERE size = 8",
    ],
)
def test_nothing_is_signed_over_a_damaged_log(here: Installation, statement: str) -> None:
    here.append(*range(8))
    here.notary.checkpoint()
    if "checkpoints" in statement:
        (here.database.parent / "keys" / "last-checkpoint").unlink()
    here.append(*range(8, 13))
    here.damage(statement)
    with pytest.raises(Tampered):
        here.notary.checkpoint()


def test_a_crash_between_database_and_file_is_no_tampering(here: Installation) -> None:
    guard = here.database.parent / "keys" / "last-checkpoint"
    here.append(0, 1)
    here.notary.checkpoint()
    before = guard.read_text()
    here.append(2)
    newest = here.notary.checkpoint()
    guard.write_text(before)
    assert here.notary.checkpoint() == newest
    assert guard.read_text() == newest.note


def test_another_key_is_noticed(here: Installation, tmp_path: Path) -> None:
    here.append(0)
    here.notary.checkpoint()
    other = Installation(tmp_path, NoteSigner(SIGNER.name, Ed25519PrivateKey.generate()))
    with pytest.raises(Tampered):
        other.notary.check_at_start(START + timedelta(hours=1))
    other.engine.dispose()


def test_a_clock_behind_the_log_is_noticed(here: Installation) -> None:
    here.append(600)
    here.notary.check_at_start(START + timedelta(minutes=6))
    with pytest.raises(Unavailable) as caught:
        here.notary.check_at_start(START + timedelta(minutes=4))
    assert caught.value.reason is Reason.CLOCK_WRONG
    assert set(caught.value.params) == {"now", "last"}


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.pem"
    first = load_or_create_signer(path)
    assert load_or_create_signer(path).verifier == first.verifier
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [item.name for item in path.parent.iterdir()] == ["audit.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "audit.pem"
    load_or_create_signer(path)
    path.chmod(mode)
    with pytest.raises(Unavailable) as caught:
        load_or_create_signer(path)
    assert caught.value.reason is Reason.SIGNING_KEY_EXPOSED


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.pem"
    path.write_text("not a key")
    path.chmod(0o600)
    link = tmp_path / "link.pem"
    load_or_create_signer(tmp_path / "real.pem")
    link.symlink_to(tmp_path / "real.pem")
    for each in (path, link):
        with pytest.raises(Unavailable) as caught:
            load_or_create_signer(each)
        assert caught.value.reason is Reason.SIGNING_KEY_UNREADABLE
