"""What egress review remembers, behind a Protocol; a memory twin and an SQL adapter pass one contract suite.

Guarantees, of every implementation:
- a write and its audit event become durable together or not at all (each write takes its event);
- inside a unit of work a request is locked, so of two last votes exactly one sees them complete;
- a vote leaves the store only to its own reviewer until all reviewers have voted (blindness, promise 6).
Does not guarantee: that a write is allowed; `egress_review.lifecycle` decides that before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from egress_review.domain import Download, Release, Request, State, Vote
from egress_review.ledger.protocol import LedgerStore, LedgerUnit
from onggi.events import Event

__all__ = ["ReviewStore", "Unit"]


class Unit(Protocol):
    """One transaction. Leaving the block commits; an exception undoes everything, events included."""

    def request(self, request_id: str) -> Request:
        """The newest version, locked until the unit ends.

        Raises:
            NotFound: if there is none.
        """
        ...

    def create(self, request: Request, event: Event) -> None:
        """Keep a new request, or a new version of one.

        Raises:
            Conflict: if that version exists.
        """
        ...

    def save(self, request: Request, event: Event) -> None:
        """Keep what has become of a request: state, moments, outputs.

        Raises:
            NotFound: if that version does not exist.
        """
        ...

    def add_intake(self, member: str, size: int, at: datetime, event: Event) -> None:
        """Count bytes that a member handed in, for `received_bytes`."""
        ...

    def add_votes(self, votes: Sequence[Vote], event: Event) -> None:
        """Keep a ballot paper.

        Raises:
            Conflict: if the reviewer has voted on one of these outputs.
        """
        ...

    def votes(self, request: Request) -> tuple[Vote, ...]:
        """All votes if they are complete, else none."""
        ...

    def set_aside(self, request: Request, reviewer: str, told: Callable[[Sequence[Vote]], Event]) -> None:
        """Take back the ballot paper of a reviewer who may no longer judge this request.

        Args:
            told: makes the event from the votes that were taken back.

        Raises:
            NotFound: if there is no vote of theirs.
        """
        ...

    def add_release(self, release: Release, event: Event) -> Release:
        """Keep a release without its certificate; it comes back with the leaf index of its event.

        Raises:
            Conflict: if the request version has a release.
        """
        ...

    def set_certificate(self, release_id: str, certificate: str, event: Event) -> None:
        """Keep the certificate of a release.

        Raises:
            NotFound: if there is no such release.
        """
        ...

    def add_download(self, download: Download, event: Event) -> None:
        """Keep that a file is being delivered; before its first byte is."""
        ...

    @property
    def ledger(self) -> LedgerUnit:
        """The ledger of releases, in this transaction."""
        ...

    def append(self, event: Event) -> int:
        """Make an event durable in the audit log; its leaf index. Once per event id."""
        ...


class ReviewStore(Protocol):
    """Reading is outside of a unit; frozen values come out."""

    @property
    def ledger(self) -> LedgerStore:
        """The ledger of releases."""
        ...

    def unit(self) -> AbstractContextManager[Unit]:
        """Begin a transaction that writes.

        Raises:
            Unavailable: `DATABASE_LOCKED`, `DISK_FULL`; nothing was changed.
        """
        ...

    def request(self, request_id: str) -> Request:
        """The newest version of a request.

        Raises:
            NotFound: if there is none.
        """
        ...

    def history(self, request_id: str) -> tuple[Request, ...]:
        """All versions, oldest first; empty if there is none."""
        ...

    def requests_of(self, member: str, project: str | None = None) -> tuple[Request, ...]:
        """The newest versions of a member's requests, newest first."""
        ...

    def requests_in(self, states: Collection[State], last: int | None = None) -> tuple[Request, ...]:
        """The newest versions in any of `states`, oldest submission first; only the `last` ones if given."""
        ...

    def votes_seen_by(self, viewer: str, request: Request) -> tuple[Vote, ...]:
        """All votes if they are complete, else the viewer's own."""
        ...

    def received_bytes(self, member: str, since: datetime) -> int:
        """Bytes of outputs that a member has handed in since a moment, whatever became of them."""
        ...

    def release(self, release_id: str) -> Release:
        """A release with its number of downloads.

        Raises:
            NotFound: if there is none.
        """
        ...

    def release_of(self, request: Request) -> Release | None:
        """The release of a request version, or None."""
        ...

    def releases_of(self, projects: Collection[str]) -> tuple[Release, ...]:
        """The releases of projects, newest first."""
        ...

    def uncertified(self) -> tuple[Release, ...]:
        """Releases whose certificate is still to be signed."""
        ...

    def last_events(self, source: str, limit: int) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        ...
