"""Comms pass for targets that the policy names, under names of ours, and are charged; else not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import Request
from onggi.reasons import Reason
from tests.support.display import execute, make_gate, show

POLICY = DisplayPolicy(comm_targets=frozenset({"onggi.progress"}))


def opened(policy: DisplayPolicy = POLICY, **content: Any) -> Any:
    gate = make_gate(policy)
    execute(gate)
    body = {"comm_id": "secret" * 5, "target_name": "onggi.progress", "data": {"a": 1}} | content
    return gate, show(gate, "comm_open", body)


def test_no_target_is_named_by_default() -> None:
    _, outcome = opened(DisplayPolicy())
    assert (outcome.answers, outcome.dropped) == ([], Reason.DISPLAY_MESSAGE_DROPPED)


def test_a_named_target_passes_under_a_name_of_ours_and_costs() -> None:
    gate, outcome = opened()
    assert outcome.answers[0].content == {
        "comm_id": "kernel-1",
        "target_name": "onggi.progress",
        "data": {"a": 1},
    }
    before = gate.meter.used
    message = show(gate, "comm_msg", {"comm_id": "secret" * 5, "data": {"b": "x" * 500}, "more": "secret"})
    assert message.answers[0].content["comm_id"] == "kernel-1"
    assert gate.meter.used - before >= 500
    assert "secret" not in json.dumps([message.answers[0].content, message.answers[0].metadata])
    show(gate, "comm_close", {"comm_id": "secret" * 5})
    assert show(gate, "comm_msg", {"comm_id": "secret" * 5, "data": {}}).answers == []


def test_buffers_are_charged_and_bounded() -> None:
    gate, _ = opened()
    before = gate.meter.used
    body = {"comm_id": "secret" * 5, "data": {}}
    parent = {"msg_id": "cell-1"}
    passed = gate.show("iopub", {"msg_type": "comm_msg"}, parent, body, buffers=(b"x" * 1000,))
    assert passed.answers[0].buffers == (b"x" * 1000,)
    assert gate.meter.used - before >= 1000
    refused = gate.show("iopub", {"msg_type": "comm_msg"}, parent, body, buffers=(b"x" * 100_000,))
    assert (refused.answers, refused.notices[0].reason) == ([], Reason.DISPLAY_CELL_LIMIT)


def test_buffers_of_anything_else_do_not_pass() -> None:
    gate, _ = opened()
    parent = {"msg_id": "cell-1"}
    content = {"name": "stdout", "text": "x"}
    passed = gate.show("iopub", {"msg_type": "stream"}, parent, content, buffers=(b"secret",))
    assert passed.answers[0].buffers == ()


@pytest.mark.parametrize("name", ["jupyter.widget", "", None, ["onggi.progress"]])
def test_the_page_opens_named_targets_only(name: Any) -> None:
    gate = make_gate(POLICY)
    header = {"msg_id": "a", "msg_type": "comm_open"}
    body = {"comm_id": "p1", "target_name": name, "data": {}}
    assert gate.forward("shell", header, body) is Reason.DISPLAY_MESSAGE_DROPPED


def test_the_page_speaks_to_the_kernels_own_name() -> None:
    gate, _ = opened()
    said = gate.forward(
        "shell", {"msg_id": "a", "msg_type": "comm_msg"}, {"comm_id": "kernel-1", "data": {"x": 1}}
    )
    assert isinstance(said, Request)
    assert said.content == {"comm_id": "secret" * 5, "data": {"x": 1}}
    unknown = gate.forward("shell", {"msg_id": "b", "msg_type": "comm_msg"}, {"comm_id": "other", "data": {}})
    assert unknown is Reason.DISPLAY_MESSAGE_DROPPED


def test_the_number_of_comms_is_bounded() -> None:
    gate, _ = opened()
    body = {"target_name": "onggi.progress", "data": {}}
    passed = sum(
        bool(show(gate, "comm_open", body | {"comm_id": f"c{number}"}).answers) for number in range(500)
    )
    assert passed < 200


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@given(anything, anything)
def test_any_data_is_rebuilt_or_dropped(comm_id: Any, data: Any) -> None:
    gate, _ = opened()
    for answer in show(
        gate, "comm_open", {"comm_id": comm_id, "target_name": "onggi.progress", "data": data}
    ).answers:
        json.dumps(answer.content, allow_nan=False)
