"""The JSON API about what sessions may show and have shown: the same actions as the pages."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.actions import display
from hub.desk.access import Call, desk_route
from onggi.permissions import Permission


def show_policy(call: Call) -> Response:
    """A project's display policy and its history."""
    return JSONResponse(display.policy(call.parts.context, call.parts.review, call.actor, call.path("slug")))


def set_policy(call: Call) -> Response:
    """Give a project a new version of its display policy: `text` (YAML), or the `profile` of a name."""
    context, review, fields = call.parts.context, call.parts.review, call.fields
    profile, text, reason = fields.text("profile", ""), fields.text("text", ""), fields.text("reason")
    expected = fields.whole("expected", -1)
    fields.done()
    if profile:
        text = display.profile_text(context, review, call.actor, profile)
    number = None if expected < 0 else expected
    made = display.set_policy(context, review, call.actor, call.path("slug"), text, reason, number)
    return JSONResponse(made)


def profiles(call: Call) -> Response:
    """The shipped display policies."""
    found = display.profiles(call.parts.context, call.parts.review, call.actor)
    return JSONResponse({"profiles": found})


def budgets(call: Call) -> Response:
    """What members were shown in the last days; of one `?project=` or of all."""
    project = call.request.query_params.get("project")
    return JSONResponse(display.budgets(call.parts.context, call.parts.review, call.actor, project))


def lift(call: Call) -> Response:
    """Let a member be shown `extra_bytes` more today, for a `reason`."""
    fields = call.fields
    extra, reason = fields.whole("extra_bytes", 0), fields.text("reason")
    fields.done()
    made = display.lift(
        call.parts.context,
        call.parts.review,
        call.actor,
        call.path("slug"),
        call.path("person"),
        extra,
        reason,
    )
    return JSONResponse(made)


def sessions(call: Call) -> Response:
    """The sessions of a project that have shown something."""
    found = display.sessions(call.parts.context, call.parts.review, call.actor, call.path("slug"))
    return JSONResponse({"sessions": found})


def record(call: Call) -> Response:
    """What a session has shown, newest first; `?before=` the id of a showing for older ones."""
    before = call.request.query_params.get("before")
    return JSONResponse(
        display.record(call.parts.context, call.parts.review, call.actor, call.path("session"), before)
    )


def unusual(call: Call) -> Response:
    """The member-days of the last week against what is usual."""
    return JSONResponse(display.unusual(call.parts.context, call.parts.review, call.actor))


def routes() -> list[Route]:
    """The routes below `/api`."""
    one, read = "/api/projects/{slug}/display", Permission.DISPLAY_READ
    return [
        desk_route("/api/display/profiles", "GET", read, profiles),
        desk_route("/api/display/budgets", "GET", read, budgets),
        desk_route("/api/display/unusual", "GET", read, unusual),
        desk_route("/api/display/sessions/{session}", "GET", read, record),
        desk_route(one + "/policy", "GET", read, show_policy),
        desk_route(one + "/policy", "PUT", Permission.DISPLAY_MANAGE, set_policy),
        desk_route(one + "/sessions", "GET", read, sessions),
        desk_route(one + "/lifts/{person}", "POST", Permission.DISPLAY_MANAGE, lift),
    ]
