"""Who may call which action: written out by hand, because it is what a person signed off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.actions import datasets, display, members, people, projects, views
from hub.actions.context import Context
from onggi.domain import Quota
from onggi.errors import OnggiError, Refused
from onggi.permissions import Permission
from onggi.reasons import Reason
from tests.support.hub_world import World, make_world

EVERYONE = (
    "admin",
    "auditor",
    "custodian",
    "lead1",
    "nobody",
    "researcher1",
    "researcher2",
    "reviewer1",
    "stranger",
    "service:desk",
)
ADMIN = {"admin"}
READERS = {"admin", "auditor", "reviewer1"}
TITLES = {"ko": "가", "en": "A"}
SESSION = "s-0123456789abcdef"


class SilentReview:
    """Egress review, for questions about who may ask it; it is asked only for those who may."""

    def call(self, method: str, path: str, body: object | None = None, **query: str) -> dict[str, Any]:
        return {"profiles": [], "policy": {}, "lift": {}, "sessions": []}


SILENT = SilentReview()

Act = Callable[[Context, str], object]
MATRIX: dict[str, tuple[Act, set[str]]] = {
    "person.add": (lambda c, who: people.add_person(c, who, "new"), ADMIN),
    "role.give": (lambda c, who: people.give_role(c, who, "nobody", "reviewer"), ADMIN),
    "role.take": (lambda c, who: people.take_role(c, who, "reviewer1", "reviewer"), ADMIN),
    "project.create": (lambda c, who: projects.create_project(c, who, "new", TITLES), ADMIN),
    "project.end": (lambda c, who: projects.change_project_end(c, who, "liver", None), ADMIN),
    "quota.set": (lambda c, who: projects.set_quota(c, who, Quota("liver")), ADMIN),
    "member.add": (lambda c, who: members.add_member(c, who, "liver", "nobody"), ADMIN),
    "member.end": (lambda c, who: members.end_member(c, who, "liver", "researcher1"), ADMIN),
    "grant.give": (lambda c, who: datasets.give_grant(c, who, "claims", "nafld", "1"), ADMIN),
    "grant.end": (lambda c, who: datasets.end_grant(c, who, "liver", "nafld", "1"), ADMIN),
    "display.policy": (lambda c, who: display.policy(c, SILENT, who, "liver"), {"admin", "auditor"}),
    "display.profiles": (lambda c, who: display.profiles(c, SILENT, who), {"admin", "auditor"}),
    "display.budgets": (lambda c, who: display.budgets(c, SILENT, who, "liver"), {"admin", "auditor"}),
    "display.sessions": (lambda c, who: display.sessions(c, SILENT, who, "liver"), {"admin", "auditor"}),
    "display.record": (lambda c, who: display.record(c, SILENT, who, SESSION), {"admin", "auditor"}),
    "display.look": (lambda c, who: display.look(c, SILENT, who, "0" * 32), {"admin", "auditor"}),
    "display.unusual": (lambda c, who: display.unusual(c, SILENT, who), {"admin", "auditor"}),
    "display.set_policy": (
        lambda c, who: display.set_policy(c, SILENT, who, "liver", "version: x-1", "because"),
        ADMIN,
    ),
    "display.lift": (
        lambda c, who: display.lift(c, SILENT, who, "liver", "researcher1", 1, "because"),
        ADMIN,
    ),
    "project.read": (lambda c, who: views.project_for_admin(c, who, "liver"), READERS),
    "project.json": (lambda c, who: views.project_json(c, who, "liver"), READERS | {"lead1", "researcher1"}),
}


@pytest.mark.parametrize("action", MATRIX)
@pytest.mark.parametrize("who", EVERYONE)
def test_who_may(action: str, who: str) -> None:
    act, allowed = MATRIX[action]
    world = make_world()
    if who in allowed:
        act(world.context, who)
        return
    before = world.registry._tables.copy()  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        act(world.context, who)
    assert refused.value.reason in {Reason.NOT_PERMITTED, Reason.UNKNOWN_PERSON}
    assert world.registry._tables == before  # type: ignore[attr-defined]
    assert world.audit.events == []


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (Permission.DATASET_READ, {"admin", "auditor", "custodian", "reviewer1"}),
        (Permission.DATASET_MANAGE, {"admin"}),
        (Permission.ROLE_MANAGE, {"admin"}),
        (Permission.SESSION_STOP, {"admin"}),
        (Permission.PROJECT_READ, {"admin", "auditor", "reviewer1"}),
        (Permission.SESSION_OPEN, set()),
    ],
)
def test_who_may_see_without_a_project(permission: Permission, allowed: set[str]) -> None:
    world = make_world()
    assert {who for who in EVERYONE if _sees(world, who, permission, None)} == allowed


@pytest.mark.parametrize("project", ["liver", "claims"])
def test_project_roles_count_in_their_own_project_alone(project: str) -> None:
    world = make_world()
    allowed = {"liver": {"researcher1", "lead1"}, "claims": {"researcher2"}}[project]
    assert {who for who in EVERYONE if _sees(world, who, Permission.SESSION_OPEN, project)} == allowed


def _sees(world: World, who: str, permission: Permission, project: str | None) -> bool:
    try:
        with views.seeing(world.context, who, permission, project):
            return True
    except OnggiError:
        return False
