"""The display gate decides message by message; what comes out is rebuilt, bounded and charged."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.display.answers import BUILDERS
from egress_review.display.budget import fit, text_bytes
from egress_review.display.document import policy_from_yaml, profile_text
from egress_review.display.policy import IMAGE_TYPES, TEXT_TYPES, DisplayPolicy
from egress_review.display.requests import Request
from egress_review.display.scope import Outcome
from onggi.reasons import Reason
from session.context import POLICY_UNKNOWN
from tests.support.display import POLICY, execute, make_gate, png, show

# requests


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("shell", "comm_msg"),
        ("shell", "comm_open"),
        ("control", "debug_request"),
        ("control", "execute_request"),
        ("shell", "shutdown_request"),
        ("iopub", "execute_request"),
        ("shell", "made_up"),
        ("nowhere", "execute_request"),
    ],
)
def test_a_request_that_is_not_listed_for_its_channel_is_not_forwarded(channel: str, kind: str) -> None:
    assert (
        make_gate().forward(channel, {"msg_id": "a", "msg_type": kind}, {"code": "1"})
        is Reason.DISPLAY_MESSAGE_DROPPED
    )


def test_a_request_is_rebuilt_and_asks_for_no_user_expressions() -> None:
    gate = make_gate()
    header = {
        "msg_id": "a",
        "msg_type": "execute_request",
        "session": "s",
        "subshell_id": "x",
        "more": "y" * 9000,
    }
    request = gate.forward(
        "shell", header, {"code": "1", "user_expressions": {"x": "open('f').read()"}, "more": 1}
    )
    assert isinstance(request, Request)
    assert request.content["user_expressions"] == {}
    assert set(request.content) == {
        "code",
        "silent",
        "store_history",
        "user_expressions",
        "allow_stdin",
        "stop_on_error",
    }
    assert set(request.header) == {"msg_id", "msg_type", "session", "username", "date", "version"}


def test_a_message_id_is_taken_once() -> None:
    gate = make_gate()
    execute(gate, "a")
    again = gate.forward("shell", {"msg_id": "a", "msg_type": "execute_request"}, {"code": "2"})
    assert again is Reason.DISPLAY_MESSAGE_DROPPED


@pytest.mark.parametrize("msg_id", ["", "a b", "\ud800", "x" * 129, "a\n", None, 5, ["a"]])
def test_a_message_id_that_could_not_stand_in_the_audit_log_is_refused(msg_id: Any) -> None:
    refused = make_gate().forward("shell", {"msg_id": msg_id, "msg_type": "execute_request"}, {"code": "1"})
    assert refused is Reason.DISPLAY_MESSAGE_DROPPED


def test_the_code_of_a_finished_cell_is_not_kept() -> None:
    gate = make_gate()
    request = execute(gate, code="x" * 100_000)
    show(gate, "status", {"execution_state": "idle"})
    assert request.content == {}


# budgets


def test_a_cell_shows_its_bytes_and_then_one_notice() -> None:
    gate = make_gate()
    execute(gate)
    first = show(gate, "stream", {"name": "stdout", "text": "x" * (POLICY.cell_text_bytes + 1)})
    second = show(gate, "stream", {"name": "stdout", "text": "more"})
    assert len(first.answers[0].content["text"]) <= POLICY.cell_text_bytes
    assert [notice.reason for notice in first.notices] == [Reason.DISPLAY_CELL_LIMIT]
    assert second.answers == []
    assert second.notices == []


def shown_text(outcome: Outcome) -> str:
    return "".join(answer.content["text"] for answer in outcome.answers)


def test_a_tighter_policy_holds_for_what_a_running_cell_still_shows() -> None:
    gate = make_gate()
    execute(gate)
    text = {"name": "stdout", "text": "x y " * 2500}
    before = len(shown_text(show(gate, "stream", text)))
    background = len(shown_text(show(gate, "stream", text, "invented")))
    assert before == background == 10_000
    gate.use(replace(POLICY, cell_text_bytes=12_000, background_bytes=5000, encoded_run=100))
    rest = show(gate, "stream", text)
    assert len(shown_text(rest)) < 2000
    assert rest.notices[0].params["limit"] == "12000"
    assert shown_text(show(gate, "stream", text, "invented")) == ""
    gate.use(POLICY)
    again = sum(len(shown_text(show(gate, "stream", text))) for _ in range(20))
    assert before + len(shown_text(rest)) + again <= POLICY.cell_text_bytes


def test_a_tighter_policy_cuts_shorter_runs_in_a_running_cell() -> None:
    gate = make_gate()
    execute(gate)
    gate.use(replace(POLICY, encoded_run=100))
    run = {"name": "stdout", "text": base64.b64encode(bytes(range(256)) * 2).decode()}
    assert [notice.reason for notice in show(gate, "stream", run).notices] == [Reason.DISPLAY_ENCODED_CUT]


def test_a_kernel_that_begins_before_the_policy_is_known_shows_nothing_and_then_what_that_allows() -> None:
    strict = policy_from_yaml(profile_text("strict"))
    gate = make_gate(POLICY_UNKNOWN)
    execute(gate)
    text = {"name": "stdout", "text": "x y " * 1000}
    assert not any(shown_text(show(gate, "stream", text, parent)) for parent in ("cell-1", "invented"))
    image = {"data": {"image/png": png(), "text/html": "<b>b</b>", "text/plain": "p"}, "metadata": {}}
    assert not any(answer.content["data"] for answer in show(gate, "display_data", image).answers)
    gate.use(strict)
    shown = sum(len(shown_text(show(gate, "stream", text))) for _ in range(10))
    assert strict.cell_text_bytes - 4000 < shown <= strict.cell_text_bytes
    shown = sum(len(shown_text(show(gate, "stream", text, "invented"))) for _ in range(10))
    assert strict.background_bytes - 4000 < shown <= strict.background_bytes


def test_an_invented_parent_gets_no_budget_of_its_own() -> None:
    gate = make_gate()
    shown = 0
    for number in range(200):
        for answer in show(
            gate, "stream", {"name": "stdout", "text": "x" * 4096}, f"invented-{number}"
        ).answers:
            shown += len(answer.content["text"])
    assert shown <= POLICY.background_bytes


def test_a_parent_that_is_no_execution_gets_no_cell_budget() -> None:
    gate = make_gate()
    for number in range(50):
        gate.forward(
            "shell", {"msg_id": f"i{number}", "msg_type": "inspect_request"}, {"code": "a", "cursor_pos": 1}
        )
    shown = 0
    for number in range(50):
        for answer in show(gate, "stream", {"name": "stdout", "text": "x" * 4096}, f"i{number}").answers:
            shown += len(answer.content["text"])
    assert shown <= POLICY.background_bytes


def test_a_full_cell_can_still_say_what_went_wrong() -> None:
    gate = make_gate()
    execute(gate)
    show(gate, "stream", {"name": "stdout", "text": "x" * (POLICY.cell_text_bytes + 1)})
    outcome = show(gate, "error", {"ename": "ValueError", "evalue": "bad", "traceback": ["line"] * 5})
    assert outcome.answers[0].content["evalue"] == "bad"
    flood = [show(gate, "error", {"ename": "E", "evalue": "", "traceback": ["t" * 4000]}) for _ in range(50)]
    text = "".join("".join(a.content["traceback"]) for outcome in flood for a in outcome.answers)
    assert len(text) <= POLICY.cell_error_bytes


def test_the_session_limit_holds_over_all_cells() -> None:
    policy = DisplayPolicy(session_bytes=10_000)
    gate = make_gate(policy)
    notices = []
    for number in range(40):
        execute(gate, f"c{number}")
        notices += show(gate, "stream", {"name": "stdout", "text": "x" * 1000}, f"c{number}").notices
    assert gate.meter.used <= 10_000  # type: ignore[attr-defined]
    assert {notice.reason for notice in notices} == {Reason.DISPLAY_SESSION_LIMIT}


def test_images_are_counted_and_bounded() -> None:
    gate = make_gate()
    execute(gate)
    outcomes = [
        show(gate, "display_data", {"data": {"image/png": png()}}) for _ in range(POLICY.cell_images + 1)
    ]
    assert sum(len(outcome.answers) for outcome in outcomes) == POLICY.cell_images
    assert outcomes[-1].notices[0].reason is Reason.DISPLAY_IMAGE_LIMIT
    execute(gate, "cell-2")
    large = show(
        gate,
        "display_data",
        {"data": {"image/png": png(400, 400, noise=True), "text/plain": "fig"}},
        "cell-2",
    )
    assert large.answers[0].content["data"] == {"text/plain": "fig"}
    assert large.notices[0].reason is Reason.DISPLAY_IMAGE_TOO_LARGE


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"GIF89a" + b"\0" * 50).decode(), "", "A"])
def test_what_is_no_image_is_not_shown_as_one(text: str) -> None:
    gate = make_gate()
    execute(gate)
    assert show(gate, "display_data", {"data": {"image/png": text}}).answers == []


# replies


def test_a_reply_answers_a_forwarded_request_once() -> None:
    gate = make_gate()
    execute(gate)
    reply = {
        "status": "ok",
        "execution_count": 1,
        "payload": [{"source": "page", "data": "secret"}],
        "user_expressions": {"a": 1},
    }
    first = show(gate, "execute_reply", reply, channel="shell")
    assert first.answers[0].content == {
        "status": "ok",
        "execution_count": 1,
        "user_expressions": {},
        "payload": [],
    }
    assert show(gate, "execute_reply", reply, channel="shell").dropped is not None
    assert show(gate, "execute_reply", reply, parent="invented", channel="shell").dropped is not None
    assert show(gate, "complete_reply", {"matches": ["a"]}, channel="shell").dropped is not None


def test_history_and_kernel_info_say_nothing_of_the_kernels() -> None:
    gate = make_gate()
    gate.forward("shell", {"msg_id": "h", "msg_type": "history_request"}, {})
    gate.forward("shell", {"msg_id": "i", "msg_type": "kernel_info_request"}, {})
    history = show(gate, "history_reply", {"history": [[1, 1, "secret"]]}, "h", "shell")
    info = show(gate, "kernel_info_reply", {"banner": "secret", "help_links": ["secret"]}, "i", "shell")
    assert "secret" not in json.dumps([history.answers[0].content, info.answers[0].content])


def test_completions_are_bounded() -> None:
    gate = make_gate()
    gate.forward("shell", {"msg_id": "c", "msg_type": "complete_request"}, {"code": "a", "cursor_pos": 1})
    reply = {
        "matches": ["m" * 150 + str(i) for i in range(5000)],
        "metadata": {"x": "secret"},
        "cursor_start": 0,
        "cursor_end": 1,
    }
    answer = show(gate, "complete_reply", reply, "c", "shell").answers[0]
    assert len(json.dumps(answer.content)) < POLICY.assist_bytes + 500
    assert "secret" not in json.dumps(answer.content)


def test_the_echo_of_a_cell_is_the_code_that_was_forwarded() -> None:
    gate = make_gate()
    execute(gate, code="real")
    outcome = show(gate, "execute_input", {"code": "secret", "execution_count": 1})
    assert outcome.answers[0].content["code"] == "real"
    assert show(gate, "execute_input", {"code": "secret", "execution_count": 1}).dropped is not None


def test_statuses_are_free_once_and_then_cost() -> None:
    gate = make_gate()
    execute(gate)
    before = gate.meter.used  # type: ignore[attr-defined]
    assert show(gate, "status", {"execution_state": "busy"}).answers
    assert show(gate, "status", {"execution_state": "idle"}).finished
    assert gate.meter.used == before  # type: ignore[attr-defined]
    more = [show(gate, "status", {"execution_state": "idle"}) for _ in range(10_000)]
    assert sum(len(outcome.answers) for outcome in more) <= POLICY.cell_text_bytes // POLICY.message_bytes
    assert not any(outcome.finished for outcome in more)
    assert show(gate, "status", {"execution_state": "secret"}).dropped is not None


# anything at all

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
kinds = [*sorted({kind for channel in BUILDERS.values() for kind in channel}), "comm_msg", "debug_reply", ""]
mimes = [*sorted(IMAGE_TYPES | TEXT_TYPES), "application/javascript", "image/svg+xml"]
bundles = st.fixed_dictionaries(
    {"data": st.dictionaries(st.sampled_from(mimes) | st.text(max_size=9), anything, max_size=4)},
    optional={
        "metadata": anything,
        "transient": anything,
        "execution_count": anything,
        "text": anything,
        "name": anything,
    },
)


@settings(max_examples=300, deadline=None)
@given(
    channel=st.sampled_from([*BUILDERS, "x"]),
    kind=st.sampled_from(kinds),
    content=anything | bundles,
    parent=anything,
)
def test_anything_is_decided_and_stays_within_what_was_charged(
    channel: str, kind: str, content: Any, parent: Any
) -> None:
    gate = make_gate()
    execute(gate)
    for given_parent in (parent, {"msg_id": "cell-1"}):
        outcome = gate.show(channel, {"msg_type": kind}, given_parent, content)
        sent = sum(text_bytes(json.dumps(answer.content, ensure_ascii=False)) for answer in outcome.answers)
        charged = gate.meter.used  # type: ignore[attr-defined]
        assert sent <= 4 * charged + 1200
        assert all(answer.kind == kind for answer in outcome.answers)


@given(text=st.text(), count=st.integers(0, 40))
def test_fitting_keeps_a_prefix_of_whole_characters(text: str, count: int) -> None:
    kept = fit(text, count)
    assert text.startswith(kept)
    assert text_bytes(kept) <= count
