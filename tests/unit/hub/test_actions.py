"""What each action makes, and which input it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.actions import datasets, members, people, projects
from onggi.domain import Quota
from onggi.errors import Conflict, Invalid, NotFound, OnggiError, Tampered
from onggi.permissions import Role
from onggi.reasons import Reason
from tests.support.hub_world import DAY, NOW, make_world

TITLES = {"ko": "가", "en": "A"}


def test_a_project_is_set_up() -> None:
    world = make_world()
    project = projects.create_project(world.context, "admin", "new", TITLES, ends=NOW + DAY)
    assert (project.starts, project.ends) == (NOW, NOW + DAY)
    with world.registry.reading() as store:
        assert store.project("new") == project


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"slug": "liver"}, Reason.ALREADY_EXISTS),
        ({"slug": "Liver"}, Reason.SLUG_INVALID),
        ({"slug": "a--b"}, Reason.SLUG_INVALID),
        ({"slug": "a" * 31}, Reason.SLUG_INVALID),
        ({"slug": ""}, Reason.SLUG_INVALID),
        ({"slug": "../x"}, Reason.SLUG_INVALID),
        ({"titles": {"ko": "가"}}, Reason.FIELD_MISSING),
        ({"titles": {"ko": "가", "en": "  "}}, Reason.FIELD_MISSING),
        ({"titles": {"ko": "가", "en": "a\nb"}}, Reason.FIELD_INVALID),
        ({"titles": {"ko": "가", "en": "x" * 201}}, Reason.FIELD_INVALID),
        ({"titles": {"ko": "가", "en": "a", "fr": "b"}}, Reason.FIELD_INVALID),
        ({"ends": NOW - DAY}, Reason.FIELD_INVALID),
    ],
)
def test_a_project_that_cannot_be(changes: dict[str, Any], reason: Reason) -> None:
    world = make_world()
    given: dict[str, Any] = {"slug": "new", "titles": TITLES, **changes}
    with pytest.raises(OnggiError) as refused:
        projects.create_project(world.context, "admin", **given)
    assert refused.value.reason is reason
    assert world.audit.events == []


@pytest.mark.parametrize("field", ["sessions", "cpus", "memory_bytes", "storage_bytes"])
@pytest.mark.parametrize("value", [-1, 2**60])
def test_a_quota_that_cannot_be(field: str, value: int) -> None:
    world = make_world()
    quota = Quota("liver", **{field: value})
    with pytest.raises(Invalid) as refused:
        projects.set_quota(world.context, "admin", quota)
    assert refused.value.params["field"] == field


def test_adding_a_member_again_gives_a_new_role_and_dates() -> None:
    world = make_world()
    members.end_member(world.context, "admin", "liver", "researcher1")
    members.add_member(world.context, "admin", "liver", "researcher1", "lead", NOW, NOW + DAY)
    with world.registry.reading() as store:
        one = store.membership("liver", "researcher1")
    assert one is not None
    assert (one.role, one.ends) == (Role.LEAD, NOW + DAY)


@pytest.mark.parametrize(
    ("project", "person", "role", "kind"),
    [
        ("nowhere", "nobody", "researcher", NotFound),
        ("liver", "stranger", "researcher", NotFound),
        ("liver", "nobody", "admin", Invalid),
        ("liver", "nobody", "", Invalid),
    ],
)
def test_a_member_that_cannot_be(project: str, person: str, role: str, kind: type[OnggiError]) -> None:
    world = make_world()
    with pytest.raises(kind):
        members.add_member(world.context, "admin", project, person, role)


def test_ending_what_is_not_there() -> None:
    world = make_world()
    with pytest.raises(NotFound):
        members.end_member(world.context, "admin", "liver", "researcher2")
    with pytest.raises(NotFound):
        datasets.end_grant(world.context, "admin", "claims", "nafld", "1")


def test_grants() -> None:
    world = make_world()
    with pytest.raises(NotFound):
        datasets.give_grant(world.context, "admin", "liver", "nafld", "9")
    datasets.give_grant(world.context, "admin", "claims", "nafld", "1", NOW + DAY)
    ended = datasets.end_grant(world.context, "admin", "claims", "nafld", "1")
    assert ended.until == NOW


@pytest.mark.parametrize("name", ["Admin", "", "a b", "-x", "x" * 64, "가", "a\n"])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(Invalid):
        people.add_person(make_world().context, "admin", name)


def test_a_person_is_added_once() -> None:
    with pytest.raises(Conflict):
        people.add_person(make_world().context, "admin", "nobody")


@pytest.mark.parametrize("role", ["lead", "researcher", "root", ""])
def test_a_global_role_is_one_of_ours(role: str) -> None:
    with pytest.raises(Invalid):
        people.give_role(make_world().context, "admin", "nobody", role)


def test_the_last_administrator_stays_one() -> None:
    world = make_world()
    with pytest.raises(Conflict) as refused:
        people.take_role(world.context, "admin", "admin", "admin")
    assert refused.value.reason is Reason.LAST_ADMIN
    people.give_role(world.context, "admin", "nobody", "admin")
    people.take_role(world.context, "nobody", "admin", "admin")


def test_there_is_one_first_administrator() -> None:
    world = make_world()
    with pytest.raises(Conflict):
        people.first_admin(world.context, "nobody")


def test_a_data_set_is_verified_before_it_is_registered(tmp_path: Path, dataset_folder: Path) -> None:
    world = make_world()
    one = datasets.register_dataset(world.context, "admin", dataset_folder)
    assert one.path == str(dataset_folder)
    with pytest.raises(NotFound):
        datasets.register_dataset(world.context, "admin", tmp_path)
    with pytest.raises(Invalid):
        datasets.register_dataset(world.context, "admin", Path("relative"))
    next(dataset_folder.rglob("*.parquet")).write_bytes(b"changed")
    with pytest.raises(Tampered) as refused:
        datasets.register_dataset(world.context, "admin", dataset_folder)
    assert refused.value.reason is Reason.DATA_HASH_MISMATCH
    assert world.audit.actions() == ["dataset.register"]


def test_a_version_never_becomes_another(dataset_folder: Path) -> None:
    world = make_world()
    one = datasets.register_dataset(world.context, "admin", dataset_folder)
    manifest = dataset_folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"tier":"open"', b'"tier":"shut"'))
    with pytest.raises(Conflict):
        datasets.register_dataset(world.context, "admin", dataset_folder)
    with world.registry.reading() as store:
        assert store.dataset(one.name, one.version) == one
