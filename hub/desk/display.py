"""The pages about what sessions may show and have shown, for administrators and auditors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.actions import display, views
from hub.actions.context import may
from hub.desk.access import Call, desk_route
from onggi.decision import Allow
from onggi.errors import Invalid, OnggiError
from onggi.permissions import Permission
from onggi.reasons import Reason
from web.kit import render

_MIB = 1024 * 1024
_SHOWN_CHARACTERS = 64 * 1024
_SHOWN_PIECES = 500
_IMAGES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
_LIMITS = ("day_bytes", "session_bytes", "cell_text_bytes", "image_bytes")
OWN = "own"
"""In place of a profile's name: the document as it was written."""


@dataclass(frozen=True, slots=True)
class MemberDay:
    """A member's day on the screen.

    Attributes:
        limit: bytes of output, lifts included.
    """

    project: str
    member: str
    day: str
    output: int
    limit: int
    lifted: int

    @property
    def percent(self) -> int:
        """How much of the day is used up; at most 100."""
        return 100 if self.limit <= 0 else min(100, round(100 * self.output / self.limit))


def overview(call: Call) -> Response:
    """All projects: who has been shown how much today, by which policy, and who differs from the usual."""
    context, review = call.parts.context, call.parts.review
    told = display.budgets(context, review, call.actor)
    remarks = display.unusual(context, review, call.actor)["remarks"]
    with views.seeing(context, call.actor, Permission.DISPLAY_READ) as (store, _now):
        projects = store.projects()
    return render(
        call.request,
        "display.html",
        projects=projects,
        days=[one for one in member_days(told) if one.day == told["today"]],
        unusual=sum(one["word"] == "unusual" for one in remarks),
    )


def project(call: Call, error: OnggiError | None = None) -> Response:
    """One project: its policy and how to change it, its members' days, its sessions."""
    context, review, slug = call.parts.context, call.parts.review, call.path("slug")
    told = display.budgets(context, review, call.actor, slug)
    with views.seeing(context, call.actor, Permission.DISPLAY_READ) as (store, now):
        decides = may(store, call.actor, Permission.DISPLAY_MANAGE, now)
        members = store.memberships(project=slug)
    return render(
        call.request,
        "display_project.html",
        status=error.status if error else 200,
        error=error,
        slug=slug,
        told=display.policy(context, review, call.actor, slug),
        profiles=display.profiles(context, review, call.actor),
        days=member_days(told),
        today=told["today"],
        lifts=told["lifts"],
        sessions=display.sessions(context, review, call.actor, slug),
        members=members,
        decides=isinstance(decides, Allow),
        limits=_LIMITS,
        typed=call.fields.given if error else {},
        own=OWN,
        mib=_MIB,
    )


def set_policy(call: Call) -> Response:
    """Give a project a new version of its policy."""
    context, review, fields, slug = call.parts.context, call.parts.review, call.fields, call.path("slug")
    try:
        chosen, expected = fields.text("profile"), fields.whole("expected", 0)
        text, reason = fields.text("text", ""), fields.text("reason", "")
        fields.done()
        if chosen != OWN:
            text = display.profile_text(context, review, call.actor, chosen)
        display.set_policy(context, review, call.actor, slug, text, reason, expected)
    except OnggiError as error:
        return project(call, error)
    return RedirectResponse(f"/display/projects/{quote(slug)}", 303)


def lift(call: Call) -> Response:
    """Let a member be shown more today."""
    fields, slug = call.fields, call.path("slug")
    try:
        member, mib, reason = fields.text("member"), fields.whole("extra_mib", 0), fields.text("reason", "")
        fields.done()
        if mib < 1:
            raise Invalid(Reason.FIELD_INVALID, field="extra_mib", value=mib)
        display.lift(call.parts.context, call.parts.review, call.actor, slug, member, mib * _MIB, reason)
    except OnggiError as error:
        return project(call, error)
    return RedirectResponse(f"/display/projects/{quote(slug)}", 303)


def session(call: Call) -> Response:
    """What a session has shown, newest first."""
    before = call.request.query_params.get("before")
    told = display.record(call.parts.context, call.parts.review, call.actor, call.path("session"), before)
    found: Sequence[Mapping[str, Any]] = told["showings"]
    return render(
        call.request,
        "display_session.html",
        session=call.path("session"),
        about=found[0] if found else None,
        showings=found,
        older=told["more"],
    )


def showing(call: Call) -> Response:
    """What was shown at one go, with the code that ran; that somebody looks is an event first."""
    told = display.look(call.parts.context, call.parts.review, call.actor, call.path("showing"))
    pieces = told["pieces"]
    return render(
        call.request,
        "display_showing.html",
        one=told["showing"],
        code=told["code"],
        pieces=[_piece(piece) for piece in pieces[:_SHOWN_PIECES]],
        more=max(0, len(pieces) - _SHOWN_PIECES),
    )


def unusual(call: Call) -> Response:
    """Members whose days differ from what is usual, and what that means."""
    told = display.unusual(call.parts.context, call.parts.review, call.actor)
    return render(
        call.request, "display_unusual.html", remarks=told["remarks"], least_days=told["least_days"]
    )


def member_days(told: Mapping[str, Any]) -> list[MemberDay]:
    """The days that egress review told, each with its limit and what was lifted."""
    lifted: dict[tuple[str, str, str], int] = {}
    for one in told["lifts"]:
        key = (one["project"], one["member"], one["day"])
        lifted[key] = lifted.get(key, 0) + one["extra_bytes"]
    found = []
    for one in told["days"]:
        extra = lifted.get((one["project"], one["member"], one["day"]), 0)
        named = (one["project"], one["member"], one["day"], one["output"])
        found.append(MemberDay(*named, one["limit"] + extra, extra))
    return found


def _piece(piece: Mapping[str, str]) -> dict[str, Any]:
    """A piece as the page shows it: text as text, never as markup; images, which the gate drew, as images."""
    mime, content = piece["mime"], piece["content"]
    image = mime in _IMAGES
    return {
        "mime": mime,
        "image": f"data:{mime};base64,{content}" if image else "",
        "text": "" if image else content[:_SHOWN_CHARACTERS],
        "cut": not image and len(content) > _SHOWN_CHARACTERS,
    }


def routes() -> list[Route]:
    """The routes of these pages."""
    one = "/display/projects/{slug}"
    return [
        desk_route("/display", "GET", Permission.DISPLAY_READ, overview),
        desk_route("/display/unusual", "GET", Permission.DISPLAY_READ, unusual),
        desk_route(one, "GET", Permission.DISPLAY_READ, project),
        desk_route(one + "/policy", "POST", Permission.DISPLAY_MANAGE, set_policy),
        desk_route(one + "/lift", "POST", Permission.DISPLAY_MANAGE, lift),
        desk_route("/display/sessions/{session}", "GET", Permission.DISPLAY_READ, session),
        desk_route("/display/showings/{showing}", "GET", Permission.DISPLAY_READ, showing),
    ]
