"""Everything that a kernel can choose and a browser can see costs: no channel is free, however narrow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from egress_review.display.budget import CountingMeter
from egress_review.display.figures import Figures, KeptImages
from egress_review.display.gate import KernelGate
from egress_review.display.images import refuse_all
from egress_review.display.notebook import NotebookView
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import Request
from egress_review.display.scope import Outcome
from egress_review.display.seen import Seen
from onggi.errors import Invalid
from onggi.reasons import Reason
from session.contents.store import ProjectStore, Wanted
from session.meter import SessionMeter
from tests.support.session_meter import meter_with

POLICY = DisplayPolicy()


def make_gate(session_bytes: int = POLICY.session_bytes) -> tuple[KernelGate, CountingMeter]:
    meter = CountingMeter(session_bytes)
    return KernelGate(POLICY, meter), meter


def ask(gate: KernelGate, msg_id: str, kind: str = "execute_request", **content: Any) -> Request:
    request = gate.forward("shell", {"msg_id": msg_id, "msg_type": kind}, {"code": "x = 1", **content})
    assert isinstance(request, Request)
    return request


def show(gate: KernelGate, kind: str, parent: str, content: Any, channel: str = "iopub") -> Outcome:
    return gate.show(channel, {"msg_type": kind}, {"msg_id": parent}, content)


def test_the_number_of_a_cell_is_the_gates_own() -> None:
    gate, _ = make_gate()
    for number, secret in enumerate((1_234_567_890, 77, 2**31 - 1), start=1):
        ask(gate, f"c{number}")
        echo = show(gate, "execute_input", f"c{number}", {"code": "", "execution_count": secret})
        shown = show(
            gate, "execute_result", f"c{number}", {"data": {"text/plain": "1"}, "execution_count": secret}
        )
        reply = show(
            gate, "execute_reply", f"c{number}", {"status": "ok", "execution_count": secret}, "shell"
        )
        counts = {answer.answers[0].content["execution_count"] for answer in (echo, shown, reply)}
        assert counts == {number}


def test_an_unknown_type_is_not_named_by_the_kernels_words() -> None:
    gate, _ = make_gate()
    ask(gate, "c")
    outcome = show(gate, "display_data", "c", {"data": {"person 12 has diabetes": "x"}})
    assert [notice.params["type"] for notice in outcome.notices] == ["…"]
    ask(gate, "d")
    known = show(gate, "display_data", "d", {"data": {"application/pdf": "x"}})
    assert [notice.params["type"] for notice in known.notices] == ["application/pdf"]


def test_a_full_session_shows_no_empty_errors_either() -> None:
    """Each would say which of two thousand cells it belongs to, for nothing and for ever."""
    gate, meter = make_gate(2000)
    for number in range(50):
        ask(gate, f"c{number}")
    assert meter.take(meter.limit - meter.used)
    for number in range(50):
        assert show(gate, "error", f"c{number}", {"ename": "", "evalue": "", "traceback": []}).answers == []


def test_errors_of_a_full_cell_come_to_an_end() -> None:
    gate, _ = make_gate()
    ask(gate, "c")
    show(gate, "stream", "c", {"name": "stdout", "text": "x" * POLICY.cell_text_bytes})
    empty = {"ename": "", "evalue": "", "traceback": []}
    passed = sum(bool(show(gate, "error", "c", empty).answers) for _ in range(2000))
    assert 0 < passed <= POLICY.cell_error_bytes // POLICY.message_bytes


@pytest.mark.parametrize(("start", "end"), [(4_242_424, 13_371_337), (0, 2**24 - 1)])
def test_help_while_typing_carries_no_numbers_of_the_kernel(start: int, end: int) -> None:
    gate, meter = make_gate()
    ask(gate, "h", "complete_request", cursor_pos=3)
    content = {"status": "ok", "matches": [], "cursor_start": start, "cursor_end": end}
    (answer,) = show(gate, "complete_reply", "h", content, "shell").answers
    assert (answer.content["cursor_start"], answer.content["cursor_end"]) == (3, 3)
    assert meter.used >= POLICY.message_bytes
    ask(gate, "i", "complete_request", cursor_pos=3)
    (answer,) = show(gate, "complete_reply", "i", content | {"matches": ["xylophone"]}, "shell").answers
    assert max(answer.content["cursor_start"], answer.content["cursor_end"]) <= len("x = 1")


def test_is_complete_costs() -> None:
    gate, meter = make_gate()
    ask(gate, "i", "is_complete_request")
    show(gate, "is_complete_reply", "i", {"status": "incomplete", "indent": " " * 20}, "shell")
    assert meter.used >= POLICY.message_bytes


def test_an_answered_cell_whose_last_word_was_lost_is_closed_once() -> None:
    gate, _ = make_gate()
    request = ask(gate, "c")
    assert not gate.settle(request)
    show(gate, "execute_reply", "c", {"status": "ok"}, "shell")
    assert gate.settle(request)
    assert not gate.settle(request)


def cell(source: str, name: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def test_known_cells_in_another_order_and_new_ids_cost() -> None:
    meter = CountingMeter(POLICY.session_bytes)
    view = NotebookView(POLICY, meter, Seen(), lambda notice: notice.reason.value)
    letters = [cell(letter, letter) for letter in "abcdefghij"]
    saved = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": letters}
    view.remember(saved)
    message = [cell(letter, letter) for letter in "bedbadhjfi" * 10]
    before = meter.used
    view.show(saved | {"cells": message}, "n.ipynb")
    assert meter.used - before >= POLICY.message_bytes * len(message)
    before = meter.used
    view.show(saved | {"cells": [cell("a", "person-12-has-diabetes" + "x" * 40)]}, "n.ipynb")
    assert meter.used - before >= POLICY.message_bytes + 60


@pytest.fixture
def store(tmp_path: Path) -> tuple[ProjectStore, SessionMeter, Path]:
    project = tmp_path / "project"
    project.mkdir()
    meter = meter_with(tmp_path / "meter", POLICY.session_bytes)
    seen = Seen()
    view = NotebookView(POLICY, meter, seen, lambda notice: notice.reason.value)
    figures = Figures(KeptImages(tmp_path / "figures"), refuse_all)
    return ProjectStore(project, POLICY, meter, seen, view, figures), meter, project


def cost(meter: SessionMeter, action: Callable[[], Any]) -> int:
    before = meter.used
    action()
    return meter.used - before


def test_sizes_and_moments_of_files_cost_whenever_they_change(
    store: tuple[ProjectStore, SessionMeter, Path],
) -> None:
    contents, meter, project = store
    for number in range(100):
        (project / f"f{number}.txt").write_text("")

    def listing() -> Any:
        return contents.get("", Wanted(content=True))

    cost(meter, listing)
    assert cost(meter, listing) <= POLICY.message_bytes
    for number in range(100):
        os.truncate(project / f"f{number}.txt", 7_000_000_000 + number)
        os.utime(project / f"f{number}.txt", (1_000_000 + number, 1_000_000 + number))
    assert cost(meter, listing) >= 100 * POLICY.entry_bytes
    for number in range(0, 100, 2):
        (project / f"f{number}.txt").unlink()
    assert cost(meter, listing) >= 50 * POLICY.entry_bytes
    os.utime(project / "f1.txt", (5, 5))
    assert cost(meter, lambda: contents.get("f1.txt", Wanted())) >= POLICY.entry_bytes


def test_a_full_session_saves_on_and_says_nothing_new(
    store: tuple[ProjectStore, SessionMeter, Path],
) -> None:
    contents, meter, project = store
    contents.save("a.py", {"type": "file", "format": "text", "content": "1"})
    told = contents.get("a.py", Wanted())
    assert meter.take(meter.limit - meter.used)
    os.utime(project / "a.py", (5, 5))
    assert contents.get("a.py", Wanted()) == told
    contents.save("a.py", {"type": "file", "format": "text", "content": "22"})
    assert (project / "a.py").read_text() == "22"
    assert contents.save("b.py", {"type": "file", "format": "text", "content": "22"})["size"] == 0
    (project / "new.py").write_text("3")
    with pytest.raises(Invalid) as refused:
        contents.get("", Wanted(content=True))
    assert refused.value.reason is Reason.DISPLAY_SESSION_LIMIT
    assert json.dumps(contents.get("a.py", Wanted()), default=str) == json.dumps(told, default=str)


def test_a_notebook_nested_beyond_reading_is_refused_with_a_reason(
    store: tuple[ProjectStore, SessionMeter, Path],
) -> None:
    contents, _, project = store
    nested = "[" * 700 + "1" + "]" * 700
    cells = f'[{{"cell_type":"code","metadata":{{}},"source":"","outputs":{nested}}}]'
    text = f'{{"nbformat":4,"nbformat_minor":5,"metadata":{{}},"cells":{cells}}}'
    (project / "n.ipynb").write_text(text)
    with pytest.raises(Invalid) as refused:
        contents.get("n.ipynb", Wanted("notebook", content=True))
    assert refused.value.reason is Reason.NOTEBOOK_UNREADABLE


def test_a_folder_too_large_to_list_says_what_to_do(
    store: tuple[ProjectStore, SessionMeter, Path],
) -> None:
    contents, _, project = store
    contents.apply(replace(POLICY, listing_entries=10))
    for number in range(101):
        (project / f"f{number}.txt").touch()
    with pytest.raises(Invalid) as refused:
        contents.get("", Wanted(content=True))
    assert refused.value.reason is Reason.DISPLAY_LISTING_TOO_LONG
