"""The memory twin of the review store: for tests and for thinking. Nothing in it survives the process."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from egress_review.domain import Download, Release, Request, State, Vote
from egress_review.ledger.domain import Entry
from egress_review.ledger.memory import MemoryLedger
from onggi.errors import Conflict, NotFound
from onggi.events import Event
from onggi.reasons import Reason


@dataclass(slots=True)
class Tables:
    """What a database would hold."""

    requests: dict[tuple[str, int], Request] = field(default_factory=dict)
    votes: dict[tuple[str, int, str, int], Vote] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    downloads: list[Download] = field(default_factory=list)
    intake: list[tuple[str, int, datetime]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)

    def newest(self, request_id: str) -> Request:
        """The newest version, with its voters."""
        versions = self.history(request_id)
        if not versions:
            raise NotFound(Reason.NOT_FOUND, what="request")
        return versions[-1]

    def history(self, request_id: str) -> tuple[Request, ...]:
        """All versions, oldest first."""
        found = sorted((key for key in self.requests if key[0] == request_id), key=lambda key: key[1])
        return tuple(self.with_voters(self.requests[key]) for key in found)

    def with_voters(self, request: Request) -> Request:
        """The request with who has voted."""
        voters = frozenset(key[2] for key in self.votes if key[:2] == (request.id, request.version))
        return replace(request, voters=voters)

    def votes_on(self, request: Request) -> tuple[Vote, ...]:
        """Every vote on a version, by reviewer and output."""
        return tuple(
            vote for key, vote in sorted(self.votes.items()) if key[:2] == (request.id, request.version)
        )

    def votes_complete(self, request: Request) -> bool:
        """Whether all have voted; asked of what is stored, never of the value that was handed in."""
        stored = self.requests.get((request.id, request.version))
        return stored is not None and self.with_voters(stored).votes_complete

    def append(self, event: Event) -> int:
        """The index of the event, new or known."""
        for index, known in enumerate(self.events):
            if known.id == event.id:
                if known != event:
                    raise Conflict(Reason.EVENT_ID_REUSED)
                return index
        self.events.append(event)
        return len(self.events) - 1


class MemoryUnit:
    """One transaction over a copy of the tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def request(self, request_id: str) -> Request:
        """The newest version."""
        return self._tables.newest(request_id)

    def create(self, request: Request, event: Event) -> None:
        """Keep a new version."""
        if (request.id, request.version) in self._tables.requests:
            raise Conflict(Reason.ALREADY_EXISTS, what="request", name=request.id)
        self._tables.requests[request.id, request.version] = request
        self.append(event)

    def save(self, request: Request, event: Event) -> None:
        """Keep what has become of a request."""
        known = self._tables.requests.get((request.id, request.version))
        if known is None:
            raise NotFound(Reason.NOT_FOUND, what="request")
        self._tables.requests[request.id, request.version] = request
        self.append(event)

    def add_intake(self, member: str, size: int, at: datetime, event: Event) -> None:
        """Count bytes handed in."""
        self._tables.intake.append((member, size, at))
        self.append(event)

    def add_votes(self, votes: Sequence[Vote], event: Event) -> None:
        """Keep a ballot paper."""
        for vote in votes:
            key = (vote.request, vote.version, vote.reviewer, vote.output)
            if key in self._tables.votes:
                raise Conflict(Reason.ALREADY_VOTED)
            self._tables.votes[key] = vote
        self.append(event)

    def votes(self, request: Request) -> tuple[Vote, ...]:
        """All votes if they are complete, else none."""
        return self._tables.votes_on(request) if self._tables.votes_complete(request) else ()

    def set_aside(self, request: Request, reviewer: str, told: Callable[[Sequence[Vote]], Event]) -> None:
        """Take back a ballot paper."""
        votes = [vote for vote in self._tables.votes_on(request) if vote.reviewer == reviewer]
        if not votes:
            raise NotFound(Reason.NOT_FOUND, what="vote")
        for vote in votes:
            del self._tables.votes[vote.request, vote.version, vote.reviewer, vote.output]
        self.append(told(votes))

    def add_release(self, release: Release, event: Event) -> Release:
        """Keep a release."""
        if any(
            (one.request, one.version) == (release.request, release.version)
            for one in self._tables.releases.values()
        ):
            raise Conflict(Reason.ALREADY_EXISTS, what="release", name=release.request)
        kept = replace(release, leaf=self.append(event))
        self._tables.releases[release.id] = kept
        return kept

    def set_certificate(self, release_id: str, certificate: str, event: Event) -> None:
        """Keep a certificate."""
        if release_id not in self._tables.releases:
            raise NotFound(Reason.NOT_FOUND, what="release")
        self._tables.releases[release_id] = replace(
            self._tables.releases[release_id], certificate=certificate
        )
        self.append(event)

    def add_download(self, download: Download, event: Event) -> None:
        """Keep a delivery."""
        self._tables.downloads.append(download)
        self.append(event)

    @property
    def ledger(self) -> MemoryLedger:
        """The ledger of releases."""
        return MemoryLedger(self._tables.ledger, self.append)

    def append(self, event: Event) -> int:
        """Write an event down."""
        return self._tables.append(event)


