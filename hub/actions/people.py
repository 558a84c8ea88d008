"""People and their global roles."""

from __future__ import annotations

from collections.abc import Iterable

from hub.actions.context import Context, change, service_change
from hub.actions.lookup import the_person
from onggi.domain import Person
from onggi.errors import Conflict, Invalid
from onggi.ids import person_name
from onggi.permissions import GLOBAL_ROLES, Permission, Role
from onggi.reasons import Reason


def add_person(context: Context, actor: str, name: str, roles: Iterable[str] = ()) -> Person:
    """Let someone sign in, with global roles or none.

    Raises:
        Conflict: `ALREADY_EXISTS`.
        Refused, Invalid, Unavailable: see `change` and `person_name`.
    """
    person = Person(person_name(name), frozenset(global_role(role) for role in roles))
    with change(context, actor, Permission.ROLE_MANAGE) as change_:
        if change_.store.person(name) is not None:
            raise Conflict(Reason.ALREADY_EXISTS, what="person", name=name)
        change_.store.save_person(person)
        change_.record("person.add", name, roles=sorted(role.value for role in person.roles))
    return person


def give_role(context: Context, actor: str, name: str, role: str) -> Person:
    """Give a person a global role.

    Raises:
        NotFound: `UNKNOWN_PERSON`.
        Invalid: if it is no global role.
        Refused, Unavailable: see `change`.
    """
    wanted = global_role(role)
    with change(context, actor, Permission.ROLE_MANAGE) as change_:
        before = the_person(change_.store, name)
        person = Person(name, before.roles | {wanted})
        change_.store.save_person(person)
        change_.record("role.give", name, role=wanted.value)
    return person


def take_role(context: Context, actor: str, name: str, role: str) -> Person:
    """Take a global role from a person; the last administrator stays one.

    Raises:
        NotFound: `UNKNOWN_PERSON`.
        Conflict: if nobody could administer any more.
        Invalid: if it is no global role.
        Refused, Unavailable: see `change`.
    """
    wanted = global_role(role)
    with change(context, actor, Permission.ROLE_MANAGE) as change_:
        before = the_person(change_.store, name)
        admins = [one.name for one in change_.store.people() if Role.ADMIN in one.roles]
        if wanted is Role.ADMIN and admins == [name]:
            raise Conflict(Reason.LAST_ADMIN, person=name)
        person = Person(name, before.roles - {wanted})
        change_.store.save_person(person)
        change_.record("role.take", name, role=wanted.value)
    return person


def first_admin(context: Context, name: str) -> Person:
    """Make the first administrator of a registry that has none; whoever holds the database file may do this.

    Raises:
        Conflict: if there is an administrator already.
        Invalid, Unavailable: see `person_name` and `service_change`.
    """
    person_name(name)
    with service_change(context) as change_:
        if any(Role.ADMIN in one.roles for one in change_.store.people()):
            raise Conflict(Reason.ALREADY_EXISTS, what="admin", name=name)
        before = change_.store.person(name)
        person = Person(name, (before.roles if before else frozenset()) | {Role.ADMIN})
        change_.store.save_person(person)
        change_.record("role.first-admin", name, role=Role.ADMIN.value)
    return person


def global_role(text: str) -> Role:
    """A global role from its name.

    Raises:
        Invalid: if it is none.
    """
    role = next((one for one in GLOBAL_ROLES if one.value == text), None)
    if role is None:
        raise Invalid(Reason.FIELD_INVALID, field="role", value=text[:40])
    return role
