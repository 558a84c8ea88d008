"""Every page of the desk in a real browser, in both languages: by the rules, narrow, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from egress_review.meter import leasing, recording
from egress_review.meter.domain import Amounts, Piece
from egress_review.people import Caller
from hub.registry.memory import MemoryRegistry
from hub.tour.installation import free_base_port
from onggi.domain import DatasetVersion, Membership, Person
from onggi.permissions import Role
from onggi.words import LANGUAGES, say
from tests.support import meter
from tests.support.desk_site import DeskSite
from tests.support.hub_world import DAY, NOW, World, make_world
from tests.support.looked_at import looked_at, open_page
from tests.support.review_site import serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CALLER = Caller("s-0000000000000001", "researcher1", "liver")
LONG = "a-name-as-long-as-a-project-is"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def furnish(world: World, folder: Path) -> None:
    """What the tables hold: a real data set, dates that are over, names as long as they may be, a session."""
    with world.registry.writing() as store:
        store.save_person(Person("someone-whose-name-is-as-long-as-a-name-may-be-in-this-house", frozenset()))
        store.save_membership(Membership("liver", "researcher2", Role.LEAD, NOW - 9 * DAY, NOW - DAY))
        store.save_membership(Membership("claims", "researcher1", Role.RESEARCHER, NOW - 9 * DAY, NOW - DAY))
        titles = {
            "ko": "이름이 아주 길어서 여러 줄에 걸쳐 적어야 하는 데이터셋",
            "en": "A data set of a long name",
        }
        store.save_dataset(DatasetVersion(LONG, "2026.11", titles, str(folder), "f" * 64))
    world.open("researcher1", "liver")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskSite]:
    folder = tmp_path_factory.mktemp("desk")
    made = DeskSite(folder / "state", free_base_port())
    furnish(made.world, folder)
    with serving(made, int(made.origin.rpartition(":")[2])):
        yield made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskSite]:
    """An installation on its first day: one administrator."""
    world = World(MemoryRegistry(), make_world().audit, make_world().clock)
    with world.registry.writing() as store:
        store.save_person(Person("admin", frozenset({Role.ADMIN})))
    made = DeskSite(tmp_path_factory.mktemp("empty") / "state", free_base_port(), world)
    with serving(made, int(made.origin.rpartition(":")[2])):
        yield made


@pytest.fixture(scope="module")
def showing(site: DeskSite) -> str:
    """A cell of researcher1 has shown text and an image."""
    room = site.review.parts.meter
    pieces = (Piece("text/plain", "sex  persons\n" * 40), Piece("image/png", PICTURE))
    leasing.lend(room, CALLER, meter.new_id(), Amounts(5_000_000, 0))
    one = replace(meter.a_showing(room, *pieces, caller=CALLER), subject="표 1.ipynb", policy="standard-1@0")
    recording.keep(room, one, "print(table)", pieces)
    return one.id


Refusal = tuple[str, str, dict[str, str]]
PAGES = {
    "home": ("researcher1", "/"),
    "home-of-nobody": ("nobody", "/"),
    "admin": ("admin", "/admin"),
    "project": ("admin", "/admin/projects/liver"),
    "project-empty": ("admin", "/admin/projects/claims"),
    "display": ("auditor", "/display"),
    "display-project": ("admin", "/display/projects/liver"),
    "display-session": ("auditor", f"/display/sessions/{CALLER.session_id}"),
    "display-showing": ("auditor", "/display/showings/"),
    "display-unusual": ("auditor", "/display/unusual"),
    "refused": ("researcher2", "/admin"),
    "not-found": ("admin", "/admin/projects/nowhere"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_the_rules(
    browser: Browser, site: DeskSite, showing: str, name: str, language: str, pictures: Path
) -> None:
    person, path = PAGES[name]
    page = open_page(browser, site, person, language, path + (showing if path.endswith("showings/") else ""))
    failed = page.get_by_role("heading", name=say(language, "web.error_title")).count()
    assert failed == (1 if name in {"refused", "not-found"} else 0)
    looked_at(page, f"desk-{name}", language, pictures)
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/admin", "/display", "/display/unusual"])
def test_an_empty_page_says_what_to_do(
    browser: Browser, empty: DeskSite, path: str, language: str, pictures: Path
) -> None:
    page = open_page(browser, empty, "admin", language, path)
    assert page.locator(".empty").count() >= 1
    looked_at(page, f"desk-empty{path.replace('/', '-')}", language, pictures)
    page.context.close()


def _refused(page: Page, form: str, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        page.locator(f'form[action="{form}"] [name="{name}"]').fill(value)
    page.locator(f'form[action="{form}"]').evaluate("one => { one.noValidate = true; }")
    page.locator(f'form[action="{form}"] button').click()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "refusal",
    [
        ("/admin", "/admin/projects", {"slug": "Not A Slug", "title_ko": "제목", "title_en": "Title"}),
        ("/admin", "/admin/datasets", {"folder": "/nowhere/at/all"}),
        ("/admin", "/admin/people", {"name": "admin"}),
        ("/admin/projects/liver", "/admin/projects/liver/members", {"ends": "2020-01-01"}),
        ("/admin/projects/liver", "/admin/projects/liver/quota", {"memory_gib": "-3", "cpus": "7"}),
        ("/admin/projects/liver", "/admin/projects/liver/grants", {"until": "2020-01-01"}),
        ("/display/projects/liver", "/display/projects/liver/lift", {"reason": ""}),
    ],
)
def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(
    browser: Browser, site: DeskSite, refusal: Refusal, language: str, pictures: Path
) -> None:
    path, form, fields = refusal
    page = open_page(browser, site, "admin", language, path)
    _refused(page, form, fields)
    expect(page.get_by_role("alert")).to_contain_text(say(language, "desk.refused_title"))
    for name, value in fields.items():
        expect(page.locator(f'form[action="{form}"] [name="{name}"]')).to_have_value(value)
    looked_at(page, f"desk-refused{form.replace('/', '-')}", language, pictures)
    page.context.close()
