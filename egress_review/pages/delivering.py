"""The members' pages: my requests, releases, downloads. All of it outside any session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import IO
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from egress_review.actions import downloading, submitting
from egress_review.domain import ReleasedFile
from egress_review.pages import views
from egress_review.pages.access import start_page, viewer
from egress_review.pages.visible import plain_name
from egress_review.room import Room
from onggi.errors import NotFound
from onggi.reasons import Reason
from web.forms import checked_form
from web.kit import render
from web.signin import require_person

_CHUNK = 256 * 1024

Opened = AbstractContextManager[tuple[ReleasedFile, IO[bytes]]]


class Delivering:
    """Views; each parses, calls one action, renders."""

    def __init__(self, room: Room, public_key: str) -> None:
        self._room = room
        self._public_key = public_key

    async def start(self, request: Request) -> Response:
        """Where the viewer's work begins."""
        person = await viewer(request, self._room)
        return RedirectResponse(start_page(person), 303)

    async def mine(self, request: Request) -> Response:
        """The viewer's own requests in projects that go on."""
        person = await viewer(request, self._room)
        found = await run_in_threadpool(self._room.store.requests_of, person.name)
        shown = [one for one in found if one.project in person.active]
        return render(request, "mine.html", requests=shown)

    async def my_request(self, request: Request) -> Response:
        """One of the viewer's own requests: what was found, why it came back."""
        person = await viewer(request, self._room)
        view = await run_in_threadpool(views.for_member, self._room, person, request.path_params["id"])
        return render(request, "request.html", view=view, form={}, error=None, member_view=True)

    async def withdraw(self, request: Request) -> Response:
        """Take one of the viewer's own requests back."""
        name, request_id = require_person(request), request.path_params["id"]
        await checked_form(request)
        person = await run_in_threadpool(self._room.people.person, name, fresh=True)
        await run_in_threadpool(submitting.withdraw_outside, self._room, person, request_id)
        return RedirectResponse(f"/mine/{request_id}", 303)

    async def releases(self, request: Request) -> Response:
        """The releases of the viewer's projects."""
        person = await viewer(request, self._room)
        found = await run_in_threadpool(downloading.releases_for, self._room, person.name)
        return render(request, "releases.html", releases=found, now=self._room.clock.now())

    async def release(self, request: Request) -> Response:
        """One release: files, certificate, expiry."""
        person = await viewer(request, self._room)
        found = await run_in_threadpool(
            downloading.may_download, self._room, person.name, request.path_params["id"]
        )
        return render(request, "release.html", release=found)

    async def file(self, request: Request) -> Response:
        """The bytes of a released file, as a download only."""
        name = require_person(request)
        values = request.path_params
        number = values["number"]
        if number == downloading.CERTIFICATE:
            raise NotFound(Reason.NOT_FOUND, what="output")
        opened = downloading.download(self._room, name, values["id"], number)
        file, content = await run_in_threadpool(opened.__enter__)
        headers = {**attachment(plain_name(file.name)), "Content-Length": str(file.size)}
        return StreamingResponse(_chunks(opened, content), 200, headers, "application/octet-stream")

    async def certificate(self, request: Request) -> Response:
        """The certificate of a release."""
        name = require_person(request)
        release_id = request.path_params["id"]
        text = await run_in_threadpool(downloading.certificate, self._room, name, release_id)
        return Response(text, 200, attachment(f"{release_id}.certificate.json"), "application/octet-stream")

    async def public_key(self, _request: Request) -> Response:
        """The key that verifies certificates and the audit log; public, as its name says."""
        return Response(f"{self._public_key}\n", 200, attachment("audit-log.pub"), "application/octet-stream")


def attachment(name: str) -> dict[str, str]:
    """The headers of a download: never shown inline, never sniffed (RFC 6266, RFC 8187)."""
    ascii_name = "".join(one if one.isascii() and one not in '"%' else "_" for one in name)
    encoded = quote(name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}",
        "X-Content-Type-Options": "nosniff",
    }


async def _chunks(opened: Opened, content: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await run_in_threadpool(content.read, _CHUNK):
            yield chunk
    finally:
        await run_in_threadpool(opened.__exit__, None, None, None)