class MemoryReviewStore:
    """The review store without a disk; units run one at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._tables = Tables()

    @contextmanager
    def unit(self) -> Iterator[MemoryUnit]:
        """A transaction: all or nothing."""
        with self._lock:
            draft = copy.copy(self._tables)
            for name in Tables.__slots__:
                setattr(draft, name, copy.copy(getattr(self._tables, name)))
            yield MemoryUnit(draft)
            self._tables = draft

    @property
    def ledger(self) -> MemoryLedger:
        """The ledger of releases."""
        return MemoryLedger(self._tables.ledger)

    def request(self, request_id: str) -> Request:
        """The newest version of a request."""
        return self._tables.newest(request_id)

    def history(self, request_id: str) -> tuple[Request, ...]:
        """All versions, oldest first."""
        return self._tables.history(request_id)

    def requests_of(self, member: str, project: str | None = None) -> tuple[Request, ...]:
        """A member's requests, newest first."""
        mine = [one for one in self._newest() if one.member == member and project in {None, one.project}]
        return tuple(sorted(mine, key=lambda one: (one.created, one.id), reverse=True))

    def requests_in(self, states: Collection[State], last: int | None = None) -> tuple[Request, ...]:
        """Requests in any of `states`, oldest submission first."""
        found = [one for one in self._newest() if one.state in states]
        ordered = sorted(found, key=lambda one: (one.submitted or one.created, one.id))
        return tuple(ordered if last is None else ordered[-last:])

    def votes_seen_by(self, viewer: str, request: Request) -> tuple[Vote, ...]:
        """All votes if complete, else the viewer's own."""
        complete = self._tables.votes_complete(request)
        return tuple(vote for vote in self._tables.votes_on(request) if complete or vote.reviewer == viewer)

    def received_bytes(self, member: str, since: datetime) -> int:
        """Bytes handed in since a moment."""
        return sum(size for who, size, at in self._tables.intake if who == member and at >= since)

    def release(self, release_id: str) -> Release:
        """A release with its number of downloads."""
        if release_id not in self._tables.releases:
            raise NotFound(Reason.NOT_FOUND, what="release")
        return self._counted(self._tables.releases[release_id])

    def release_of(self, request: Request) -> Release | None:
        """The release of a request version."""
        for one in self._tables.releases.values():
            if (one.request, one.version) == (request.id, request.version):
                return self._counted(one)
        return None

    def releases_of(self, projects: Collection[str]) -> tuple[Release, ...]:
        """Releases of projects, newest first."""
        found = [self._counted(one) for one in self._tables.releases.values() if one.project in projects]
        return tuple(sorted(found, key=lambda one: (one.created, one.id), reverse=True))

    def uncertified(self) -> tuple[Release, ...]:
        """Releases without a certificate."""
        return tuple(one for one in self._tables.releases.values() if one.certificate is None)

    def last_events(self, source: str, limit: int) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        found = [event for event in reversed(self._tables.events) if event.source == source]
        return tuple(found[:limit])

    def _newest(self) -> list[Request]:
        ids = {key[0] for key in self._tables.requests}
        return [self._tables.newest(request_id) for request_id in ids]

    def _counted(self, release: Release) -> Release:
        return replace(release, downloads=sum(one.release == release.id for one in self._tables.downloads))
