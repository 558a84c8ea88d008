"""`POST /internal/protect`: a session asks for a table to be protected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from egress_review.actions.protecting import Asked, Protector
from egress_review.api import callers, wire
from egress_review.people import People


class ProtectBody(BaseModel):
    """The body: the claim of a table, and how to protect it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    claim: dict[str, Any]
    way: Annotated[str, Field(max_length=40)]
    base: int = 5
    profile: Annotated[str, Field(max_length=40)] = ""


def protect_routes(protector: Protector, people: People) -> Sequence[BaseRoute]:
    """The route; callers show the key of a session."""

    async def protect(request: Request) -> Response:
        caller = await run_in_threadpool(callers.session_caller, request, people)
        body = wire.checked(ProtectBody, await wire.read_json(request))
        asked = Asked(body.claim, body.way, body.base, body.profile)
        said = await run_in_threadpool(protector.protect, caller, asked)
        return JSONResponse(said)

    return (Route("/internal/protect", protect, methods=["POST"]),)
