"""What every registry promises, asked of each: in memory, SQLite, PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.registry.memory import MemoryRegistry
from hub.registry.migrate import open_registry
from hub.registry.store import Registry
from hub.registry.values import SessionRecord
from onggi.domain import DatasetVersion, Grant, Membership, Person, Quota
from onggi.errors import Conflict
from onggi.permissions import Role
from onggi.reasons import Reason
from tests.support import postgres
from tests.support.hub_world import DAY, NOW, a_project

ADMIN = Person("admin", frozenset({Role.ADMIN, Role.REVIEWER}))
NAFLD = DatasetVersion("nafld", "1", {"ko": "코호트", "en": "Cohort"}, "/data/nafld/1", "a" * 64)
SESSION = SessionRecord(
    session_id="s-0000000000000001",
    member="admin",
    project="liver",
    language="ko",
    key_sha256="b" * 64,
    cpus=2,
    memory_bytes=2**40,
    datasets=(("nafld", "1"), ("claims", "2")),
    started=NOW,
)


@pytest.fixture(scope="module")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = postgres.missing()
    if reason is not None:
        pytest.skip(reason)
    with postgres.running(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    if request.param == "postgres":
        url = _fresh_schema(request.getfixturevalue("postgres_url"))
    opened = open_registry(url)
    yield opened
    opened.close()


def _fresh_schema(url: str) -> str:
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres?", f"/{name}?")


def fill(registry: Registry) -> None:
    with registry.writing() as store:
        store.save_person(ADMIN)
        store.save_project(a_project("liver", NOW + DAY))
        store.save_dataset(NAFLD)


def test_what_is_saved_comes_out_equal(registry: Registry) -> None:
    fill(registry)
    membership = Membership("liver", "admin", Role.LEAD, NOW, NOW + DAY)
    grant, quota = Grant("liver", "nafld", "1", NOW + DAY), Quota("liver", 1, 2, 2**41, 4)
    with registry.writing() as store:
        store.save_membership(membership)
        store.save_grant(grant)
        store.save_quota(quota)
        store.save_session(SESSION)
        store.add_audit_ref("e-1")
    with registry.reading() as store:
        assert store.person("admin") == ADMIN
        assert store.people() == (ADMIN,)
        assert store.project("liver") == a_project("liver", NOW + DAY)
        assert store.projects() == (a_project("liver", NOW + DAY),)
        assert store.membership("liver", "admin") == membership
        assert store.memberships("liver", "admin") == (membership,)
        assert store.dataset("nafld", "1") == NAFLD
        assert store.datasets() == (NAFLD,)
        assert store.grant("liver", "nafld", "1") == grant
        assert store.grants("liver") == (grant,)
        assert store.quota("liver") == quota
        assert store.session(SESSION.session_id) == SESSION
        assert store.session_by_key("b" * 64) == SESSION
        assert store.open_sessions() == (SESSION,)
        assert store.has_audit_ref("e-1")


def test_what_is_not_there_is_none_or_empty_or_default(registry: Registry) -> None:
    with registry.reading() as store:
        assert store.person("admin") is None
        assert store.project("liver") is None
        assert store.membership("liver", "admin") is None
        assert store.dataset("nafld", "1") is None
        assert store.grant("liver", "nafld", "1") is None
        assert store.session("s-0000000000000001") is None
        assert store.session_by_key("b" * 64) is None
        assert not store.has_audit_ref("e-1")
        assert [*store.people(), *store.projects(), *store.memberships(), *store.grants()] == []
        assert store.quota("liver") == Quota("liver")


def test_saving_again_replaces(registry: Registry) -> None:
    fill(registry)
    with registry.writing() as store:
        store.save_person(replace(ADMIN, roles=frozenset()))
        store.save_session(SESSION)
        store.save_session(replace(SESSION, ended=NOW + DAY, end_reason="stopped"))
    with registry.reading() as store:
        assert store.person("admin") == Person("admin", frozenset())
        assert store.open_sessions() == ()
        ended = store.session(SESSION.session_id)
        assert ended is not None
        assert (ended.ended, ended.end_reason) == (NOW + DAY, "stopped")


def test_filters(registry: Registry) -> None:
    fill(registry)
    with registry.writing() as store:
        store.save_person(Person("researcher1", frozenset()))
        store.save_project(a_project("claims"))
        for number, (project, person) in enumerate(
            (("claims", "admin"), ("liver", "admin"), ("liver", "researcher1"))
        ):
            store.save_membership(Membership(project, person, Role.RESEARCHER, NOW, None))
            store.save_session(
                replace(
                    SESSION,
                    session_id=f"s-000000000000000{number}",
                    member=person,
                    project=project,
                    key_sha256=str(number) * 64,
                    started=NOW + timedelta(seconds=10 - number),
                )
            )
    with registry.reading() as store:
        assert [one.person for one in store.memberships(project="liver")] == ["admin", "researcher1"]
        assert [one.project for one in store.memberships(person="admin")] == ["claims", "liver"]
        assert [one.member for one in store.open_sessions()] == ["researcher1", "admin", "admin"]
        assert len(store.open_sessions(project="liver")) == 2
        assert len(store.open_sessions(project="liver", member="admin")) == 1
        assert store.open_sessions(member="researcher2") == ()


def test_a_block_that_raises_changes_nothing(registry: Registry) -> None:
    with pytest.raises(LookupError), registry.writing() as store:  # noqa: PT012
        store.save_person(ADMIN)
        store.add_audit_ref("e-1")
        raise LookupError
    with registry.reading() as store:
        assert store.people() == ()
        assert not store.has_audit_ref("e-1")


@pytest.mark.parametrize(
    "what",
    [
        Membership("liver", "researcher1", Role.RESEARCHER, NOW, None),
        Membership("claims", "admin", Role.RESEARCHER, NOW, None),
        Grant("liver", "nafld", "2", None),
        Grant("claims", "nafld", "1", None),
        Quota("claims"),
        replace(SESSION, member="researcher1"),
        replace(SESSION, project="claims"),
    ],
    ids=repr,
)
def test_what_names_something_that_is_not_there_is_refused(registry: Registry, what: object) -> None:
    fill(registry)
    with pytest.raises(Conflict) as refused, registry.writing() as store:  # noqa: PT012
        save = f"save_{type(what).__name__.lower().removesuffix('record')}"
        getattr(store, save)(what)
    assert refused.value.reason is Reason.STATE_CONFLICT


def test_two_sessions_never_share_a_key(registry: Registry) -> None:
    fill(registry)
    with pytest.raises(Conflict), registry.writing() as store:  # noqa: PT012
        store.save_session(SESSION)
        store.save_session(replace(SESSION, session_id="s-0000000000000002"))


def test_an_event_describes_one_write(registry: Registry) -> None:
    with registry.writing() as store:
        store.add_audit_ref("e-1")
    with pytest.raises(Conflict), registry.writing() as store:
        store.add_audit_ref("e-1")


def test_a_reader_never_sees_an_unfinished_write(registry: Registry) -> None:
    with registry.writing() as store:
        store.save_person(ADMIN)
        with registry.reading() as reader:
            assert reader.people() == ()
    with registry.reading() as reader:
        assert reader.people() == (ADMIN,)


def test_writers_take_turns(registry: Registry) -> None:
    """Eight threads add one to the same number; none is lost."""
    fill(registry)

    def add_one() -> None:
        with registry.writing() as store:
            quota = store.quota("liver")
            store.save_quota(replace(quota, sessions=quota.sessions + 1))

    with registry.writing() as store:
        store.save_quota(Quota("liver", sessions=0))
    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with registry.reading() as reader:
        assert reader.quota("liver").sessions == 8
