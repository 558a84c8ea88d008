"""Frames from both sides, as hostile as they come: decided, dropped or cut, never an error, never slow."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from egress_review.display.answers import BUILDERS
from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import Outcome
from onggi.reasons import Reason
from session.kernels import outgoing, wire
from tests.support.display import execute, make_gate

POLICY = DisplayPolicy()
KEY = b"the kernel's own key"
KINDS = [
    *sorted({kind for builders in BUILDERS.values() for kind in builders}),
    "comm_msg",
    "debug_event",
    "x",
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def signed(*parts: bytes, buffers: tuple[bytes, ...] = ()) -> list[bytes]:
    signature = hmac.new(KEY, b"".join(parts), hashlib.sha256).hexdigest().encode()
    return [b"topic", b"<IDS|MSG>", signature, *parts, *buffers]


def sign(parts: list[bytes]) -> bytes:
    return hmac.new(KEY, b"".join(parts), hashlib.sha256).hexdigest().encode()


def message(kind: Any, content: bytes, parent: Any = "cell-1") -> list[bytes]:
    header = json.dumps({"msg_type": kind, "msg_id": "k", "username": "secret"}).encode()
    return signed(header, json.dumps({"msg_id": parent}).encode(), b"{}", content)


def decide(frames: list[bytes], channel: str = "iopub", policy: DisplayPolicy = POLICY) -> Outcome | None:
    """What a connection does with a kernel's message, without the connection."""
    gate = make_gate(policy)
    execute(gate)
    apart = outgoing.take_apart(frames)
    found = outgoing.weigh(gate, apart, sign) if apart is not None else None
    if apart is None or found is None:
        return None
    if found.content is None:
        return gate.refuse_unread(found.parent)
    return gate.show(
        channel, found.header, found.parent, found.content, prepared=found.prepared, buffers=apart.buffers
    )


# the browser's side


@pytest.mark.parametrize("read", [wire.read_v1, wire.read_default])
@given(frame=st.binary(max_size=300) | st.text(max_size=300) | st.none())
@example(frame=b"\xff" * 400)
@example(frame="[" * 100_000)
@example(frame='{"header": ' + "9" * 10_000 + "}")
def test_any_frame_of_a_browser_is_read_or_refused(read: Any, frame: Any) -> None:
    try:
        found = read(frame)
    except ValueError:
        return
    assert isinstance(found.channel, str)
    gate = make_gate()
    gate.forward(found.channel, found.header, found.content)


@given(
    count=st.integers(0, 2**63) | st.integers(0, 70),
    offsets=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 400), max_size=12),
    rest=st.binary(max_size=200),
)
def test_any_offsets_of_v1_are_exact_or_refused(count: int, offsets: list[int], rest: bytes) -> None:
    frame = struct.pack(f"<{len(offsets) + 1}Q", count, *offsets) + rest
    try:
        wire.read_v1(frame)
    except ValueError:
        return
    assert offsets[count - 1] == len(frame)


@given(
    count=st.integers(0, 2**32 - 1) | st.integers(0, 5),
    offsets=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 100), max_size=6),
    rest=st.binary(max_size=200),
)
def test_any_offsets_of_the_default_form_are_exact_or_refused(
    count: int, offsets: list[int], rest: bytes
) -> None:
    frame = struct.pack(f">{len(offsets) + 1}I", count, *offsets) + rest
    try:
        wire.read_default(frame)
    except ValueError:
        return
    assert offsets[0] == 4 * (count + 1)


@given(st.lists(st.binary(max_size=50), max_size=4), st.sampled_from(["shell", "stdin", "control"]))
def test_what_we_write_can_be_read(buffers: list[bytes], channel: str) -> None:
    header, content = wire.pack({"msg_id": "a"}), wire.pack({"code": "이름 = '\"'"})
    v1 = wire.read_v1(wire.write_v1(channel, header, b"{}", b"{}", content, tuple(buffers)))
    default = wire.read_default(wire.write_default(channel, header, b"{}", b"{}", content, tuple(buffers)))
    assert v1 == default
    assert (v1.channel, v1.content["code"], v1.buffers) == (channel, "이름 = '\"'", tuple(buffers))


# the kernel's side


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS) | anything,
    content=anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200),
    parent=anything,
    channel=st.sampled_from([*BUILDERS, "x"]),
)
def test_any_message_of_a_kernel_is_decided(kind: Any, content: bytes, parent: Any, channel: str) -> None:
    outcome = decide(message(kind, content, parent), channel)
    for answer in outcome.answers if outcome is not None else ():
        wire.pack(answer.content)
        wire.pack(answer.metadata)


@given(st.lists(st.binary(max_size=60), max_size=9))
def test_any_multipart_message_is_taken_apart_or_refused(frames: list[bytes]) -> None:
    assert decide(frames) is None
    assert decide([*frames, b"<IDS|MSG>", *frames]) is None


BODY = b'{"name":"stdout","text":"x"}'


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"name":"stdout","text":' + b"9" * 10_000 + b"}",
        b'{"name":"stdout","text":"\xff\xfe"}',
        b'{"name":"stdout","text":"\\ud800"}',
        b'{"name":"stdout","name":["stdout"],"text":"x","text":{}}',
        b'{"name":"stdout","text":NaN}',
        b"",
        b"null",
    ],
    ids=[
        "depth",
        "depth of objects",
        "huge integer",
        "not UTF-8",
        "half a pair",
        "keys twice",
        "NaN",
        "empty",
        "null",
    ],
)
@pytest.mark.parametrize("kind", ["stream", "display_data", "error", "execute_result"])
def test_hostile_json_is_dropped_or_shown_as_text(kind: str, content: bytes) -> None:
    begun = time.monotonic()
    outcome = decide(message(kind, content))
    assert time.monotonic() - begun < 1
    for answer in outcome.answers if outcome is not None else ():
        wire.pack(answer.content).decode("utf-8")


