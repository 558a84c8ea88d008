"""The administrator's pages: projects, members, grants, quotas, people, data sets.

Each form calls one action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.actions import datasets, members, people, projects, views
from hub.desk import workspace
from hub.desk.access import Call, desk_route
from onggi.domain import Quota
from onggi.errors import OnggiError
from onggi.permissions import GLOBAL_ROLES, PROJECT_ROLES, Permission
from onggi.words import say
from web.kit import render, tell_next
from web.language import language_of

_GIB = 1024**3
Told = Mapping[str, str]
"""Whom and what a form was about, for the sentence that says that it was done."""


def overview(call: Call, error: OnggiError | None = None) -> Response:
    """All projects, people and data sets."""
    with views.seeing(call.parts.context, call.actor, Permission.PROJECT_READ) as (store, now):
        shown = {
            "projects": store.projects(),
            "people": store.people(),
            "datasets": store.datasets(),
            "sessions": store.open_sessions(),
            "now": now,
        }
    status = error.status if error else 200
    roles = sorted(role.value for role in GLOBAL_ROLES)
    typed = call.fields.given if error else {}
    return render(call.request, "admin.html", status=status, error=error, roles=roles, typed=typed, **shown)


def project(call: Call, error: OnggiError | None = None) -> Response:
    """One project with its members, grants, quota and sessions."""
    context = call.parts.context
    view = views.project_for_admin(context, call.actor, call.path("slug"))
    with context.registry.reading() as store:
        catalogue, everyone = store.datasets(), store.people()
    return render(
        call.request,
        "project.html",
        status=error.status if error else 200,
        error=error,
        view=view,
        catalogue=catalogue,
        everyone=everyone,
        roles=sorted(role.value for role in PROJECT_ROLES),
        typed=call.fields.given if error else {},
        now=context.clock.now(),
        gib=_GIB,
    )


def create_project(call: Call) -> Told:
    """Set up a project."""
    fields = call.fields
    titles = {"ko": fields.text("title_ko"), "en": fields.text("title_en")}
    slug, starts, ends = fields.text("slug"), fields.moment("starts"), fields.moment("ends")
    fields.done()
    projects.create_project(call.parts.context, call.actor, slug, titles, starts, ends)
    return {"project": slug}


def add_person(call: Call) -> Told:
    """Let someone sign in."""
    name = call.fields.text("name")
    call.fields.done()
    people.add_person(call.parts.context, call.actor, name)
    return {"person": name}


def give_role(call: Call) -> Told:
    """Give a global role."""
    name, role = call.fields.text("name"), call.fields.text("role")
    call.fields.done()
    people.give_role(call.parts.context, call.actor, name, role)
    return {"person": name, "role": _role_word(call, role)}


def take_role(call: Call) -> Told:
    """Take a global role."""
    name, role = call.fields.text("name"), call.fields.text("role")
    call.fields.done()
    people.take_role(call.parts.context, call.actor, name, role)
    return {"person": name, "role": _role_word(call, role)}


def register_dataset(call: Call) -> Told:
    """Take a data-set version into the catalogue."""
    folder = Path(call.fields.text("folder"))
    call.fields.done()
    one = datasets.register_dataset(call.parts.context, call.actor, folder)
    return {"dataset": one.name, "version": one.version, "sha256": one.manifest_sha256}


def set_end(call: Call) -> Told:
    """Set a project's end."""
    ends = call.fields.moment("ends")
    call.fields.done()
    projects.change_project_end(call.parts.context, call.actor, call.path("slug"), ends)
    return {"project": call.path("slug")}


def add_member(call: Call) -> Told:
    """Put a person into the project."""
    fields = call.fields
    person, role = fields.text("person"), fields.text("role")
    starts, ends = fields.moment("starts"), fields.moment("ends")
    fields.done()
    members.add_member(call.parts.context, call.actor, call.path("slug"), person, role, starts, ends)
    return {"project": call.path("slug"), "person": person}


