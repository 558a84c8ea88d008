"""The researcher's pages: my projects, my data, my sessions, my requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.actions.views import ProjectView, my_projects
from hub.desk import workspace
from hub.desk.access import Call, Door, Parts, desk_route
from onggi import words
from onggi.decision import Deny
from onggi.domain import active
from onggi.errors import OnggiError
from onggi.manifest import Manifest, read_manifest
from onggi.permissions import Role
from web.kit import NavigationItem, render
from web.language import language_of
from web.signin import current_person


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What a page says about a granted data set; `manifest` is None if it cannot be read as registered."""

    name: str
    version: str
    titles: dict[str, str]
    until: object
    ended: bool
    manifest: Manifest | None


def home(call: Call) -> Response:
    """My projects and my requests."""
    return _home(call)


def open_session(call: Call) -> Response:
    """Open my session in a project and go there; a refusal is shown on the page that was clicked."""
    call.fields.done()
    try:
        url = workspace.open_session(call.parts, call.actor, call.path("slug"), language_of(call.request))
    except OnggiError as error:
        return _home(call, error)
    return RedirectResponse(url, 303)


def stop_session(call: Call) -> Response:
    """Stop my session in a project."""
    call.fields.done()
    try:
        workspace.stop_session(call.parts, call.actor, call.actor, call.path("slug"))
    except OnggiError as error:
        return _home(call, error)
    return RedirectResponse("/", 303)


def routes() -> list[Route]:
    """The researcher's routes."""
    return [
        desk_route("/", "GET", Door.SIGNED_IN, home),
        desk_route("/projects/{slug}/session", "POST", Door.SIGNED_IN, open_session),
        desk_route("/projects/{slug}/session/stop", "POST", Door.SIGNED_IN, stop_session),
    ]


def navigation(request: Request) -> list[NavigationItem]:
    """The top bar, by what the person may do."""
    person = current_person(request)
    parts: Parts = request.app.state.parts
    if person is None:
        return []
    with parts.context.registry.reading() as store:
        known = store.person(person)
        member = bool(store.memberships(person=person))
    roles = known.roles if known else frozenset()
    items = [NavigationItem("desk.nav_home", "/")]
    review = parts.settings.origin("review")
    if member:
        items.append(NavigationItem("desk.nav_releases", f"{review}/releases"))
    if Role.ADMIN in roles:
        items.append(NavigationItem("desk.nav_admin", "/admin"))
    if roles & {Role.ADMIN, Role.AUDITOR}:
        items.append(NavigationItem("desk.nav_display", "/display"))
    if roles & {Role.REVIEWER, Role.AUDITOR}:
        items.append(NavigationItem("desk.nav_review", review))
    return items


def _home(call: Call, error: OnggiError | None = None) -> Response:
    parts, now = call.parts, call.parts.context.clock.now()
    views = my_projects(parts.context, call.actor)
    requests, requests_error = _requests(parts, call.actor)
    return render(
        call.request,
        "home.html",
        status=error.status if error else 200,
        error=error,
        projects=[_card(parts, view, now) for view in views],
        requests=requests,
        requests_error=requests_error,
        review=parts.settings.origin("review"),
        weak_limits=parts.limits.findings(),
        finding_texts=lambda findings: _findings(language_of(call.request), findings),
    )


def _card(parts: Parts, view: ProjectView, now: Any) -> dict[str, Any]:
    until = [end for end in (view.project.ends, view.membership.ends) if end is not None]
    return {
        "project": view.project,
        "role": view.membership.role.value,
        "until": min(until, default=None),
        "refusal": view.standing if isinstance(view.standing, Deny) else None,
        "session": view.session,
        "url": workspace.waiting_page(
            parts.settings.origin("hub_public"), view.membership.person, view.project.slug
        ),
        "datasets": [
            DatasetFacts(
                one.name,
                one.version,
                dict(one.titles),
                grant.until,
                not active(None, grant.until, now),
                _manifest(one.path, one.manifest_sha256),
            )
            for grant, one in view.grants
        ],
    }


def _findings(language: str, findings: list[dict[str, Any]]) -> list[str]:
    """Each sentence once, with the number of cells that it is about if there are several."""
    counted = Counter(_finding(language, one) for one in findings)
    return [
        sentence if cells == 1 else words.say(language, "desk.finding_cells", sentence=sentence, cells=cells)
        for sentence, cells in counted.items()
    ]


def _finding(language: str, finding: dict[str, Any]) -> str:
    """The sentence of a finding, from the catalogue of the checks; an unknown code is shown as it is."""
    code, params = str(finding.get("code", "")), finding.get("params", {})
    key = f"findings.{code}"
    said = words.say(language, key, **{str(name): value for name, value in params.items()})
    return code if said == key else said


def _manifest(path: str, sha256: str) -> Manifest | None:
    try:
        return _read_once(path, sha256)
    except OnggiError:
        return None


@lru_cache(maxsize=256)
def _read_once(path: str, sha256: str) -> Manifest:
    """A manifest never changes under its hash; one that could not be read is tried again."""
    return read_manifest(path, sha256)


def _requests(parts: Parts, person: str) -> tuple[list[dict[str, Any]], OnggiError | None]:
    try:
        return parts.review.requests_of(person), None
    except OnggiError as error:
        return [], error
