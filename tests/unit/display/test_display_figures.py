"""Images that were never drawn go to the page by name, are drawn when they are looked at, and never lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
from onggi.errors import Conflict, Invalid, NotFound
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
    assert outputs_of(figures.put_back("n.ipynb", shown, 1000))[0] == outputs_of(stored)[0]
    assert outputs_of(figures.put_back("n.ipynb", shown, 1000))[1] == outputs_of(shown)[1]


@pytest.mark.parametrize("said", [{"figure": "0" * 64}, {"figure": "../meter"}, {"figure": 3}, {}, None, "x"])
def test_a_name_that_is_not_kept_refuses_the_saving(figures: Figures, said: Any) -> None:
    with pytest.raises(Conflict) as refused:
        figures.put_back("n.ipynb", notebook({FIGURE: said}), 1000)
    assert refused.value.reason is Reason.FIGURE_NOT_KEPT


def test_one_image_named_any_number_of_times_is_put_back_as_often_as_a_file_may_hold(
    figures: Figures,
) -> None:
    name = figures.of("n.ipynb").later(PNG, "x" * 400)
    named = [{FIGURE: {"figure": name}}] * 3
    assert len(outputs_of(figures.put_back("n.ipynb", notebook(*named[:2]), 1000))) == 2
    with pytest.raises(Invalid) as refused:
        figures.put_back("n.ipynb", notebook(*named), 1000)
    assert refused.value.reason is Reason.FILE_TOO_LARGE


@pytest.mark.parametrize("left", [b"", b"half of it"])
def test_an_image_of_which_a_power_cut_left_a_part_is_not_put_back_and_kept_again(
    tmp_path: Path, left: bytes
) -> None:
    kept, image = KeptImages(tmp_path / "figures"), KeptImage("n.ipynb", PNG, "a" * 1000)
    (tmp_path / "figures" / kept.keep(image)).write_bytes(left)
    with pytest.raises(NotFound):
        kept.find(kept_name(tmp_path))
    assert kept.find(kept.keep(image)) == image


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


def test_those_not_used_for_the_longest_go_when_there_is_no_room(tmp_path: Path) -> None:
    kept = KeptImages(tmp_path / "figures", most_bytes=7 * 4096)
    names = [kept.keep(KeptImage("n.ipynb", PNG, f"{number}" * 4000)) for number in range(7)]
    for age, name in enumerate(names):
        os.utime(tmp_path / "figures" / name, (1000 + age, 1000 + age))
    kept.keep(KeptImage("n.ipynb", PNG, "0" * 4000))  # opened again
    kept.find(names[1])  # saved
    names.append(kept.keep(KeptImage("n.ipynb", PNG, "7" * 4000)))
    assert sum(file.stat().st_size for file in (tmp_path / "figures").iterdir()) <= 7 * 4096
    for number in (0, 1, 4, 5, 6, 7):
        assert kept.find(names[number]).encoded == f"{number}" * 4000
    for number in (2, 3):
        with pytest.raises(NotFound):
            kept.find(names[number])


def test_images_of_a_few_bytes_count_as_what_they_take_on_a_disk(tmp_path: Path) -> None:
    kept = KeptImages(tmp_path / "figures", most_bytes=80 * 4096)
    for number in range(200):
        kept.keep(KeptImage("n.ipynb", PNG, f"{number}"))
    assert len(list((tmp_path / "figures").iterdir())) <= 80


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


@pytest.fixture
def remembering(tmp_path: Path) -> Iterator[RememberingWorker]:
    worker = RememberingWorker(KnownDrawings(tmp_path / "drawn"))
    yield worker
    worker.close()


def test_what_was_only_named_is_charged_when_it_is_shown_at_once(
    remembering: RememberingWorker, tmp_path: Path
) -> None:
    figures = Figures(KeptImages(tmp_path / "figures"), remembering)
    view, meter = view_of(figures)
    raw = our_own(picture("PNG", 200, 200, noise=True))
    (output,) = outputs_of(view.show(notebook({PNG: encode_image(raw)}), "n.ipynb"))
    assert isinstance(figures.draw(figures.find(output["data"][FIGURE]["figure"]), POLICY), Drawn)
    before = meter.used  # it was drawn, and then could not be paid: nobody has seen it
    (output,) = outputs_of(view.show(notebook({PNG: encode_image(raw)}), "n.ipynb"))
    assert output["data"] == {PNG: encode_image(raw)}
    assert meter.used - before >= len(raw)


def test_what_was_looked_at_is_not_charged_again_when_it_is_shown_at_once(
    remembering: RememberingWorker, tmp_path: Path
) -> None:
    figures, meter, seen = Figures(KeptImages(tmp_path / "f"), remembering), CountingMeter(10**9), Seen()
    view = NotebookView(POLICY, meter, seen, lambda notice: notice.reason.value, figures.of)
    raw = our_own(picture("PNG", 200, 200, noise=True))
    view.show(notebook({PNG: encode_image(raw)}), "n.ipynb")
    remembering(PNG, raw, POLICY)
    seen.add(encode_image(raw))
    before = meter.used
    (output,) = outputs_of(view.show(notebook({PNG: encode_image(raw)}), "n.ipynb"))
    assert output["data"] == {PNG: encode_image(raw)}
    assert meter.used - before < 1000


def test_the_same_image_in_two_notebooks_has_two_names(figures: Figures) -> None:
    one, other = (figures.of(name).later(PNG, png()) for name in ("a.ipynb", "b.ipynb"))
    assert one != other
    assert figures.of("a.ipynb").later(PNG, png()) == one


def test_without_figures_nothing_is_named() -> None:
    assert refuse_all.later(PNG, png()) is None
    assert WORKER.later(PNG, png()) is None


def kept_name(tmp_path: Path) -> str:
    (file,) = (tmp_path / "figures").iterdir()
    return file.name


def our_own(raw: bytes) -> bytes:
    """As a colleague's session drew it: drawn again it is the same, sign for sign."""
    drawn = WORKER(PNG, raw, POLICY)
    assert isinstance(drawn, Drawn)
    return drawn.raw


def _no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")
