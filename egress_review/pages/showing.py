"""What a reviewer looks at besides the request's page: an output's picture, its evidence for machines."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from egress_review.pages.access import reviewed_output
from egress_review.pages.pictures import Pictures
from egress_review.room import Room
from onggi.errors import NotFound
from onggi.reasons import Reason

_PICTURE_HEADERS = {
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Showing:
    """Views; each parses, calls one action, answers."""

    def __init__(self, room: Room, pictures: Pictures) -> None:
        self._room = room
        self._pictures = pictures

    async def picture(self, request: Request) -> Response:
        """A figure, drawn anew."""
        _, _, output = await reviewed_output(request, self._room)
        drawn = await run_in_threadpool(self._pictures.drawn, output)
        return Response(drawn.raw, 200, _PICTURE_HEADERS, drawn.kind)

    async def evidence(self, request: Request) -> Response:
        """What the checks found about one output, for a reviewer's own tools."""
        _, _, output = await reviewed_output(request, self._room)
        if output.report is None:
            raise NotFound(Reason.NOT_FOUND, what="evidence")
        return JSONResponse(output.report.to_json())