def end_member(call: Call) -> Told:
    """End a membership now."""
    person = call.fields.text("person")
    call.fields.done()
    members.end_member(call.parts.context, call.actor, call.path("slug"), person)
    return {"project": call.path("slug"), "person": person}


def give_grant(call: Call) -> Told:
    """Give the project the right to a data-set version."""
    name, _, version = call.fields.text("dataset").partition("/")
    until = call.fields.moment("until")
    call.fields.done()
    datasets.give_grant(call.parts.context, call.actor, call.path("slug"), name, version, until)
    return {"project": call.path("slug"), "dataset": name, "version": version}


def end_grant(call: Call) -> Told:
    """End the project's right now."""
    name, _, version = call.fields.text("dataset").partition("/")
    call.fields.done()
    datasets.end_grant(call.parts.context, call.actor, call.path("slug"), name, version)
    return {"project": call.path("slug"), "dataset": name, "version": version}


def set_quota(call: Call) -> Told:
    """Set what the project may hold; memory and storage in GiB."""
    fields, slug = call.fields, call.path("slug")
    sessions, cpus = fields.whole("sessions", 0), fields.whole("cpus", 0)
    memory, storage = fields.whole("memory_gib", 0) * _GIB, fields.whole("storage_gib", 0) * _GIB
    fields.done()
    projects.set_quota(call.parts.context, call.actor, Quota(slug, sessions, cpus, memory, storage))
    return {"project": slug}


def stop_session(call: Call) -> Told:
    """Stop a member's session."""
    person = call.fields.text("person")
    call.fields.done()
    workspace.stop_session(call.parts, call.actor, person, call.path("slug"))
    return {"project": call.path("slug"), "person": person}


def routes() -> list[Route]:
    """The administrator's routes."""
    one = "/admin/projects/{slug}"
    return [
        desk_route("/admin", "GET", Permission.PROJECT_MANAGE, overview),
        desk_route(one, "GET", Permission.PROJECT_MANAGE, project),
        _form("/admin/projects", Permission.PROJECT_MANAGE, create_project, "cli.project_created"),
        _form("/admin/people", Permission.ROLE_MANAGE, add_person, "cli.person_added"),
        _form("/admin/roles/give", Permission.ROLE_MANAGE, give_role, "cli.role_given"),
        _form("/admin/roles/take", Permission.ROLE_MANAGE, take_role, "cli.role_taken"),
        _form("/admin/datasets", Permission.DATASET_MANAGE, register_dataset, "cli.dataset_registered"),
        _form(one + "/end", Permission.PROJECT_MANAGE, set_end, "cli.project_extended"),
        _form(one + "/members", Permission.MEMBER_MANAGE, add_member, "cli.member_added"),
        _form(one + "/members/end", Permission.MEMBER_MANAGE, end_member, "cli.member_ended"),
        _form(one + "/grants", Permission.GRANT_MANAGE, give_grant, "cli.grant_given"),
        _form(one + "/grants/end", Permission.GRANT_MANAGE, end_grant, "cli.grant_ended"),
        _form(one + "/quota", Permission.QUOTA_MANAGE, set_quota, "cli.quota_set"),
        _form(one + "/sessions/stop", Permission.SESSION_STOP, stop_session, "desk.session_stopped"),
    ]


def _role_word(call: Call, role: str) -> str:
    return say(language_of(call.request), f"desk.role_{role}")


def _form(path: str, permission: Permission, act: Callable[[Call], Told], key: str) -> Route:
    """A posted form: do it, go back to its page and say so there, or show the page with the reason why not.

    Args:
        key: of the sentence that says what was done.
    """

    def view(call: Call) -> Response:
        slug = call.request.path_params.get("slug")
        try:
            told = act(call)
        except OnggiError as error:
            return overview(call, error) if slug is None else project(call, error)
        tell_next(call.request, key, told)
        return RedirectResponse("/admin" if slug is None else f"/admin/projects/{quote(slug)}", 303)

    view.__doc__ = act.__doc__
    return desk_route(path, "POST", permission, view)
