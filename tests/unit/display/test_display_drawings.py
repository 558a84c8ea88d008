"""An image that the worker drew is known again, sign for sign and under the same limits, and no other is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from egress_review.display import drawings
from egress_review.display.budget import CountingMeter
from egress_review.display.drawings import KnownDrawings, RememberingWorker
from egress_review.display.images import Drawn, encode_image
from egress_review.display.notebook import NotebookView
from egress_review.display.redrawing import ImageWorker
from egress_review.display.seen import Seen
from onggi.reasons import Reason
from tests.support.display import POLICY, picture

PNG = "image/png"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the process was asked to draw."""
    found: list[bytes] = []
    draw = ImageWorker.__call__

    def noting(self: ImageWorker, kind: str, raw: bytes, policy: Any) -> Drawn | Reason:
        found.append(raw)
        return draw(self, kind, raw, policy)

    monkeypatch.setattr(ImageWorker, "__call__", noting)
    return found


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[RememberingWorker]:
    made = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    yield made
    made.close()


def drawn_of(worker: RememberingWorker, kind: str = "image/gif", form: str = "GIF") -> tuple[str, str]:
    drawn = worker(kind, picture(form, 40, 30, noise=True), POLICY)
    assert isinstance(drawn, Drawn)
    return drawn.kind, encode_image(drawn.raw)


def opened(worker: RememberingWorker, kind: str, encoded: str) -> tuple[Any, int]:
    """What a stored notebook with this image shows, and what is charged for it."""
    meter = CountingMeter(POLICY.session_bytes)
    output = {"output_type": "display_data", "metadata": {}, "data": {kind: encoded}}
    cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [output]}
    view = NotebookView(POLICY, meter, Seen(), lambda notice: notice.reason.value, lambda _: worker)
    shown = view.show({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}, "n.ipynb")
    return shown["cells"][0]["outputs"][0], meter.used


@pytest.mark.parametrize(("kind", "form"), [(PNG, "PNG"), ("image/jpeg", "JPEG"), ("image/gif", "GIF")])
def test_what_was_drawn_is_known_also_by_a_later_server(
    worker: RememberingWorker, tmp_path: Path, kind: str, form: str
) -> None:
    drawn = drawn_of(worker, kind, form)
    later = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    assert worker.drew(*drawn, POLICY)
    assert later.drew(*drawn, POLICY)


def test_a_notebook_with_it_is_shown_unchanged_and_charged_the_same(
    worker: RememberingWorker, asked: list[bytes], tmp_path: Path
) -> None:
    kind, encoded = drawn_of(worker, PNG, "PNG")
    output, charged = opened(worker, kind, encoded)
    assert output["data"] == {kind: encoded}
    assert len(asked) == 1
    (tmp_path / "other").mkdir()
    fresh = RememberingWorker(KnownDrawings(tmp_path / "other" / "drawn"))
    assert opened(fresh, kind, encoded) == (output, charged)
    fresh.close()
    assert len(asked) == 2


def test_a_sign_more_or_another_kind_is_another_image(worker: RememberingWorker, asked: list[bytes]) -> None:
    kind, encoded = drawn_of(worker)
    assert not worker.drew("image/jpeg", encoded, POLICY)
    assert not worker.drew(kind, encoded + "\n", POLICY)
    raw = picture("PNG", 40, 30, noise=True) + b"person 12 has diabetes"
    output, _ = opened(worker, PNG, encode_image(raw))
    assert output["data"][PNG] != encode_image(raw)
    assert len(asked) == 2


@pytest.mark.parametrize("limit", ["image_pixels", "image_bytes"])
def test_under_another_limit_it_is_not_known(worker: RememberingWorker, limit: str) -> None:
    drawn = drawn_of(worker)
    assert not worker.drew(*drawn, replace(POLICY, **{limit: 100}))  # type: ignore[arg-type]


def test_what_is_refused_is_not_remembered(worker: RememberingWorker) -> None:
    broken = picture()[:40]
    assert isinstance(worker(PNG, broken, POLICY), Reason)
    assert not worker.drew(PNG, encode_image(broken), POLICY)


def test_another_pillow_knows_nothing_of_it(
    worker: RememberingWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = drawn_of(worker)
    assert KnownDrawings(tmp_path / "drawn").has(*drawn, POLICY)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0")
    assert not KnownDrawings(tmp_path / "drawn").has(*drawn, POLICY)


def test_a_torn_file_is_read_to_where_it_is_whole_and_goes_on(tmp_path: Path) -> None:
    path, images = tmp_path / "drawn", ["a", "b", "c"]
    known = KnownDrawings(path)
    for image in images:
        known.add(PNG, image, POLICY)
    path.write_bytes(path.read_bytes()[:-3])
    KnownDrawings(path).add(PNG, "c", POLICY)
    again = KnownDrawings(path)
    assert all(again.has(PNG, image, POLICY) for image in images)


def test_only_the_newest_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "_MOST", 8)
    known, images = KnownDrawings(tmp_path / "drawn"), [str(number) for number in range(30)]
    for image in images:
        known.add(PNG, image, POLICY)
    assert known.has(PNG, images[-1], POLICY)
    assert not known.has(PNG, images[0], POLICY)
    again = KnownDrawings(tmp_path / "drawn")
    assert [again.has(PNG, one, POLICY) for one in images] == [known.has(PNG, one, POLICY) for one in images]
    assert (tmp_path / "drawn").stat().st_size <= 8 * 32


def test_a_disk_that_takes_nothing_costs_the_next_server_and_not_this_one(tmp_path: Path) -> None:
    known = KnownDrawings(tmp_path / "missing" / "drawn")
    known.add(PNG, "a", POLICY)
    assert known.has(PNG, "a", POLICY)
