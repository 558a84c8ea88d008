"""What reviewers see of files that are no tables: figures drawn anew, texts line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from egress_review.actions import submitting
from egress_review.check_runner import save_report
from egress_review.checks.report import CheckReport, Finding, FindingCode, OutputReport
from egress_review.display.images import Drawn
from egress_review.display.policy import DisplayPolicy
from egress_review.domain import Request
from egress_review.pages.lines import first_lines
from egress_review.pages.pictures import Pictures
from egress_review.room import Room
from onggi.errors import Invalid, NotFound
from onggi.reasons import Reason
from tests.support import review
from tests.support.display import picture
from tests.support.review_site import Everything, Site, text_of


@pytest.fixture
def parts(tmp_path: Path) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    return Site(tmp_path / "state", room), room, desk, clock


def handed_in(room: Room, name: str, file_type: str, content: bytes) -> Request:
    announced = [submitting.Announced(name, len(content))]
    made = submitting.open_request(room, review.RESEARCHER, "purpose", "", announced)
    review.hand_in(room, made, {1: content})
    request = submitting.submit(room, review.RESEARCHER, made.id)
    found = Finding(FindingCode.NO_PROOF_FOR_TYPE, {"type": file_type})
    report = OutputReport(name, request.outputs[0].sha256 or "", file_type, (found,))
    save_report(room, request, CheckReport((report,), "checks-1", "test"))
    return room.store.request(request.id)


def secret_png(tmp_path: Path) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("note", "SECRET-IN-THE-FILE")
    path = tmp_path / "figure.png"
    Image.effect_noise((60, 40), 50).save(path, pnginfo=info)
    return path.read_bytes()


def test_a_reviewer_sees_a_figure_drawn_anew_and_never_the_file(parts: Everything, tmp_path: Path) -> None:
    site, room, *_ = parts
    submitted = secret_png(tmp_path)
    request = handed_in(room, "figure.png", "png", submitted)
    browser = site.browser("reviewer1")
    address = f"/requests/{request.id}/outputs/1/picture"
    page = browser.get(f"/requests/{request.id}").text
    assert f'<img src="{address}" alt="The picture in file 1"' in page
    assert "Drawn anew from the pixels of the file." in text_of(page)
    answer = browser.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["cache-control"] == "no-store"
    assert b"SECRET-IN-THE-FILE" in submitted
    assert b"SECRET-IN-THE-FILE" not in answer.content
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(("person", "status"), [("reviewer3", 403), ("researcher1", 403), ("auditor1", 403)])
def test_figures_are_for_reviewers_from_outside_alone(
    parts: Everything, tmp_path: Path, person: str, status: int
) -> None:
    site, room, *_ = parts
    request = handed_in(room, "figure.png", "png", secret_png(tmp_path))
    assert site.browser(person).get(f"/requests/{request.id}/outputs/1/picture").status_code == status
    assert "/picture" not in site.browser("researcher1").get(f"/mine/{request.id}").text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\nno picture", "cannot be decoded"),
        (picture("PNG", 5000, 4001), "at most 20,000,000 pixels"),
    ],
)
def test_why_there_is_no_picture_is_said(parts: Everything, content: bytes, sentence: str) -> None:
    site, room, *_ = parts
    request = handed_in(room, "figure.png", "png", content)
    answer = site.browser("reviewer1").get(f"/requests/{request.id}/outputs/1/picture")
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)


def test_only_pictures_have_one(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    for number in (1, 2):
        answer = site.browser("reviewer1").get(f"/requests/{request.id}/outputs/{number}/picture")
        assert answer.status_code == 404


def test_a_picture_is_drawn_once_and_few_are_kept(tmp_path: Path) -> None:
    room, *_ = review.room_of(tmp_path)
    asked: list[bytes] = []

    def draw(kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        asked.append(raw)
        return Drawn(kind, bytes(40))

    kept = Pictures(room.vault, draw, kept_bytes=100)
    first, second, third = (
        handed_in(room, "a.png", "png", b"\x89PNG\r\n\x1a\n%d" % one).outputs[0] for one in range(3)
    )
    for one in (first, first, second, first, third, first, second):
        kept.drawn(one)
    assert [raw[-1:] for raw in asked] == [b"0", b"1", b"2", b"1"]


def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    room, *_ = review.room_of(tmp_path)
    output = handed_in(room, "a.png", "png", b"\x89PNG\r\n\x1a\n").outputs[0]
    answers: list[Drawn | Reason] = [Reason.DISPLAY_IMAGE_BROKEN, Drawn("image/png", b"drawn")]
    shown = Pictures(room.vault, lambda *_: answers.pop(0))
    with pytest.raises(Invalid):
        shown.drawn(output)
    assert shown.drawn(output).raw == b"drawn"
    with pytest.raises(NotFound):
        shown.drawn(review.in_review(room).outputs[0])


def test_a_text_is_shown_line_by_line_with_what_hides_in_it(parts: Everything) -> None:
    site, room, *_ = parts
    content = "a <b>bold</b> claim\ninvisible\u200b\tmark\nblanks at the end   \nlast\r\n".encode()
    request = handed_in(room, "notes.txt", "text", content)
    page = site.browser("reviewer1").get(f"/requests/{request.id}").text
    assert "<b>bold" not in page
    lines = page.partition('<ol class="lines">')[2].partition("</ol>")[0]
    assert lines.count("<li>") == 4
    assert "invisible U+200B U+0009 mark" in text_of(lines)
    assert "blanks at the end U+0020 × 3" in text_of(lines)
    assert "a &lt;b&gt;bold&lt;/b&gt; claim" in lines
    assert "lines are shown" not in text_of(page)
    assert 'class="lines"' not in site.browser("researcher1").get(f"/mine/{request.id}").text


def test_what_is_left_out_of_a_text_is_said() -> None:
    assert first_lines(b"1\n2\n", 2).cut is False
    assert first_lines(b"1\n2\n3", 2).lines == ("1", "2")
    assert first_lines(b"1\n2\n3", 2).cut
    assert first_lines(b"x" * 3000, 2).cut
    assert first_lines(b"x\n" * 300_000, 10**6).cut
    assert first_lines(b"\xff", 2).lines == ("\ufffd",)
