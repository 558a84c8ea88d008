"""Who is in a project, in which role, from when until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hub.actions.context import Context, change
from hub.actions.lookup import the_person, the_project
from hub.actions.projects import check_dates
from onggi.clock import text_or_none, to_text
from onggi.domain import Membership
from onggi.errors import Invalid, NotFound
from onggi.permissions import PROJECT_ROLES, Permission, Role
from onggi.reasons import Reason


def add_member(  # noqa: PLR0917 - the fields of a membership
    context: Context,
    actor: str,
    project: str,
    person: str,
    role: str = Role.RESEARCHER.value,
    starts: datetime | None = None,
    ends: datetime | None = None,
) -> Membership:
    """Put a person into a project, or give a member a new role and new dates.

    Raises:
        NotFound: no such project or person.
        Refused, Invalid, Unavailable: see `change`.
    """
    wanted = project_role(role)
    with change(context, actor, Permission.MEMBER_MANAGE) as change_:
        the_project(change_.store, project)
        the_person(change_.store, person)
        membership = Membership(project, person, wanted, starts or change_.now, ends)
        check_dates(membership.starts, ends)
        change_.store.save_membership(membership)
        change_.record(
            "member.add",
            person,
            project,
            role=wanted.value,
            starts=to_text(membership.starts),
            ends=text_or_none(ends),
        )
    return membership


def end_member(
    context: Context, actor: str, project: str, person: str, ends: datetime | None = None
) -> Membership:
    """End a membership, now or at a moment. The reconciler stops the member's session in the project.

    Raises:
        NotFound: no such membership.
        Refused, Unavailable: see `change`.
    """
    with change(context, actor, Permission.MEMBER_MANAGE) as change_:
        before = change_.store.membership(project, person)
        if before is None:
            raise NotFound(Reason.UNKNOWN_MEMBER, person=person, project=project)
        membership = replace(before, ends=ends or change_.now, starts=min(before.starts, ends or change_.now))
        change_.store.save_membership(membership)
        change_.record("member.end", person, project, ends=text_or_none(membership.ends))
    return membership


def project_role(text: str) -> Role:
    """A project role from its name.

    Raises:
        Invalid: if it is none.
    """
    role = next((one for one in PROJECT_ROLES if one.value == text), None)
    if role is None:
        raise Invalid(Reason.FIELD_INVALID, field="role", value=text[:40])
    return role
