"""Does the ledger hold what the audit log says it holds? And can it be made again from the claims?

Guarantees: an entry that was changed, removed or put in, and sets that are not the ones that were entered,
are found, because the log's event of each entry holds its hash, and the log is signed. Not guaranteed here:
that the log itself is whole; `onggi audit verify` says that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from egress_review.domain import Release
from egress_review.ledger.domain import Entry
from egress_review.ledger.remembering import Folder, Ledger
from egress_review.store.protocol import ReviewStore
from egress_review.vault import Vault
from onggi.clock import Clock
from onggi.errors import NotFound, OnggiError
from onggi.events import Event, new_event

ADDED = "ledger.add"
_RELEASED = "release.create"
_SERVICE = "service:review"


class Proof(StrEnum):
    """What can be wrong with an entry, or what was done about it."""

    ENTRY_ADDED = "entry_added"
    ENTRY_CHANGED = "entry_changed"
    ENTRY_DIFFERS = "entry_differs"
    ENTRY_MADE = "entry_made"
    ENTRY_MISSING = "entry_missing"
    ENTRY_RESTORED = "entry_restored"
    ENTRY_SAME = "entry_same"
    ENTRY_WAITS = "entry_waits"
    RELEASE_NOT_ENTERED = "release_not_entered"
    SETS_CHANGED = "sets_changed"

    @property
    def good(self) -> bool:
        """Whether all is well."""
        return self in {Proof.ENTRY_MADE, Proof.ENTRY_RESTORED, Proof.ENTRY_SAME}


@dataclass(frozen=True, slots=True)
class Said:
    """One thing about one released output."""

    proof: Proof
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """What the audit log says: place and hash of the entry by release and output; what was released."""

    entries: Mapping[tuple[str, int], tuple[int, str]]
    released: tuple[tuple[str, int], ...]


def logged(events: Iterable[tuple[int, Event]]) -> Logged:
    """Read the log, given as (index, event)."""
    entries: dict[tuple[str, int], tuple[int, str]] = {}
    released: list[tuple[str, int]] = []
    for index, event in events:
        if event.action == ADDED:
            entries[event.subject, int(event.details["output"])] = (index, str(event.details["entry"]))
        elif event.action == _RELEASED:
            released.extend((event.subject, int(file["number"])) for file in event.details["files"])
    return Logged(entries, tuple(released))


def added_event(clock: Clock, entry: Entry) -> Event:
    """What the audit log says of an entry: its hash, and where it is blind."""
    blind = entry.blind.value if entry.blind else None
    details = {"output": entry.output, "entry": entry.sha256(), "blind": blind}
    return new_event(clock, "review", _SERVICE, ADDED, entry.release, entry.project, **details)


def verify(store: ReviewStore, blobs: Vault, log: Logged) -> Iterator[Said]:
    """What does not hold."""
    seen = set()
    for entry in store.ledger.entries():
        place = (entry.release, entry.output)
        seen.add(place)
        if place not in log.entries:
            yield _said(Proof.ENTRY_ADDED, place)
        elif log.entries[place] != (entry.position, entry.sha256()) or not store.ledger.agrees(entry):
            yield _said(Proof.ENTRY_CHANGED, place)
        elif entry.sets is not None:
            try:
                blobs.verify(entry.sets)
            except OnggiError:
                yield _said(Proof.SETS_CHANGED, place)
    for place in log.entries:
        if place not in seen:
            yield _said(Proof.ENTRY_MISSING, place)
    for place in log.released:
        if place not in log.entries:
            yield _said(Proof.RELEASE_NOT_ENTERED, place)


def rebuild(store: ReviewStore, ledger: Ledger, log: Logged, folder: Folder, clock: Clock) -> Iterator[Said]:
    """Make every entry again from its claim, hold it against the log, and put back what is missing."""
    by_release: dict[str, list[int]] = {}
    for release, output in log.released:
        by_release.setdefault(release, []).append(output)
    for name, outputs in by_release.items():
        try:
            made = _again(store, ledger, store.release(name), folder)
        except OnggiError as error:
            for output in outputs:
                yield Said(Proof.ENTRY_WAITS, {"release": name, "output": str(output), "cause": str(error)})
            continue
        for entry in made:
            yield _said(_put_back(store, entry, log, clock), (entry.release, entry.output))


def _again(store: ReviewStore, ledger: Ledger, release: Release, folder: Folder) -> tuple[Entry, ...]:
    requests = (one for one in store.history(release.request) if one.version == release.version)
    return ledger.draft(store.ledger, next(requests), release, folder, compare=False).entries


def _put_back(store: ReviewStore, made: Entry, log: Logged, clock: Clock) -> Proof:
    place = (made.release, made.output)
    if place not in log.entries:
        with store.unit() as unit:
            unit.ledger.add(made, added_event(clock, made))
        return Proof.ENTRY_MADE
    position, sha256 = log.entries[place]
    if made.sha256() != sha256:
        return Proof.ENTRY_DIFFERS
    try:
        kept = store.ledger.entry(position)
    except NotFound:
        with store.unit() as unit:
            unit.ledger.restore(replace(made, position=position))
        return Proof.ENTRY_RESTORED
    same = kept.sha256() == sha256 and store.ledger.agrees(kept)
    return Proof.ENTRY_SAME if same else Proof.ENTRY_CHANGED


def _said(proof: Proof, place: tuple[str, int]) -> Said:
    return Said(proof, {"release": place[0], "output": str(place[1])})
