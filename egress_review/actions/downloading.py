"""Delivering released files to the project's members, outside of any session.

Guarantees: who is a member is asked from the desk for each delivery, and no answer is a refusal; a
delivery stands in the audit log before its first byte leaves; the bytes delivered hash to what was voted on,
or nothing is delivered. Does not guarantee: what a person does with the file afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from egress_review.domain import Download, Release, ReleasedFile
from egress_review.room import SERVICE, Room
from onggi.clock import to_text
from onggi.errors import NotFound, Refused, Tampered, Unavailable
from onggi.reasons import Reason

CERTIFICATE = 0


def releases_for(room: Room, name: str) -> tuple[Release, ...]:
    """The releases of the projects in which a person is active now, newest first.

    Raises:
        Refused, Unavailable: if the desk does not know the person or does not answer.
    """
    return room.store.releases_of(room.people.person(name, fresh=True).active)


def may_download(room: Room, name: str, release_id: str) -> Release:
    """The release, if this person may take files from it at this moment.

    Raises:
        NotFound: to whoever never was a member of its project.
        Refused: `MEMBERSHIP_ENDED`, `PROJECT_ENDED`, `RELEASE_EXPIRED`.
        Unavailable: if the desk does not answer, or the certificate is not signed yet.
    """
    found = room.store.release(release_id)
    person = room.people.person(name, fresh=True)
    if found.project not in person.projects:
        raise NotFound(Reason.NOT_FOUND, what="release")
    if room.people.project(found.project, fresh=True).get("active") is not True:
        raise Refused(Reason.PROJECT_ENDED, project=found.project)
    if found.project not in person.active:
        raise Refused(Reason.MEMBERSHIP_ENDED, project=found.project)
    if room.clock.now() >= found.expires:
        raise Refused(Reason.RELEASE_EXPIRED, when=to_text(found.expires))
    if found.certificate is None:
        raise Unavailable(Reason.SERVICE_UNREACHABLE, service="certificates")
    return found


@contextmanager
def download(room: Room, name: str, release_id: str, number: int) -> Iterator[tuple[ReleasedFile, IO[bytes]]]:
    """One released file and its verified bytes, recorded.

    Raises:
        NotFound, Refused, Unavailable: as `may_download`.
        Tampered: if the bytes are not those that were released; recorded too.
    """
    made = may_download(room, name, release_id)
    file = made.file(number)
    if file is None:
        raise NotFound(Reason.NOT_FOUND, what="output")
    try:
        with room.vault.verified(file.sha256) as content:
            _record(room, name, made, number, file.sha256)
            yield file, content
    except Tampered:
        event = room.event(SERVICE.name, "release.tampered", made.id, made.project, number=number)
        with room.store.unit() as unit:
            unit.append(event)
        raise


def certificate(room: Room, name: str, release_id: str) -> str:
    """The certificate of a release; recorded as any delivery.

    Raises:
        NotFound, Refused, Unavailable: as `may_download`.
    """
    made = may_download(room, name, release_id)
    _record(room, name, made, CERTIFICATE, "")
    return made.certificate or ""


def _record(room: Room, name: str, made: Release, number: int, sha256: str) -> None:
    event = room.event(name, "release.download", made.id, made.project, number=number, sha256=sha256)
    with room.store.unit() as unit:
        unit.add_download(Download(made.id, number, name, room.clock.now()), event)
