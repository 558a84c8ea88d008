"""Between JSON and values, at the edge: unknown keys refuse, sizes are capped."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from egress_review.actions.submitting import Announced
from egress_review.checks.report import for_researcher
from egress_review.domain import Output
from egress_review.domain import Request as ReviewRequest
from onggi.clock import text_or_none, to_text
from onggi.errors import Invalid
from onggi.reasons import Reason

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_BATCH = 100
Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AnnouncedOutput(_Strict):
    """An output as the session server announces it."""

    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: str | None = None
    claim: dict[str, Any] | None = None

    def value(self) -> Announced:
        """As the actions take it."""
        return Announced(self.name, self.size, self.sha256, self.claim)


class NewRequest(_Strict):
    """The body of `POST /internal/requests`; `revises` names a returned request."""

    purpose: str
    context: str = ""
    outputs: list[AnnouncedOutput]
    revises: str | None = None


async def read_json(request: Request) -> Any:
    """The JSON body, at most `MAX_BODY_BYTES`.

    Raises:
        Invalid: if it is larger or no JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Invalid(Reason.FIELD_INVALID, field="body", value="size")
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="body", value="json") from None


def event_list(body: object) -> list[Any]:
    """The events of a batch, as they came.

    Raises:
        Invalid: if it is no batch, or has none or more than `MAX_BATCH`.
    """
    events = body.get("events") if isinstance(body, dict) and set(body) == {"events"} else None
    if not isinstance(events, list) or not 0 < len(events) <= MAX_BATCH:
        raise Invalid(Reason.FIELD_INVALID, field="events", value="")
    return events


def new_request(body: object) -> NewRequest:
    """Read the body of a new request.

    Raises:
        Invalid: naming the first field that is wrong.
    """
    return checked(NewRequest, body)


def checked(model: type[Model], body: object) -> Model:
    """A body read as a model.

    Raises:
        Invalid: naming the first field that is wrong.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid(Reason.FIELD_INVALID, field=where[:60] or "body", value="") from None


def request_json(request: ReviewRequest) -> dict[str, Any]:
    """A request as its own member's session and the desk see it: no votes, findings without data values."""
    return {
        "id": request.id,
        "version": request.version,
        "project": request.project,
        "member": request.member,
        "purpose": request.purpose,
        "context": request.context,
        "state": request.state.value,
        "created": to_text(request.created),
        "submitted": text_or_none(request.submitted),
        "decided": text_or_none(request.decided),
        "outputs": [output_json(one) for one in request.outputs],
    }


def output_json(output: Output) -> dict[str, Any]:
    """An output for its own member."""
    findings = output.report.findings if output.report else ()
    return {
        "number": output.number,
        "name": output.name,
        "size": output.size,
        "sha256": output.sha256,
        "state": _stage(output),
        "verdict": output.verdict.value if output.verdict else None,
        "findings": [one.to_json() for one in for_researcher(findings)],
    }


def _stage(output: Output) -> str:
    if output.sha256 is None:
        return "announced"
    return "received" if output.report is None else "checked"