def test_a_forged_signature_is_not_read() -> None:
    frames = message("stream", BODY)
    assert decide(frames) is not None
    assert decide([*frames[:2], b"0" * 64, *frames[3:]]) is None
    assert decide([*frames[:2], frames[2].upper(), *frames[3:]]) is None


def test_headers_over_their_limit_are_not_read() -> None:
    assert decide(signed(b'{"msg_type":"stream","x":"' + b"y" * 20_000 + b'"}', b"{}", b"{}", BODY)) is None


def test_nothing_of_header_and_metadata_comes_out() -> None:
    outcome = decide(message("stream", BODY))
    assert outcome is not None
    assert "secret" not in repr(outcome.answers)


def test_a_long_text_is_cut_before_it_is_read() -> None:
    for letter in ("x", "가", "\\u00e9", "\\ud83d\\ude00", "\\n", '\\"'):
        content = b'{"name":"stdout","text":"' + letter.encode() * 2_000_000 + b'"}'
        begun = time.monotonic()
        outcome = decide(message("stream", content))
        assert time.monotonic() - begun < 1
        assert outcome is not None
        shown = outcome.answers[0].content["text"]
        assert 0 < len(shown.encode()) <= POLICY.cell_text_bytes
        assert set(shown) == set(json.loads(f'"{letter}"'))
        assert outcome.notices[0].reason is Reason.DISPLAY_CELL_LIMIT


@pytest.mark.parametrize("most", range(40, 80))
def test_a_cut_never_ends_inside_a_letter(most: int) -> None:
    content = json.dumps({"name": "stdout", "text": "é😀\n가" * 30}).encode()
    assert "é😀\n가é😀\n가".startswith(json.loads(wire.cut_stream(content, most))["text"][:8])


def test_a_long_output_is_refused_unread_and_says_so() -> None:
    content = b'{"data":{"text/html":"' + b"x" * (POLICY.message_source_bytes + 1) + b'"}}'
    begun = time.monotonic()
    outcome = decide(message("display_data", content))
    assert time.monotonic() - begun < 0.2
    assert outcome is not None
    assert outcome.dropped is Reason.DISPLAY_MESSAGE_TOO_LARGE
    assert outcome.notices[0].params == {"limit": str(POLICY.message_source_bytes)}


def test_nested_bundles_are_no_bundles() -> None:
    nested: Any = "SECRET"
    for _ in range(100):
        nested = {"text/html": nested, "text/plain": [[]]}
    outcome = decide(message("display_data", json.dumps({"data": nested}).encode()))
    assert outcome is not None
    assert outcome.answers == []


def test_a_hundred_thousand_messages_stay_within_the_cell() -> None:
    gate = make_gate()
    execute(gate)
    content = {"name": "stdout", "text": "0123456789"}
    begun = time.monotonic()
    outcomes = [
        gate.show("iopub", {"msg_type": "stream"}, {"msg_id": "cell-1"}, content) for _ in range(100_000)
    ]
    assert time.monotonic() - begun < 10
    shown = sum(len(answer.content["text"]) for outcome in outcomes for answer in outcome.answers)
    assert shown <= POLICY.cell_text_bytes
    assert sum(len(outcome.notices) for outcome in outcomes) == 1


def test_what_is_cut_unread_is_what_would_be_cut_anyway() -> None:
    gate = make_gate()
    execute(gate)
    execute(gate, "cell-2")
    content = {"name": "stdout", "text": "x" * 10_000}
    for number in range(20):
        unread = gate.cut_unread({"msg_id": "cell-1"})
        outcome = gate.show("iopub", {"msg_type": "stream"}, {"msg_id": "cell-1"}, content)
        assert not (unread and (outcome.answers or outcome.notices))
        assert unread is (number > 6)  # six whole, one cut with its notice
    others: list[Any] = [{"msg_id": "cell-2"}, {"msg_id": "invented"}, {}, None, []]
    for parent in others:
        assert not gate.cut_unread(parent)


def test_a_kernel_that_answers_for_another_has_the_background_alone() -> None:
    """Gates share nothing but the session's meter: another kernel's cell is no cell here."""
    mine, others = make_gate(), make_gate()
    execute(others, "other-cell")
    shown = 0
    for number in range(100):
        parent = {"msg_id": "other-cell"}
        content = {"name": "stdout", "text": f"{number:04d}" * 1000}
        for answer in mine.show("iopub", {"msg_type": "stream"}, parent, content).answers:
            shown += len(answer.content["text"])
    assert shown <= POLICY.background_bytes
    reply = mine.show("shell", {"msg_type": "execute_reply"}, {"msg_id": "other-cell"}, {"status": "ok"})
    assert reply.dropped is Reason.DISPLAY_MESSAGE_DROPPED


def test_prompts_are_charged_to_the_cell() -> None:
    gate = make_gate()
    execute(gate)
    shown = 0
    for _ in range(1000):
        parent = {"msg_id": "cell-1"}
        for answer in gate.show(
            "stdin", {"msg_type": "input_request"}, parent, {"prompt": "x" * 5000}
        ).answers:
            shown += len(answer.content["prompt"])
    assert 0 < shown <= POLICY.cell_text_bytes
