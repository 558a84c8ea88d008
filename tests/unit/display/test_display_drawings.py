"""An image that the worker drew is known again, byte for byte and under the same limits, and no other is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from egress_review.display import drawings
from egress_review.display.drawings import KnownDrawings, RememberingWorker
from egress_review.display.images import Drawn
from egress_review.display.redrawing import ImageWorker
from onggi.reasons import Reason
from tests.support.display import POLICY, picture


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the process was asked to draw."""
    found: list[bytes] = []
    draw = ImageWorker.__call__

    def noting(self: ImageWorker, kind: str, raw: bytes, policy: object) -> Drawn | Reason:
        found.append(raw)
        return draw(self, kind, raw, policy)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageWorker, "__call__", noting)
    return found


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[RememberingWorker]:
    made = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    yield made
    made.close()


def drawn_of(worker: RememberingWorker, kind: str = "image/png", form: str = "PNG") -> Drawn:
    drawn = worker(kind, picture(form, 40, 30, noise=True), POLICY)
    assert isinstance(drawn, Drawn)
    return drawn


@pytest.mark.parametrize(
    ("kind", "form"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/gif", "GIF")]
)
def test_what_was_drawn_is_shown_again_as_it_is_also_by_a_later_server(
    worker: RememberingWorker, asked: list[bytes], tmp_path: Path, kind: str, form: str
) -> None:
    drawn = drawn_of(worker, kind, form)
    later = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    assert worker(drawn.kind, drawn.raw, POLICY) == drawn
    assert later(drawn.kind, drawn.raw, POLICY) == drawn
    assert len(asked) == 1


def test_a_source_is_drawn_however_often_it_comes(worker: RememberingWorker, asked: list[bytes]) -> None:
    for _ in range(2):
        drawn_of(worker, "image/gif", "GIF")
    assert len(asked) == 2


def test_a_byte_more_or_another_kind_is_another_image(worker: RememberingWorker, asked: list[bytes]) -> None:
    drawn = drawn_of(worker)
    shown = worker(drawn.kind, drawn.raw + b"person 12 has diabetes", POLICY)
    assert isinstance(shown, Drawn)
    assert b"diabetes" not in shown.raw
    worker("image/jpeg", drawn.raw, POLICY)
    assert len(asked) == 3


@pytest.mark.parametrize("limit", ["image_pixels", "image_bytes"])
def test_under_another_limit_it_is_drawn_again(
    worker: RememberingWorker, asked: list[bytes], limit: str
) -> None:
    drawn = drawn_of(worker)
    assert isinstance(worker(drawn.kind, drawn.raw, replace(POLICY, **{limit: 100})), Reason)
    assert len(asked) == 2


def test_what_is_refused_is_not_remembered(worker: RememberingWorker, asked: list[bytes]) -> None:
    for _ in range(2):
        assert isinstance(worker("image/png", picture()[:40], POLICY), Reason)
    assert len(asked) == 2


def test_another_pillow_knows_nothing_of_it(
    worker: RememberingWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = drawn_of(worker)
    assert KnownDrawings(tmp_path / "drawn").has(drawn, POLICY)
    monkeypatch.setattr(drawings.metadata, "version", lambda _: "0")
    assert not KnownDrawings(tmp_path / "drawn").has(drawn, POLICY)


def test_a_torn_file_is_read_to_where_it_is_whole_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "drawn"
    images = [Drawn("image/png", b"%d" % number) for number in range(3)]
    known = KnownDrawings(path)
    for image in images:
        known.add(image, POLICY)
    path.write_bytes(path.read_bytes()[:-3])
    KnownDrawings(path).add(images[2], POLICY)
    again = KnownDrawings(path)
    assert all(again.has(image, POLICY) for image in images)


def test_only_the_newest_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "_MOST", 8)
    known = KnownDrawings(tmp_path / "drawn")
    images = [Drawn("image/png", b"%d" % number) for number in range(30)]
    for image in images:
        known.add(image, POLICY)
    assert known.has(images[-1], POLICY)
    assert not known.has(images[0], POLICY)
    again = KnownDrawings(tmp_path / "drawn")
    assert [again.has(image, POLICY) for image in images] == [known.has(image, POLICY) for image in images]
    assert (tmp_path / "drawn").stat().st_size <= 8 * 16


def test_a_disk_that_takes_nothing_costs_the_next_server_and_not_this_one(tmp_path: Path) -> None:
    known = KnownDrawings(tmp_path / "missing" / "drawn")
    known.add(Drawn("image/png", b"a"), POLICY)
    assert known.has(Drawn("image/png", b"a"), POLICY)
