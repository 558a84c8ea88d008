"""The reviewers' pages: the queue, a request, the ballot paper."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from egress_review.actions import releasing, voting
from egress_review.domain import Ballot, State
from egress_review.pages import views
from egress_review.pages.access import require_permission, viewer
from egress_review.pages.fields import whole_number
from egress_review.people import Person
from egress_review.room import Room
from onggi.errors import Invalid, OnggiError, Refused
from onggi.permissions import Permission
from onggi.reasons import Reason
from web.forms import checked_form
from web.kit import render
from web.signin import require_person

_ON_PAGE = frozenset({Reason.VOTE_MISSING, Reason.VOTE_REASON_MISSING, Reason.OUTPUT_BLOCKED})


class Reviewing:
    """Views; each parses, calls one action, renders."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def queue(self, request: Request) -> Response:
        """What waits."""
        person = await viewer(request, self._room)
        require_permission(person, Permission.REQUEST_REVIEW)
        queue = await run_in_threadpool(views.queue, self._room, person)
        return render(request, "queue.html", queue=queue)

    async def show(self, request: Request) -> Response:
        """One request, with a ballot paper for whoever may vote."""
        person = await viewer(request, self._room)
        return await self._page(request, person)

    async def vote(self, request: Request) -> Response:
        """Cast a ballot paper."""
        require_person(request)
        form = await checked_form(request)
        # Asked anew: whoever became a member of the project a moment ago may not vote on its request.
        person = await viewer(request, self._room, fresh=True)
        request_id = request.path_params["id"]
        try:
            version, ballots = read_ballots(form)
            decided = await run_in_threadpool(voting.vote, self._room, person, request_id, version, ballots)
        except (Invalid, Refused) as error:
            if error.reason not in _ON_PAGE:
                raise
            return await self._page(request, person, form, error)
        if decided.state is State.APPROVED:
            await run_in_threadpool(releasing.release_or_later, self._room, request_id)
        return RedirectResponse(f"/requests/{request_id}", 303)

    async def _page(
        self,
        request: Request,
        person: Person,
        form: Mapping[str, str] | None = None,
        error: OnggiError | None = None,
    ) -> Response:
        view = await run_in_threadpool(views.for_reviewer, self._room, person, request.path_params["id"])
        status = error.status if error else 200
        return render(
            request, "request.html", status, view=view, form=form or {}, error=error, member_view=False
        )


def read_ballots(form: Mapping[str, str]) -> tuple[int, dict[int, tuple[Ballot, str]]]:
    """The version and the ballots of a posted form: fields `version`, `ballot-N`, `reason-N`.

    Raises:
        Invalid: for anything that our own page would not send.
    """
    ballots: dict[int, tuple[Ballot, str]] = {}
    for name, value in form.items():
        kind, _, number = name.partition("-")
        if kind == "ballot":
            try:
                ballots[whole_number(name, number)] = (Ballot(value), form.get(f"reason-{number}", ""))
            except ValueError:
                raise Invalid(Reason.FIELD_INVALID, field=name[:40], value=value[:40]) from None
    return whole_number("version", form.get("version", "")), ballots
