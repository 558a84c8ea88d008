"""Reviewers ask how a table could be protected, and look at the answer. Nothing of the request is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from egress_review.actions.proposing import Asked, Proposal, Proposals
from egress_review.checks.protect.way import Way
from egress_review.checks.report import Finding, FindingCode
from egress_review.domain import Output
from egress_review.domain import Request as ReviewRequest
from egress_review.pages.access import reviewed_output
from egress_review.pages.fields import whole_number
from egress_review.people import Person
from egress_review.room import Room
from onggi.errors import Invalid
from onggi.reasons import Reason
from web.forms import checked_form
from web.kit import render
from web.signin import require_person

DEFAULT_BASE = 5
LOOK_AGAIN_S = 2

Cell = tuple[str | None, bool]
"""A text, or None where the value is missing; and whether it is hidden."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """An answer of `Protector.propose`, as the page shows it.

    Attributes:
        stopped: why there is no table at all; then everything else is empty.
    """

    safe: bool = False
    stopped: Finding | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    losses: Mapping[str, Mapping[str, float]] | None = None
    findings: tuple[Finding, ...] = ()
    bands: Mapping[str, Any] | None = None


def proposed(answer: Mapping[str, Any]) -> Proposed:
    """Read an answer; its form was checked where it came out of the box."""
    if "stopped" in answer:
        return Proposed(stopped=_finding(answer["stopped"]))
    hidden = {(row, column) for row, column in answer["hidden"]}
    rows = tuple(
        tuple((text, (row, column) in hidden) for column, text in enumerate(texts))
        for row, texts in enumerate(answer["rows"])
    )
    return Proposed(
        safe=answer["safe"],
        columns=tuple(answer["columns"]),
        rows=rows,
        losses=answer["losses"],
        findings=tuple(_finding(one) for one in answer["findings"]),
        bands=answer["bands"],
    )


def _finding(body: Mapping[str, Any]) -> Finding:
    return Finding(FindingCode(body["code"]), body["params"], body["cell"])


class Proposing:
    """Views; each parses, calls one action, renders."""

    def __init__(self, room: Room, proposals: Proposals) -> None:
        self._room = room
        self._proposals = proposals

    async def choose(self, request: Request) -> Response:
        """The ways to choose from."""
        person, found, output = await reviewed_output(request, self._room)
        return _page(request, _asked(person, found, output, Way.SUPPRESS, DEFAULT_BASE), output)

    async def ask(self, request: Request) -> Response:
        """Begin to make a proposal."""
        require_person(request)
        form = await checked_form(request)
        person, found, output = await reviewed_output(request, self._room)
        way, base = _way(form.get("way", "")), whole_number("base", form.get("base", ""))
        await run_in_threadpool(self._proposals.begin, _asked(person, found, output, way, base), found)
        return RedirectResponse(f"{request.url.path}/{way.value}/{base}", 303)

    async def show(self, request: Request) -> Response:
        """A proposal, or that it is being made."""
        person, found, output = await reviewed_output(request, self._room)
        way, base = _way(request.path_params["way"]), whole_number("base", request.path_params["base"])
        asked = _asked(person, found, output, way, base)
        known = self._proposals.get(asked)
        page = _page(request, asked, output, known)
        if known is not None and known.running:
            page.headers["Refresh"] = str(LOOK_AGAIN_S)
        return page


def _page(request: Request, asked: Asked, output: Output, known: Proposal | None = None) -> Response:
    error = known.error if known else None
    made = proposed(known.answer) if known and known.answer is not None else None
    status = error.status if error else 200
    context = {"asked": asked, "output": output, "known": known, "made": made, "error": error}
    return render(request, "proposal.html", status, seconds=LOOK_AGAIN_S, **context)


def _asked(person: Person, found: ReviewRequest, output: Output, way: Way, base: int) -> Asked:
    return Asked(person.name, found.id, found.version, output.number, way.value, base)


def _way(text: str) -> Way:
    try:
        return Way(text)
    except ValueError:
        raise Invalid(Reason.FIELD_INVALID, field="way", value=text[:40]) from None
