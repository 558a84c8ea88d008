"""The JSON API of the desk: the same actions as the pages and the command line, behind the same checks."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.actions import datasets, members, people, projects, views, wire
from hub.desk import workspace
from hub.desk.access import Call, Door, desk_route
from onggi.domain import Quota
from onggi.permissions import Permission
from web.language import language_of

_CREATED = 201
_ACCEPTED = 202


def me(call: Call) -> Response:
    """Who I am here, and my projects."""
    context = call.parts.context
    with context.registry.reading() as store:
        return JSONResponse(views.full_person(store, call.actor, context.clock.now()))


def list_people(call: Call) -> Response:
    """Everyone who may sign in."""
    with views.seeing(call.parts.context, call.actor, Permission.ROLE_MANAGE) as (store, _now):
        return JSONResponse({"people": [wire.person_json(one) for one in store.people()]})


def add_person(call: Call) -> Response:
    """Let someone sign in."""
    call.fields.done()
    return JSONResponse(
        wire.person_json(people.add_person(call.parts.context, call.actor, call.path("name"))), _CREATED
    )


def give_role(call: Call) -> Response:
    """Give a global role."""
    call.fields.done()
    person = people.give_role(call.parts.context, call.actor, call.path("name"), call.path("role"))
    return JSONResponse(wire.person_json(person))


def take_role(call: Call) -> Response:
    """Take a global role."""
    person = people.take_role(call.parts.context, call.actor, call.path("name"), call.path("role"))
    return JSONResponse(wire.person_json(person))


def list_projects(call: Call) -> Response:
    """All projects."""
    with views.seeing(call.parts.context, call.actor, Permission.PROJECT_READ) as (store, now):
        return JSONResponse({"projects": [wire.project_json(one, now) for one in store.projects()]})


def create_project(call: Call) -> Response:
    """Set up a project."""
    fields, context = call.fields, call.parts.context
    slug = fields.text("slug")
    titles = {"ko": fields.text("title_ko"), "en": fields.text("title_en")}
    starts, ends = fields.moment("starts"), fields.moment("ends")
    fields.done()
    project = projects.create_project(context, call.actor, slug, titles, starts, ends)
    return JSONResponse(wire.project_json(project, context.clock.now()), _CREATED)


def show_project(call: Call) -> Response:
    """One project, for its members and for those who may read all."""
    return JSONResponse(views.project_json(call.parts.context, call.actor, call.path("slug")))


def change_project(call: Call) -> Response:
    """Set a project's end."""
    context, ends = call.parts.context, call.fields.moment("ends")
    call.fields.done()
    project = projects.change_project_end(context, call.actor, call.path("slug"), ends)
    return JSONResponse(wire.project_json(project, context.clock.now()))


def set_quota(call: Call) -> Response:
    """Set what a project may hold; what is not named gets the default."""
    fields, usual = call.fields, Quota(call.path("slug"))
    quota = Quota(
        usual.project,
        fields.whole("sessions", usual.sessions),
        fields.whole("cpus", usual.cpus),
        fields.whole("memory_bytes", usual.memory_bytes),
        fields.whole("storage_bytes", usual.storage_bytes),
    )
    fields.done()
    return JSONResponse(wire.quota_json(projects.set_quota(call.parts.context, call.actor, quota)))


def add_member(call: Call) -> Response:
    """Put a person into a project."""
    fields, context = call.fields, call.parts.context
    role, starts, ends = fields.text("role", "researcher"), fields.moment("starts"), fields.moment("ends")
    fields.done()
    one = members.add_member(context, call.actor, call.path("slug"), call.path("person"), role, starts, ends)
    return JSONResponse(wire.membership_json(one, context.clock.now()))


def end_member(call: Call) -> Response:
    """End a membership, now or at `ends`."""
    context, ends = call.parts.context, call.fields.moment("ends")
    call.fields.done()
    one = members.end_member(context, call.actor, call.path("slug"), call.path("person"), ends)
    return JSONResponse(wire.membership_json(one, context.clock.now()))


