"""What every action of egress review works with, as one frozen value; composed in `egress_review.app`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from egress_review.domain import Actor, Release, Request, Vote
from egress_review.ledger.remembering import Ledger
from egress_review.people import People
from egress_review.policy import ReviewPolicy
from egress_review.store.protocol import ReviewStore
from egress_review.vault import Vault
from egress_review.waiting import Waits
from onggi.clock import Clock
from onggi.events import Event, new_event

SERVICE = Actor("service:review", service=True)


class Certifier(Protocol):
    """Signs what a release is; owns the key."""

    def statement_sha256(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        """What the release's event says of its certificate, before either exists."""
        ...

    def certificate(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        """The certificate of a release as text; `release.leaf` says where it stands in the audit log."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """Egress review, as far as its actions see it."""

    store: ReviewStore
    vault: Vault
    people: People
    policy: ReviewPolicy
    clock: Clock
    certifier: Certifier
    ledger: Ledger
    waits: Waits = field(default_factory=Waits)

    def event(self, actor: str, action: str, subject: str, project: str | None, **details: Any) -> Event:
        """An audit event of this service, now."""
        return new_event(self.clock, "review", actor, action, subject, project, **details)
