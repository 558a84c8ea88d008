"""Stored notebooks pass the same policy as outputs; what the browser has already costs nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.budget import CountingMeter
from egress_review.display.notebook import NotebookView
from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import Notice
from egress_review.display.seen import Seen, digest_of, digest_of_list
from onggi.errors import Invalid
from onggi.reasons import Reason
from tests.support.display import WORKER, png

POLICY = DisplayPolicy()


def make_view() -> tuple[NotebookView, CountingMeter]:
    meter = CountingMeter(POLICY.session_bytes)

    def tell(notice: Notice) -> str:
        return notice.reason.value

    return NotebookView(POLICY, meter, Seen(), tell, lambda _: WORKER), meter


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


def code(source: Any = "1", outputs: Any = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def test_a_stored_output_of_megabytes_is_cut_and_says_so() -> None:
    view, meter = make_view()
    stored = notebook(code("1", [{"output_type": "stream", "name": "stdout", "text": "x" * 3_000_000}]))
    shown = view.show(stored, "n.ipynb")
    assert len(json.dumps(shown)) < POLICY.cell_text_bytes + 1000
    assert shown["cells"][0]["outputs"][-1]["text"] == "[display_cell_limit]\n"
    assert meter.used < POLICY.cell_text_bytes + 1000


def test_a_source_of_megabytes_that_the_browser_never_sent_is_not_opened() -> None:
    view, _ = make_view()
    with pytest.raises(Invalid) as refused:
        view.show(notebook({"cell_type": "markdown", "metadata": {}, "source": "x" * 3_000_000}), "n.ipynb")
    assert refused.value.reason is Reason.FILE_TOO_LARGE


def test_what_the_browser_saved_comes_back_whole_and_free() -> None:
    view, meter = make_view()
    saved = notebook(code("x" * 400_000, [{"output_type": "stream", "name": "stdout", "text": "y" * 1000}]))
    view.remember(saved)
    shown = view.show(saved, "n.ipynb")
    assert shown["cells"][0]["source"] == "x" * 400_000
    assert meter.used <= 64


def test_opening_twice_is_charged_once_but_for_a_flat_price_a_cell() -> None:
    view, meter = make_view()
    stored = notebook(code("1", [{"output_type": "stream", "name": "stdout", "text": "y" * 1000}]))
    first = view.show(stored, "n.ipynb")
    used = meter.used
    view.show(first, "n.ipynb")
    assert meter.used == used + POLICY.message_bytes


def test_opening_the_same_file_twice_is_charged_once_though_its_html_is_cleaned() -> None:
    view, meter = make_view()
    html = {"output_type": "display_data", "data": {"text/html": "<b id=x>" + "y" * 1000}, "metadata": {}}
    stored = notebook(code("1", [html]))
    view.show(stored, "n.ipynb")
    used = meter.used
    view.show(stored, "n.ipynb")
    assert meter.used == used + POLICY.message_bytes


def test_script_and_attachments_and_widgets_are_left_out() -> None:
    view, _ = make_view()
    stored = notebook(
        code(
            "1",
            [
                {
                    "output_type": "display_data",
                    "data": {"application/javascript": "evil()", "text/plain": "p"},
                    "metadata": {},
                }
            ],
        ),
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": "m",
            "attachments": {"a.png": {"image/png": "evil"}},
        },
    )
    stored["metadata"]["widgets"] = {"state": "evil"}
    stored["evil"] = "evil"
    assert "evil" not in json.dumps(view.show(stored, "n.ipynb"))


def test_lines_and_one_string_are_the_same_source() -> None:
    view, meter = make_view()
    view.remember(notebook(code(["a\n", "b"])))
    before = meter.used
    view.show(notebook(code("a\nb")), "n.ipynb")
    assert meter.used - before <= 64


def test_lines_and_one_string_are_the_same_outputs() -> None:
    view, meter = make_view()
    table: dict[str, Any] = {"text/html": ["<b>a</b>\n", "<i>b</i>"], "text/plain": ["t"]}
    lines: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": ["y\n"] * 500},
        {"output_type": "display_data", "metadata": {}, "data": table},
    ]
    view.remember(notebook(code("1", lines)))
    joined = [
        lines[0] | {"text": "y\n" * 500},
        lines[1] | {"data": {"text/html": "<b>a</b>\n<i>b</i>", "text/plain": "t"}},
    ]
    view.show(notebook(code("1", joined)), "n.ipynb")
    assert meter.used <= 64


def test_nothing_else_is_known_by_what_a_list_of_outputs_is_known_by() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "y" * 1000}
    known_by = digest_of_list([digest_of(output)])
    written = [digest_of(output).hex(), digest_of(output).decode("latin-1")]
    imitations: list[Any] = [output, [output], *written, *([one] for one in written), {"outputs": written}]
    assert known_by not in {digest_of(one) for one in imitations}
    empty: list[Any] = ["", [], {}, None]
    assert digest_of_list([]) not in {digest_of(one) for one in empty}


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"nbformat": 3, "worksheets": []},
        notebook() | {"cells": {}},
        notebook({"cell_type": "x"}),
    ],
)
def test_what_is_no_notebook_is_refused(broken: Any) -> None:
    view, _ = make_view()
    with pytest.raises(Invalid) as refused:
        view.show(broken, "n.ipynb")
    assert refused.value.reason is Reason.NOTEBOOK_UNREADABLE


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(
    cells=st.lists(
        anything
        | st.fixed_dictionaries(
            {
                "cell_type": st.sampled_from(["code", "markdown"]),
                "source": anything,
                "outputs": anything,
                "metadata": anything,
            }
        ),
        max_size=4,
    )
)
def test_any_notebook_is_shown_or_refused(cells: list[Any]) -> None:
    view, _ = make_view()
    try:
        json.dumps(view.show(notebook(*cells), "n.ipynb"))
    except Invalid as refused:
        assert refused.reason in {Reason.NOTEBOOK_UNREADABLE, Reason.FILE_TOO_LARGE}  # noqa: PT017


def test_images_in_a_notebook_are_counted_per_cell() -> None:
    view, _ = make_view()
    image = png()
    outputs = [{"output_type": "display_data", "data": {"image/png": image}, "metadata": {}}] * 6
    shown = view.show(notebook(code("1", outputs)), "n.ipynb")["cells"][0]["outputs"]
    assert sum("image/png" in output.get("data", {}) for output in shown) == POLICY.cell_images


@pytest.mark.parametrize("hostile", [[], {}, None, 1])
def test_what_is_no_word_where_a_word_belongs_is_no_error(hostile: Any) -> None:
    view, _ = make_view()
    outputs = [{"output_type": hostile}, {"output_type": "stream", "name": hostile, "text": "x"}]
    assert view.show(notebook(code("1", outputs)), "n.ipynb")["cells"][0]["outputs"] == []
    with pytest.raises(Invalid):
        view.show(notebook(code() | {"cell_type": hostile}), "n.ipynb")


def test_halves_of_characters_are_shown_as_text() -> None:
    view, _ = make_view()
    outputs = [{"output_type": "display_data", "data": {"text/html": "<b>\ud800x</b>"}, "metadata": {}}]
    shown = view.show(notebook(code("\ud800", outputs)), "n.ipynb")["cells"][0]["outputs"]
    assert "<b>?x</b>" in shown[0]["data"]["text/html"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**4000])
def test_metadata_are_what_every_browser_can_read(value: Any) -> None:
    view, _ = make_view()
    shown = view.show(notebook() | {"metadata": {"a": value}}, "n.ipynb")
    json.loads(json.dumps(shown, allow_nan=False))
    assert len(json.dumps(shown)) < 100


def test_what_was_made_under_one_policy_is_made_anew_under_another() -> None:
    view, _ = make_view()
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(20))
    data = {"text/html": f"<table><tbody>{rows}</tbody></table>", "image/svg+xml": "<svg/>"}
    stored = notebook(code("1", [{"output_type": "display_data", "metadata": {}, "data": data}]))

    def html() -> str:
        return str(view.show(stored, "n.ipynb")["cells"][0]["outputs"][0]["data"].get("text/html"))

    first = html()
    assert first == html()
    assert first.count("<tr>") == 20
    view.apply(replace(POLICY, table_rows=3))
    assert html().count("<tr>") == 3
    view.apply(replace(POLICY, mime_types=frozenset()))
    assert "table" not in json.dumps(view.show(stored, "n.ipynb"))


def test_an_image_that_was_drawn_before_is_still_one_too_many() -> None:
    view, _ = make_view()
    data = {"image/png": png()}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    stored = notebook(code("1", [output] * (POLICY.cell_images + 2)))
    for _ in range(2):
        shown = view.show(stored, "n.ipynb")["cells"][0]["outputs"]
        assert sum("image/png" in one.get("data", {}) for one in shown) == POLICY.cell_images
