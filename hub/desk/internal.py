"""The service API of the desk: what session servers and the other services ask about people and projects.

Guarantees: a session key opens only what its own session stands for, and only while the session, its member's
membership, the project and the mounted grants last.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.actions.lookup import the_dataset
from hub.actions.sessions import standing_of_key
from hub.actions.views import full_person, full_project
from hub.desk.access import Call, Door, desk_route
from hub.registry.store import Reading
from onggi.clock import text_or_none
from onggi.domain import Grant
from onggi.manifest import MANIFEST_FILE, read_manifest


def own_session(call: Call) -> Response:
    """What the caller's session key stands for."""
    return JSONResponse(_standing(call, call.actor))


def introspect(call: Call) -> Response:
    """What a session key that was shown to another service stands for."""
    key = call.fields.text("session_key")
    call.fields.done()
    return JSONResponse(_standing(call, key))


def person(call: Call) -> Response:
    """A person with global roles and memberships."""
    context = call.parts.context
    with context.registry.reading() as store:
        return JSONResponse(full_person(store, call.path("name"), context.clock.now()))


def project(call: Call) -> Response:
    """A project with members and grants."""
    context = call.parts.context
    with context.registry.reading() as store:
        return JSONResponse(full_project(store, call.path("slug"), context.clock.now()))


def dataset(call: Call) -> Response:
    """A data-set version: its folder on the host and its manifest, which must be the registered one."""
    with call.parts.context.registry.reading() as store:
        known = the_dataset(store, call.path("name"), call.path("version"))
    manifest = read_manifest(known.path, known.manifest_sha256)
    body = {
        "name": known.name,
        "version": known.version,
        "path": known.path,
        "manifest_path": f"{known.path}/{MANIFEST_FILE}",
        "manifest_sha256": known.manifest_sha256,
        "manifest": manifest.to_json(),
    }
    return JSONResponse(body)


def _standing(call: Call, session_key: str) -> dict[str, Any]:
    context = call.parts.context
    with context.registry.reading() as store:
        standing = standing_of_key(store, session_key, context.clock.now())
        return {
            "session_id": standing.session.session_id,
            "member": standing.session.member,
            "project": standing.session.project,
            "role": standing.membership.role.value,
            "until": text_or_none(standing.until),
            "datasets": [_mounted(store, grant) for grant in standing.grants],
            "language": standing.session.language,
        }


def _mounted(store: Reading, grant: Grant) -> dict[str, Any]:
    known = the_dataset(store, grant.dataset, grant.version)
    return {
        "name": known.name,
        "version": known.version,
        "titles": dict(known.titles),
        "until": text_or_none(grant.until),
        "path": f"/data/{known.name}/{known.version}",
    }


def routes() -> list[Route]:
    """The routes below `/internal`."""
    return [
        desk_route("/internal/session", "GET", Door.SESSION_KEY, own_session),
        desk_route("/internal/introspect", "POST", Door.SERVICE, introspect),
        desk_route("/internal/people/{name}", "GET", Door.SERVICE, person),
        desk_route("/internal/projects/{slug}", "GET", Door.SERVICE, project),
        desk_route("/internal/datasets/{name}/{version}", "GET", Door.SERVICE, dataset),
    ]
