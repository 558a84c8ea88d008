"""What sessions may show and have shown: asked of egress review, for people whom the registry lets ask.

Egress review keeps policies, budgets and records, because it decides what leaves; the registry knows who may
look and who may decide. So each action here asks the registry first and egress review then, which writes the
audit event in the same transaction as the change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from hub.actions.context import Context, may
from hub.actions.lookup import the_project
from onggi.decision import require
from onggi.errors import Invalid, NotFound, Refused
from onggi.permissions import Permission
from onggi.reasons import Reason

_SESSION = re.compile(r"s-[0-9a-f]{16}")
_SHOWING = re.compile(r"[0-9a-f]{32}")
_BASE = "/internal/display"


class Review(Protocol):
    """Egress review's service API; `web.clients.ReviewClient` is one."""

    def call(self, method: str, path: str, body: object | None = None, **query: str) -> dict[str, Any]:
        """One request; the JSON object that came back."""
        ...


def policy(context: Context, review: Review, actor: str, slug: str) -> dict[str, Any]:
    """A project's policy with its history.

    Raises:
        NotFound: no such project.
        Refused: without `display:read`.
        Unavailable: if egress review does not answer.
    """
    _may_read(context, actor, slug)
    return review.call("GET", f"{_BASE}/projects/{slug}/policy")


def profiles(context: Context, review: Review, actor: str) -> list[dict[str, Any]]:
    """The shipped profiles with their documents, the tightest first.

    Raises:
        Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor)
    return list(review.call("GET", f"{_BASE}/profiles")["profiles"])


def set_policy(  # noqa: PLR0917 - who gives what to which project, and why
    context: Context,
    review: Review,
    actor: str,
    slug: str,
    text: str,
    reason: str,
    expected: int | None = None,
) -> dict[str, Any]:
    """Give a project a new version of its policy; the version.

    Args:
        expected: the number of the version that the document was written over.

    Raises:
        Refused: without `display:manage`; `DISPLAY_OWN_PROJECT` to members of the project.
        NotFound, Invalid, Conflict, Unavailable: nothing was changed.
    """
    _may_decide(context, actor, slug)
    body = {"actor": actor, "text": text, "reason": reason, "expected": expected}
    return dict(review.call("PUT", f"{_BASE}/projects/{slug}/policy", body)["policy"])


def profile_text(context: Context, review: Review, actor: str, name: str) -> str:
    """The document of a shipped profile.

    Raises:
        Invalid: if there is none of that name.
        Refused, Unavailable: as `policy`.
    """
    found = {str(one["name"]): str(one["text"]) for one in profiles(context, review, actor)}
    if name not in found:
        raise Invalid(Reason.FIELD_INVALID, field="profile", value=name[:40])
    return found[name]


def lift(  # noqa: PLR0917 - who lets whom be shown how much, and why
    context: Context, review: Review, actor: str, slug: str, member: str, extra_bytes: int, reason: str
) -> dict[str, Any]:
    """Let a member be shown more today.

    Raises:
        Refused, Invalid, Unavailable: as `set_policy`.
        NotFound: no such project, or the person is no member of it.
    """
    _may_decide(context, actor, slug, member)
    body = {
        "actor": actor,
        "project": slug,
        "member": member,
        "extra_bytes": extra_bytes,
        "reason": reason,
    }
    return dict(review.call("POST", f"{_BASE}/lifts", body)["lift"])


def budgets(context: Context, review: Review, actor: str, slug: str | None = None) -> dict[str, Any]:
    """What members were lent in the last days, and what was lifted; of one project or of all.

    Raises:
        NotFound, Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor, slug)
    query = {} if slug is None else {"project": slug}
    return review.call("GET", f"{_BASE}/budgets", None, **query)


def sessions(context: Context, review: Review, actor: str, slug: str) -> list[dict[str, Any]]:
    """The sessions of a project that have shown something, newest first.

    Raises:
        NotFound, Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor, slug)
    return list(review.call("GET", f"{_BASE}/projects/{slug}/sessions")["sessions"])


def record(
    context: Context, review: Review, actor: str, session: str, before: str | None = None
) -> dict[str, Any]:
    """What a session has shown, newest first, a page at a time.

    Args:
        before: id of a showing; only older ones then.

    Raises:
        NotFound: for what is no session.
        Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor)
    if not _SESSION.fullmatch(session) or (before is not None and not _SHOWING.fullmatch(before)):
        raise NotFound(Reason.NOT_FOUND)
    query = {} if before is None else {"before": before}
    return review.call("GET", f"{_BASE}/sessions/{session}", None, **query)


def look(context: Context, review: Review, actor: str, showing: str) -> Mapping[str, Any]:
    """The contents of a showing. That somebody looked is in the audit log first.

    Raises:
        NotFound: if there is no such showing.
        Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor)
    if not _SHOWING.fullmatch(showing):
        raise NotFound(Reason.NOT_FOUND)
    return review.call("POST", f"{_BASE}/showings/{showing}", {"actor": actor})


def unusual(context: Context, review: Review, actor: str) -> dict[str, Any]:
    """The member-days of the last week against what is usual.

    Raises:
        Refused, Unavailable: as `policy`.
    """
    _may_read(context, actor)
    return review.call("GET", f"{_BASE}/unusual")


def _may_read(context: Context, actor: str, slug: str | None = None) -> None:
    with context.registry.reading() as store:
        require(may(store, actor, Permission.DISPLAY_READ, context.clock.now()))
        if slug is not None:
            the_project(store, slug)


def _may_decide(context: Context, actor: str, slug: str, member: str | None = None) -> None:
    """Whoever belongs to a project decides nothing about what it may be shown, whatever their roles."""
    with context.registry.reading() as store:
        require(may(store, actor, Permission.DISPLAY_MANAGE, context.clock.now()))
        the_project(store, slug)
        if store.membership(slug, actor) is not None:
            raise Refused(Reason.DISPLAY_OWN_PROJECT, project=slug)
        if member is not None and store.membership(slug, member) is None:
            raise NotFound(Reason.UNKNOWN_MEMBER, person=member, project=slug)
