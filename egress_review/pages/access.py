"""Who looks at a page, asked anew at each request."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from egress_review.domain import Output
from egress_review.domain import Request as ReviewRequest
from egress_review.lifecycle import may_review
from egress_review.people import Person
from egress_review.room import Room
from onggi.clock import from_text
from onggi.decision import Allow, require
from onggi.errors import NotFound, Refused
from onggi.permissions import Permission, Role, permitted
from onggi.reasons import Reason
from web.kit import NavigationItem
from web.signin import require_person


async def viewer(request: Request, room: Room, *, fresh: bool = False) -> Person:
    """The signed-in person with roles and memberships; remembered for the navigation of this page.

    Args:
        fresh: ask the desk now, for what must not rest on an answer some seconds old.

    Raises:
        SignInNeeded: if nobody is signed in.
        Refused: if the desk does not know the person.
    """
    name = require_person(request)
    person = await run_in_threadpool(room.people.person, name, fresh=fresh)
    request.state.viewer = person
    return person


def require_permission(person: Person, permission: Permission) -> None:
    """Go on if a global role of the person carries the permission.

    Raises:
        Refused: `NOT_PERMITTED`.
    """
    require(permitted(person.roles, permission))


def reviewed(room: Room, person: Person, request_id: str) -> ReviewRequest:
    """A submitted request, for somebody who may review it.

    Raises:
        Refused: `NOT_PERMITTED`, `OWN_PROJECT`; to whoever made it `REQUEST_IS_YOURS` or
            `REQUEST_OF_FORMER_MEMBER`.
        NotFound: if there is none, or it was never submitted.
    """
    found = room.store.request(request_id)
    require_still_member(room, person, found)
    allowed = may_review(found, person.actor())
    if allowed != Allow() and found.member == person.name:
        raise Refused(Reason.REQUEST_IS_YOURS)
    require(allowed)
    if found.submitted is None:
        raise NotFound(Reason.NOT_FOUND, what="request")
    return found


def require_still_member(room: Room, person: Person, request: ReviewRequest) -> None:
    """Go on unless the person made the request in a project that they are no member of any more.

    Raises:
        Refused: `REQUEST_OF_FORMER_MEMBER` with the project and when that ended.
    """
    ended = person.ended.get(request.project)
    if person.name != request.member or request.project in person.active or ended is None:
        return
    if from_text(ended) <= room.clock.now():
        raise Refused(Reason.REQUEST_OF_FORMER_MEMBER, project=request.project, when=ended)


async def reviewed_output(request: Request, room: Room) -> tuple[Person, ReviewRequest, Output]:
    """Who looks, and the request and output that the address names.

    Raises:
        SignInNeeded: if nobody is signed in.
        Refused, NotFound: as `reviewed`; also if there is no such output.
    """
    person = await viewer(request, room)
    found = await run_in_threadpool(reviewed, room, person, request.path_params["id"])
    output = found.output(request.path_params["number"])
    if output is None:
        raise NotFound(Reason.NOT_FOUND, what="output")
    return person, found, output


def navigation(request: Request) -> Sequence[NavigationItem]:
    """The entries of the top bar that make sense for the viewer."""
    person: Person | None = getattr(request.state, "viewer", None)
    if person is None:
        return ()
    reviewer = isinstance(permitted(person.roles, Permission.REQUEST_REVIEW), Allow)
    auditor = isinstance(permitted(person.roles, Permission.AUDIT_READ), Allow)
    member = bool(person.projects)
    wanted = (
        (reviewer, NavigationItem("review.nav_queue", "/requests")),
        (member, NavigationItem("review.nav_mine", "/mine")),
        (member, NavigationItem("review.nav_releases", "/releases")),
        (auditor, NavigationItem("review.nav_audit", "/audit")),
        (True, NavigationItem("web.site_desk", request.app.state.site.links["desk"])),
    )
    return [item for shown, item in wanted if shown]


def start_page(person: Person) -> str:
    """Where a person's work begins."""
    if Role.REVIEWER in person.roles:
        return "/requests"
    return "/audit" if Role.AUDITOR in person.roles else "/releases"