def list_datasets(call: Call) -> Response:
    """The catalogue."""
    with views.seeing(call.parts.context, call.actor, Permission.DATASET_READ) as (store, _now):
        return JSONResponse({"datasets": [wire.dataset_json(one) for one in store.datasets()]})


def register_dataset(call: Call) -> Response:
    """Take a data-set version into the catalogue."""
    folder = Path(call.fields.text("folder"))
    call.fields.done()
    dataset = datasets.register_dataset(call.parts.context, call.actor, folder)
    return JSONResponse(wire.dataset_json(dataset), _CREATED)


def give_grant(call: Call) -> Response:
    """Give a project the right to a data-set version."""
    context, until = call.parts.context, call.fields.moment("until")
    call.fields.done()
    name, version = call.path("dataset"), call.path("version")
    grant = datasets.give_grant(context, call.actor, call.path("slug"), name, version, until)
    return JSONResponse(wire.grant_json(grant, context.clock.now()))


def end_grant(call: Call) -> Response:
    """End a project's right now."""
    context, name, version = call.parts.context, call.path("dataset"), call.path("version")
    call.fields.done()
    grant = datasets.end_grant(context, call.actor, call.path("slug"), name, version)
    return JSONResponse(wire.grant_json(grant, context.clock.now()))


def open_session(call: Call) -> Response:
    """Open my session in a project."""
    call.fields.done()
    url = workspace.open_session(call.parts, call.actor, call.path("slug"), language_of(call.request))
    return JSONResponse({"url": url}, _ACCEPTED)


def stop_session(call: Call) -> Response:
    """Stop my session in a project."""
    workspace.stop_session(call.parts, call.actor, call.actor, call.path("slug"))
    return Response(status_code=204)


def stop_members_session(call: Call) -> Response:
    """Stop somebody's session in a project."""
    workspace.stop_session(call.parts, call.actor, call.path("person"), call.path("slug"))
    return Response(status_code=204)


def list_sessions(call: Call) -> Response:
    """Open sessions of a project."""
    view = views.project_for_admin(call.parts.context, call.actor, call.path("slug"))
    return JSONResponse({"sessions": [wire.session_json(one) for one in view.sessions]})


def routes() -> list[Route]:
    """The routes below `/api`."""
    one, grant = "/api/projects/{slug}", "/api/projects/{slug}/grants/{dataset}/{version}"
    member, role = one + "/members/{person}", "/api/people/{name}/roles/{role}"
    return [
        desk_route("/api/me", "GET", Door.SIGNED_IN, me),
        desk_route("/api/people", "GET", Permission.ROLE_MANAGE, list_people),
        desk_route("/api/people/{name}", "PUT", Permission.ROLE_MANAGE, add_person),
        desk_route(role, "PUT", Permission.ROLE_MANAGE, give_role),
        desk_route(role, "DELETE", Permission.ROLE_MANAGE, take_role),
        desk_route("/api/projects", "GET", Permission.PROJECT_READ, list_projects),
        desk_route("/api/projects", "POST", Permission.PROJECT_MANAGE, create_project),
        desk_route(one, "GET", Door.SIGNED_IN, show_project),
        desk_route(one, "PATCH", Permission.PROJECT_MANAGE, change_project),
        desk_route(one + "/quota", "PUT", Permission.QUOTA_MANAGE, set_quota),
        desk_route(member, "PUT", Permission.MEMBER_MANAGE, add_member),
        desk_route(member, "DELETE", Permission.MEMBER_MANAGE, end_member),
        desk_route(grant, "PUT", Permission.GRANT_MANAGE, give_grant),
        desk_route(grant, "DELETE", Permission.GRANT_MANAGE, end_grant),
        desk_route("/api/datasets", "GET", Permission.DATASET_READ, list_datasets),
        desk_route("/api/datasets", "POST", Permission.DATASET_MANAGE, register_dataset),
        desk_route(one + "/session", "POST", Permission.SESSION_OPEN, open_session),
        desk_route(one + "/session", "DELETE", Door.SIGNED_IN, stop_session),
        desk_route(one + "/sessions", "GET", Permission.PROJECT_READ, list_sessions),
        desk_route(one + "/sessions/{person}", "DELETE", Permission.SESSION_STOP, stop_members_session),
    ]
