"""Who looks at a page, asked anew at each request."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from egress_review.people import Person
from egress_review.room import Room
from onggi.decision import Allow, require
from onggi.permissions import Permission, Role, permitted
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
