"""The demo's people, projects, grants and quotas, made through the same actions as everyone's; safe to
repeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.actions import datasets, members, people, projects
from hub.actions.context import Context, heal
from hub.composition import Installation
from hub.passwords import PasswordBook
from hub.settings import HubSettings
from hub.wiring import opened_context
from onggi.domain import Quota
from onggi.manifest import read_manifest
from onggi.permissions import Role

ADMIN = "admin"
PEOPLE = (ADMIN, "researcher1", "researcher2", "reviewer1", "reviewer2")
REVIEWERS = ("reviewer1", "reviewer2")
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A project of the demo: who works in it, with which data set."""

    slug: str
    titles: dict[str, str]
    member: str
    dataset: str


PROJECTS = (
    DemoProject(
        "nafld-study",
        {"ko": "비알코올 지방간 코호트 분석", "en": "Outcomes in non-alcoholic fatty liver disease"},
        "researcher1",
        "nafld",
    ),
    DemoProject(
        "claims-study",
        {"ko": "합성 청구 자료의 의료 이용 분석", "en": "Use of care in synthetic claims"},
        "researcher2",
        "claims",
    ),
)


def seed(context: Context, folders: Iterable[Path]) -> None:
    """Make what is missing.

    Args:
        folders: of the data-set versions to register.

    Raises:
        Unavailable: if registry or audit log do not answer.
        Tampered: `DATA_HASH_MISMATCH` if a data set does not match its manifest.
    """
    heal(context)
    _seed_people(context)
    _seed_datasets(context, folders)
    for project in PROJECTS:
        _seed_project(context, project)


def seed_demo(installation: Installation) -> None:
    """Seed a fresh installation, and give its people passwords.

    Raises:
        Unavailable, Tampered: see `seed`.
    """
    settings = HubSettings(state=installation.state, base_port=installation.base_port)
    folders = sorted(one.parent for one in installation.data.glob("*/*/manifest.json"))
    with opened_context(settings, "desk") as context:
        seed(context, folders)
    fresh = PasswordBook(settings.secrets).ensure(PEOPLE)
    if fresh:
        (settings.secrets / "demo-passwords-to-show").touch(mode=0o600)


def passwords_once(installation: Installation) -> dict[str, str]:
    """The demo's passwords the first time that this is asked after they were made; nothing later."""
    book = PasswordBook(installation.secrets)
    flag = installation.secrets / "demo-passwords-to-show"
    if not flag.exists():
        return {}
    flag.unlink()
    return book.shown()


def _seed_people(context: Context) -> None:
    with context.registry.reading() as store:
        known = {one.name: one for one in store.people()}
    if not any(Role.ADMIN in one.roles for one in known.values()):
        people.first_admin(context, ADMIN)
    for name in PEOPLE:
        if name not in known and name != ADMIN:
            roles = [Role.REVIEWER.value] if name in REVIEWERS else []
            people.add_person(context, ADMIN, name, roles)


def _seed_datasets(context: Context, folders: Iterable[Path]) -> None:
    for folder in folders:
        manifest = read_manifest(folder)
        with context.registry.reading() as store:
            known = store.dataset(manifest.name, manifest.version)
        if known is None or Path(known.path) != folder.resolve():
            datasets.register_dataset(context, ADMIN, folder.resolve())


def _seed_project(context: Context, project: DemoProject) -> None:
    with context.registry.reading() as store:
        known = store.project(project.slug)
        member = store.membership(project.slug, project.member)
        granted = {(one.dataset, one.version) for one in store.grants(project.slug)}
        there = [one for one in store.datasets() if one.name == project.dataset]
    if known is None:
        projects.create_project(context, ADMIN, project.slug, project.titles)
        projects.set_quota(context, ADMIN, Quota(project.slug, sessions=4, cpus=8, memory_bytes=16 * _GIB))
    if member is None:
        members.add_member(context, ADMIN, project.slug, project.member)
    for dataset in there:
        if (dataset.name, dataset.version) not in granted:
            datasets.give_grant(context, ADMIN, project.slug, dataset.name, dataset.version)
