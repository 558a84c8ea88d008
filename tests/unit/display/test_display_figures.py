"""Images that were never drawn go to the page by name, are drawn when they are looked at, and never lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.budget import CountingMeter
from egress_review.display.drawings import KnownDrawings, RememberingWorker
from egress_review.display.figures import FIGURE, Figures, KeptImage, KeptImages
from egress_review.display.images import Drawn, encode_image, refuse_all
from egress_review.display.notebook import NotebookView
from egress_review.display.seen import Seen
from onggi.errors import Conflict, NotFound
from onggi.reasons import Reason
from tests.support.display import POLICY, WORKER, picture, png

PNG = "image/png"


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    return Figures(KeptImages(tmp_path / "figures"), WORKER)


def view_of(figures: Figures) -> tuple[NotebookView, CountingMeter]:
    meter = CountingMeter(POLICY.session_bytes)
    return NotebookView(POLICY, meter, Seen(), lambda notice: notice.reason.value, figures.of), meter


def notebook(*bundles: dict[str, Any], metadata: Any = None) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "metadata": metadata or {}, "data": one} for one in bundles]
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "outputs": outputs}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}


def outputs_of(shown: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown["cells"][0]["outputs"]
    return found


def test_an_image_that_was_never_drawn_is_a_name_and_charged_as_one(figures: Figures) -> None:
    view, meter = view_of(figures)
    encoded = png(200, 200, noise=True)
    (output,) = outputs_of(view.show(notebook({PNG: encoded, "text/plain": "<Figure>"}), "n.ipynb"))
    assert set(output["data"]) == {FIGURE, "text/plain"}
    name = output["data"][FIGURE]["figure"]
    assert figures.find(name) == KeptImage("n.ipynb", PNG, encoded)
    assert len(name) <= meter.used < 1000
    assert encoded[20:60] not in json.dumps(output)


def test_what_it_shows_is_drawn_anew_and_holds_nothing_but_pixels(figures: Figures) -> None:
    raw = picture("PNG", 40, 30, noise=True) + b"person 12 has diabetes"
    view, _ = view_of(figures)
    (output,) = outputs_of(view.show(notebook({PNG: encode_image(raw)}), "n.ipynb"))
    drawn = figures.draw(figures.find(output["data"][FIGURE]["figure"]), POLICY)
    assert isinstance(drawn, Drawn)
    assert b"person 12" not in drawn.raw


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("bm90IGFuIGltYWdl", Reason.DISPLAY_IMAGE_BROKEN),
        ("no base64 at all", Reason.DISPLAY_IMAGE_BROKEN),
        (png(3000, 3000), Reason.DISPLAY_IMAGE_PIXELS),
    ],
)
def test_what_cannot_be_drawn_says_why(figures: Figures, encoded: str, reason: Reason) -> None:
    view, _ = view_of(figures)
    (output,) = outputs_of(view.show(notebook({PNG: encoded}), "n.ipynb"))
    assert figures.draw(figures.find(output["data"][FIGURE]["figure"]), POLICY) is reason


def test_the_images_of_a_cell_are_counted_though_none_is_drawn(figures: Figures) -> None:
    view, _ = view_of(figures)
    bundles = [{PNG: png(20, 10 + number)} for number in range(POLICY.cell_images + 2)]
    outputs = outputs_of(view.show(notebook(*bundles), "n.ipynb"))
    assert sum(FIGURE in one.get("data", {}) for one in outputs) == POLICY.cell_images
    assert outputs[-1]["text"] == "[display_image_limit]\n"


def test_a_name_that_a_kernel_wrote_into_a_notebook_never_reaches_the_page(figures: Figures) -> None:
    view, _ = view_of(figures)
    name = figures.of("other.ipynb").later(PNG, png())
    shown = view.show(notebook({FIGURE: {"figure": name}, "text/plain": "x"}), "n.ipynb")
    assert outputs_of(shown)[0]["data"] == {"text/plain": "x"}


def test_what_a_page_saves_holds_its_images_as_they_were(figures: Figures) -> None:
    view, _ = view_of(figures)
    stored = notebook(
        {PNG: png(30, 30), "text/plain": "a"}, {"text/plain": "b"}, metadata={PNG: {"width": 300}}
    )
    shown = view.show(stored, "n.ipynb")
    assert outputs_of(shown)[0]["metadata"] == {FIGURE: {"width": 300}}
    assert outputs_of(figures.put_back(shown))[0] == outputs_of(stored)[0]
    assert outputs_of(figures.put_back(shown))[1] == outputs_of(shown)[1]


@pytest.mark.parametrize("said", [{"figure": "0" * 64}, {"figure": "../meter"}, {"figure": 3}, {}, None, "x"])
def test_a_name_that_is_not_kept_refuses_the_saving(figures: Figures, said: Any) -> None:
    with pytest.raises(Conflict) as refused:
        figures.put_back(notebook({FIGURE: said}))
    assert refused.value.reason is Reason.FIGURE_NOT_KEPT


@pytest.mark.parametrize("name", ["", "0" * 64, "../" * 20 + "etc/hostname", "A" * 64, "x.new"])
def test_no_other_file_is_found_by_a_name(figures: Figures, name: str) -> None:
    with pytest.raises(NotFound):
        figures.find(name)


@given(st.text(), st.text(), st.text())
def test_whatever_stands_in_a_notebook_is_kept_sign_for_sign(
    tmp_path_factory: pytest.TempPathFactory, notebook_name: str, kind: str, encoded: str
) -> None:
    kept = KeptImages(tmp_path_factory.mktemp("kept"))
    image = KeptImage(notebook_name, kind, encoded)
    assert kept.find(kept.keep(image)) == image


def test_a_later_server_knows_the_names(tmp_path: Path) -> None:
    name = KeptImages(tmp_path / "figures").keep(KeptImage("n.ipynb", PNG, "a"))
    assert KeptImages(tmp_path / "figures").find(name).encoded == "a"


def test_those_not_opened_for_the_longest_go_when_there_is_no_room(tmp_path: Path) -> None:
    kept = KeptImages(tmp_path / "figures", most_bytes=5000)
    names = [kept.keep(KeptImage("n.ipynb", PNG, f"{number}" * 1000)) for number in range(4)]
    for age, name in enumerate(names):
        os.utime(tmp_path / "figures" / name, (1000 + age, 1000 + age))
    kept.keep(KeptImage("n.ipynb", PNG, "0" * 1000))  # opened again
    names.append(kept.keep(KeptImage("n.ipynb", PNG, "4" * 1500)))
    assert sum(file.stat().st_size for file in (tmp_path / "figures").iterdir()) <= 5000
    assert kept.find(names[0]).encoded == "0" * 1000
    assert kept.find(names[4]).encoded == "4" * 1500
    with pytest.raises(NotFound):
        kept.find(names[1])


def test_on_a_full_disk_an_image_is_drawn_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Figures(KeptImages(tmp_path / "figures"), WORKER)
    monkeypatch.setattr(Path, "write_bytes", _no_room)
    view, _ = view_of(figures)
    (output,) = outputs_of(view.show(notebook({PNG: png()}), "n.ipynb"))
    assert set(output["data"]) == {PNG}


def test_what_was_drawn_here_is_shown_at_once(tmp_path: Path) -> None:
    worker = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    drawn = worker(PNG, picture("PNG", 30, 30, noise=True), POLICY)
    worker.close()
    assert isinstance(drawn, Drawn)
    view, _ = view_of(Figures(KeptImages(tmp_path / "figures"), worker))
    (output,) = outputs_of(view.show(notebook({PNG: encode_image(drawn.raw)}), "n.ipynb"))
    assert output["data"] == {PNG: encode_image(drawn.raw)}


def test_the_same_image_in_two_notebooks_has_two_names(figures: Figures) -> None:
    one, other = (figures.of(name).later(PNG, png()) for name in ("a.ipynb", "b.ipynb"))
    assert one != other
    assert figures.of("a.ipynb").later(PNG, png()) == one


def test_without_figures_nothing_is_named() -> None:
    assert refuse_all.later(PNG, png()) is None
    assert WORKER.later(PNG, png()) is None


def _no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")
