"""Settings to working parts: the one place of the room that knows which adapters it runs with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa

from egress_review.actions.protecting import Protector
from egress_review.actions.releasing import finish
from egress_review.app import Parts
from egress_review.audit.keys import load_or_create_signer
from egress_review.audit.notary import Notary, Transaction
from egress_review.audit.protocol import AuditLog
from egress_review.audit.sql import SqlAuditLog, SqlEventLog
from egress_review.background import Background, Job
from egress_review.certificates.certifier import LogCertifier
from egress_review.check_runner import CheckRunner
from egress_review.checks.differencing.runner import run_differencing
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.runner import run_protect
from egress_review.checks.runner import run_checks
from egress_review.display.redrawing import ImageWorker
from egress_review.ledger.remembering import Ledger
from egress_review.meter.folder import ShownFolder
from egress_review.meter.recording import forget_old
from egress_review.meter.room import MeterRoom
from egress_review.meter.sql import SqlMeterStore
from egress_review.pages.auditing import AuditDesk
from egress_review.pages.pictures import DRAWING_S, Pictures
from egress_review.people import Desk, People
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from egress_review.store.engine import open_engine, reading, writing
from egress_review.store.migrate import upgrade
from egress_review.store.sql import SqlReviewStore
from egress_review.vault import Vault
from onggi.clock import Clock, SystemClock
from web.clients import DeskClient
from web.tokens import SERVICES, token_of

CHECKS_EVERY_S = 2.0
CHECKPOINT_EVERY_S = 30.0
FORGET_EVERY_S = 3600.0


def parts_of(settings: ReviewSettings, clock: Clock | None = None, desk: Desk | None = None) -> Parts:
    """The working parts from the settings: opens the database, proves the log, sweeps the vault.

    Args:
        clock: the machine's if None.
        desk: who answers who is who; the desk of this installation if None.

    Raises:
        Unavailable: if the database or the key cannot be used, or the clock is wrong.
        Tampered: if the log contradicts what was signed.
    """
    now = clock or SystemClock()
    engine = open_engine(settings.database)
    upgrade(engine)
    transaction = log_transaction(engine)
    signer = load_or_create_signer(settings.keys / "audit.pem")
    notary = Notary(signer, transaction, settings.keys / "last-checkpoint")
    notary.check_at_start(now.now())
    vault = Vault(settings.vault)
    vault.sweep()
    blobs = Vault(settings.ledger)
    blobs.sweep()
    tokens = {name: token_of(settings.secrets, name) for name in SERVICES}
    policy = settings.check_policy
    room = Room(
        store=SqlReviewStore(engine, SqlEventLog()),
        vault=vault,
        people=People(desk or DeskClient(settings.origin("desk"), tokens["review"])),
        policy=settings.policy,
        clock=now,
        certifier=LogCertifier(signer, notary, transaction),
        ledger=Ledger(blobs, run_differencing, policy),
    )
    meter = MeterRoom(
        store=SqlMeterStore(engine, SqlEventLog()),
        shown=ShownFolder(settings.shown),
        clock=now,
        zone=settings.day_zone,
        profile=settings.review_display_profile,
    )
    background = background_of(room, notary, meter, policy)
    protector = Protector(room, run_protect, policy)
    audit = AuditDesk(notary, log_reading(engine))
    pictures = Pictures(vault, ImageWorker(DRAWING_S))
    return Parts(settings, room, background, tokens, audit, meter, protector, pictures)


def background_of(room: Room, notary: Notary, meter: MeterRoom, policy: CheckPolicy) -> Background:
    """Checks, interrupted releases, checkpoints, contents whose window ended."""
    runner = CheckRunner(room, run_checks, policy)
    return Background(
        (
            Job("checks", runner.run_once, CHECKS_EVERY_S),
            Job("releases", partial(finish, room, patient=True), CHECKS_EVERY_S),
            Job("checkpoints", notary.checkpoint, CHECKPOINT_EVERY_S),
            Job("shown contents", partial(forget_old, meter), FORGET_EVERY_S),
        )
    )


def log_reading(engine: sa.Engine) -> Transaction:
    """Begins transactions that read the audit log and hold nobody up."""

    @contextmanager
    def transaction() -> Iterator[AuditLog]:
        with reading(engine) as connection:
            yield SqlAuditLog(connection)

    return transaction


def log_transaction(engine: sa.Engine) -> Transaction:
    """Begins transactions that write to the audit log."""

    @contextmanager
    def transaction() -> Iterator[AuditLog]:
        with writing(engine) as connection:
            yield SqlAuditLog(connection)

    return transaction
