"""The desk's pages about what sessions show, over the real egress review in this process."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx
import itsdangerous
import pytest
from starlette.testclient import TestClient

from egress_review.meter import leasing, recording
from egress_review.meter.domain import Amounts, Piece
from egress_review.people import Caller
from onggi.domain import Membership
from onggi.permissions import Role
from tests.support import meter
from tests.support.desk_site import DeskSite
from tests.support.hub_world import NOW
from web.tokens import token_of

ORIGIN = "http://127.0.0.1:8001"
HEADERS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
CALLER = Caller("s-0000000000000001", "researcher1", "liver")
HOSTILE = "<script>alert(1)</script>\u202e' onload=x"


class Desk:
    """A desk whose egress review is the real app."""

    def __init__(self, state: Path) -> None:
        desk = DeskSite(state, base_port=8000)
        self.world, self.settings, self.site = desk.world, desk.settings, desk.review
        self.meter = self.site.parts.meter
        self.client = TestClient(desk.app, base_url=ORIGIN, follow_redirects=False)

    def sign_in(self, person: str, language: str = "en") -> None:
        secret = token_of(self.settings.secrets, "desk-cookie")
        data = b64encode(json.dumps({"person": person, "csrf": "token"}).encode())
        self.client.cookies.set("onggi-desk", itsdangerous.TimestampSigner(secret).sign(data).decode())
        self.client.cookies.set("onggi_language", language)

    def page(self, path: str) -> str:
        answer = self.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data={"csrf": "token", **fields}, headers=HEADERS)

    def show(self, *pieces: Piece) -> str:
        """A cell of researcher1 shows this; the id of its entry."""
        leasing.lend(self.meter, CALLER, meter.new_id(), Amounts(5_000_000, 0))
        showing = replace(meter.a_showing(self.meter, *pieces, caller=CALLER), subject=HOSTILE)
        recording.keep(self.meter, showing, "", pieces)
        return showing.id


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with made.client:
        yield made


PAGES = ("/display", "/display/unusual", "/display/projects/liver", f"/display/sessions/{CALLER.session_id}")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("filled", [False, True])
def test_no_key_is_shown_in_place_of_its_sentence(desk: Desk, language: str, filled: bool) -> None:
    paths = list(PAGES)
    if filled:
        paths.append(f"/display/showings/{desk.show(Piece('text/plain', 'x'), Piece('image/png', 'aGk='))}")
        desk.sign_in("admin")
        desk.send("/display/projects/liver/lift", member="researcher1", extra_mib="5", reason="figures")
    desk.sign_in("auditor", language)
    for path in paths:
        page = desk.page(path)
        assert f'<html lang="{language}">' in page
        text = re.sub(r"<[^>]*>", " ", page)
        assert re.findall(r"\b(?:desk|web|reasons|review)\.[a-z_]+", text) == []
        assert ("empty" in page) != filled or path in {"/display/projects/liver", paths[-1]}


def test_contents_are_text_and_images_and_looking_is_an_event(desk: Desk) -> None:
    showing = desk.show(Piece("text/html", HOSTILE), Piece("image/png", "aGk="))
    desk.sign_in("auditor")
    page = desk.page(f"/display/showings/{showing}")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert 'src="data:image/png;base64,aGk="' in page
    (event,) = [one for one in desk.meter.store.events if one.action == "display.look"]  # type: ignore[attr-defined]
    assert (event.actor, event.subject, event.project) == ("auditor", showing, "liver")
    assert "<script>alert" not in desk.page(PAGES[-1])


def test_a_policy_is_set_refused_with_its_field_named_and_never_over_another(desk: Desk) -> None:
    desk.sign_in("admin")
    path = "/display/projects/liver/policy"
    wrong = desk.send(path, profile="own", text="version: x-1\ncell_text_byte: 3", reason="r", expected="0")
    assert wrong.status_code == 422
    assert "cell_text_byte" in wrong.text
    assert "version: x-1" in wrong.text  # what was typed is there again
    assert desk.send(path, profile="strict", reason="tighter", expected="0").status_code == 303
    assert "strict-1@1" in desk.page("/display/projects/liver")
    assert desk.send(path, profile="standard", reason="looser", expected="0").status_code == 409
    assert desk.send(path, profile="standard", reason="", expected="1").status_code == 422
    assert desk.send(path, profile="none-such", reason="r", expected="1").status_code == 422
    own = "based_on: strict\nversion: liver-2\nrecord_days: 90"
    assert desk.send(path, profile="own", text=own, reason="a longer window", expected="1").status_code == 303
    page = desk.page("/display/projects/liver")
    assert "liver-2@2" in page
    assert "strict-1@1" in page  # all versions stay


def test_a_lift_adds_to_the_day_that_it_is(desk: Desk) -> None:
    desk.show(Piece("text/plain", "x"))
    desk.sign_in("admin")
    path = "/display/projects/liver/lift"
    assert desk.send(path, member="researcher2", extra_mib="5", reason="r").status_code == 404
    assert desk.send(path, member="researcher1", extra_mib="0", reason="r").status_code == 422
    assert desk.send(path, member="researcher1", extra_mib="5", reason=" ").status_code == 422
    assert desk.send(path, member="researcher1", extra_mib="5", reason="figures").status_code == 303
    page = desk.page("/display/projects/liver")
    assert "69 MB" in page  # 64 and 5 more
    assert "figures" in page


def test_whoever_belongs_to_a_project_decides_nothing_about_it(desk: Desk) -> None:
    with desk.world.registry.writing() as store:
        store.save_membership(Membership("liver", "admin", Role.LEAD, NOW, NOW))
    desk.sign_in("admin")
    for path, fields in (
        ("policy", {"profile": "open-data", "reason": "mine", "expected": "0"}),
        ("lift", {"member": "researcher1", "extra_mib": "5", "reason": "mine"}),
    ):
        answer = desk.send(f"/display/projects/liver/{path}", **fields)
        assert answer.status_code == 403
        assert "You belong to project liver" in answer.text
    assert desk.meter.store.policies("liver") == ()


@pytest.mark.parametrize("person", ["researcher1", "lead1", "reviewer1", "custodian", "nobody"])
def test_records_are_for_administrators_and_auditors(desk: Desk, person: str) -> None:
    showing = desk.show(Piece("text/plain", "x"))
    desk.sign_in(person)
    for path in (*PAGES, f"/display/showings/{showing}"):
        assert desk.client.get(path, headers={"Accept": "text/html"}).status_code == 403
    assert "display.look" not in {one.action for one in desk.meter.store.events}  # type: ignore[attr-defined]


def test_an_auditor_looks_and_changes_nothing(desk: Desk) -> None:
    desk.sign_in("auditor")
    assert "<textarea" not in desk.page("/display/projects/liver")
    answer = desk.send("/display/projects/liver/policy", profile="strict", reason="r", expected="0")
    assert answer.status_code == 403
    answer = desk.send("/display/projects/liver/lift", member="researcher1", extra_mib="1", reason="r")
    assert answer.status_code == 403


@pytest.mark.parametrize("session", ["s-1", ".s-0000000000000001", "s-0000000000000001%2f..", "x" * 200])
def test_what_is_no_session_is_not_asked_for(desk: Desk, session: str) -> None:
    desk.sign_in("auditor")
    assert desk.client.get(f"/display/sessions/{session}").status_code in {403, 404}
    assert desk.client.get(f"/display/sessions/{CALLER.session_id}?before=../x").status_code in {403, 404}
