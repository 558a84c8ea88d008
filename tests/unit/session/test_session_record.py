"""What is shown is written down before, with the hash of every byte, or it is not shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from egress_review.display.scope import Answer
from egress_review.meter.domain import Piece
from egress_review.meter.recording import digest_of as digest_of_pieces
from onggi.clock import SystemClock
from onggi.errors import Invalid, Unavailable
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from session.audit import AuditTrail
from session.http.charging import Prices, digest_of, text_in_json
from session.record import DisplayRecord, What, piece_hash, pieces_of
from session.sender import _body, send_waiting
from session.services import Service
from session.tab import KnownContent, open_tab
from web.journal import MAX_WAITING_BYTES, Journal, read_leaf
from web.spool import Spool

PLAN = SessionPlan("s-0123456789abcdef", "researcher1", "liver", "en", None, "key", "/project")
CELL = What("cell", "m-1", "k-1", 3, "print('x')", "c" * 64)


class Events:
    """The events that are in the spool, read as another process would."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "spool" / "events.jsonl"

    def __call__(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def actions(self) -> list[object]:
        return [one["action"] for one in self()]


@pytest.fixture
def events(tmp_path: Path) -> Events:
    return Events(tmp_path)


@pytest.fixture
def record(tmp_path: Path) -> DisplayRecord:
    audit = AuditTrail(PLAN, SystemClock(), Spool(tmp_path / "spool"), Service("review", "http://x", "key"))
    made = DisplayRecord(audit, Journal(tmp_path / "shown"), SystemClock())
    made.policy, made.keeps_contents = "standard-1@0", True
    return made


def test_intent_and_pieces_are_on_disk_when_before_returns(
    record: DisplayRecord, events: Events, tmp_path: Path
) -> None:
    record.before(CELL, [("text/plain", "한글\n"), ("image/png", "aGk=")])
    (intent,) = events()
    assert intent["action"] == "display.show"
    details = intent["details"]
    assert isinstance(details, dict)
    assert (details["policy"], details["code_sha256"]) == ("standard-1@0", "c" * 64)
    leaf = read_leaf(tmp_path / "shown" / str(details["showing"]))
    assert leaf.pieces == [("text/plain", "한글\n"), ("image/png", "aGk=")]
    assert (leaf.head["code"], leaf.end) == ("print('x')", None)


def test_the_end_says_size_hash_and_verdict_of_all_pieces(record: DisplayRecord, events: Events) -> None:
    shown = [("text/plain", "a"), ("text/plain", "bc"), ("text/html", "<b>")]
    for piece in shown:
        record.before(CELL, [piece])
    record.finish(CELL, 0)
    record.before(CELL, [("text/plain", "late")])
    record.finish(CELL, 2)
    record.finish(CELL, 1)
    record.finish(CELL, 0)  # nothing to say
    assert events.actions() == [
        "display.show",
        "cell.shown",
        "display.show",
        "cell.shown",
        "cell.shown",
    ]
    ends = [one["details"] for one in events() if one["action"] == "cell.shown"]
    assert [one["verdict"] for one in ends] == ["shown", "cut", "withheld"]  # type: ignore[index]
    assert ends[0]["shown_bytes"] == {"text/plain": 3, "text/html": 3}  # type: ignore[index]
    assert ends[0]["shown_sha256"] == digest_of_pieces(tuple(Piece(*one) for one in shown))  # type: ignore[index]
    assert len({one["showing"] for one in ends}) == 3  # type: ignore[index]


def test_what_cannot_be_written_down_is_refused(
    record: DisplayRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable(Reason.AUDIT_UNREACHABLE)

    monkeypatch.setattr(Spool, "append", full)
    with pytest.raises(Unavailable):
        record.before(CELL, [("text/plain", "a")])
    with pytest.raises(Unavailable):
        record.file_before("a.py", "text/plain", b"a")
    assert not record.queue


def test_a_files_name_is_for_egress_review_and_not_for_the_log(record: DisplayRecord, events: Events) -> None:
    record.file_before("김 아무개.ipynb", "application/json", b"{}")
    assert events.actions() == ["display.show", "file.shown"]
    assert "김" not in json.dumps(events(), ensure_ascii=False)
    (finished,) = record.queue.values()
    body = json.loads(_body(finished))
    assert (body["subject"], body["pieces"]) == ("김 아무개.ipynb", [["application/json", "{}"]])
    record.sent(body["id"])
    assert record.journal.waiting == 0


def test_a_hash_that_is_at_hand_is_the_one_that_is_written_down(
    record: DisplayRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = "김".encode()
    hashed = piece_hash("application/json", raw)
    record.file_before("a.ipynb", "application/json", raw)
    record.file_before("b.ipynb", "application/json", raw, hashed)
    assert len({one.body["sha256"] for one in record.queue.values()}) == 1
    with monkeypatch.context() as broken:  # shown, but its end could not be written down
        broken.setattr(record, "finish", lambda *_: None)
        record.file_before("c.ipynb", "application/json", raw, hashed)
    record.file_before("c.ipynb", "application/json", raw, hashed)
    both = digest_of_pieces(tuple(Piece("application/json", "김") for _ in range(2)))
    assert list(record.queue.values())[-1].body["sha256"] == both


def test_contents_are_let_go_of_when_too_much_waits_and_hashes_are_not(
    record: DisplayRecord, events: Events
) -> None:
    record.journal.waiting = MAX_WAITING_BYTES + 1
    record.before(CELL, [("text/plain", "a")])
    record.finish(CELL, 0)
    (finished,) = record.queue.values()
    assert "pieces" not in json.loads(_body(finished))
    assert events.actions() == ["display.show", "cell.shown"]


def test_a_policy_without_a_window_keeps_no_contents(record: DisplayRecord, tmp_path: Path) -> None:
    record.keeps_contents = False
    record.before(CELL, [("text/plain", "a")])
    assert list((tmp_path / "shown").iterdir()) == []


def test_a_half_written_piece_is_left_out(record: DisplayRecord, tmp_path: Path) -> None:
    record.before(CELL, [("text/plain", "whole"), ("text/plain", "torn")])
    (leaf,) = (tmp_path / "shown").iterdir()
    leaf.write_bytes(leaf.read_bytes()[:-3])
    assert read_leaf(leaf).pieces == [("text/plain", "whole")]


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        (Answer("stream", {"name": "stdout", "text": "a"}), [("text/plain", "a")]),
        (Answer("status", {"execution_state": "idle"}), []),
        (Answer("execute_input", {"code": "x", "execution_count": 1}), []),
        (
            Answer("error", {"ename": "E", "evalue": "v", "traceback": ["t1", "t2"]}),
            [("text/x-error", "E\nv\nt1\nt2")],
        ),
        (Answer("execute_reply", {"status": "ok", "payload": []}), []),
        (Answer("display_data", {"data": {"text/plain": "p", "image/png": "aGk="}}),
         [("text/plain", "p"), ("image/png", "aGk=")]),
        (Answer("complete_reply", {"matches": ["ab", "ac"]}), [("text/x-assist", "ab\nac")]),
        (Answer("inspect_reply", {"data": {"text/plain": "doc"}}), [("text/plain", "doc")]),
        (Answer("input_request", {"prompt": "name?", "password": False}), [("text/x-prompt", "name?")]),
        (Answer("comm_msg", {"data": "x"}, {}, (b"hi",)),
         [("application/json", '{"data": "x"}'), ("application/octet-stream", "aGk=")]),
    ],
)  # fmt: skip
def test_whatever_a_person_can_read_is_a_piece(answer: Answer, pieces: list[tuple[str, str]]) -> None:
    assert list(pieces_of([answer])) == pieces


def test_an_answer_that_is_known_costs_little() -> None:
    prices, large, small = Prices(), digest_of(b"x" * 5000), digest_of(b"y" * 3)
    assert prices.of(large, 5000, 16) == prices.of(large, 5000, 16) == 5000  # asked for, never given
    prices.paid(large, small)
    assert prices.of(large, 5000, 16) == 16
    assert prices.of(small, 3, 16) == 3
    prices.paid(*(digest_of(str(number).encode()) for number in range(3000)))
    assert prices.of(large, 5000, 16) == 5000  # long forgotten


def test_text_that_the_gate_counted_is_not_counted_again_with_its_escapes() -> None:
    text = '한글 "따옴표"\n' * 100
    body = json.dumps({"content": text}).encode()
    counted = len(text.encode())
    assert len(body) - text_in_json(body, counted) <= 20
    assert text_in_json(b"\\u" * 1000, 10) <= 20  # escapes that stand for nothing counted are paid for


def test_content_that_the_browser_has_is_on_the_tab() -> None:
    known = KnownContent()
    known.add(["한글", {"a": "b"}])
    tab = open_tab()
    assert not known.knows("other")
    assert tab.counted == 0
    assert known.knows(["한글", {"a": "b"}])
    assert tab.counted == len("한글".encode()) + 2


class Review(Service):
    """Takes all but one showing, and remembers which came in which message."""

    def __init__(self, refused: str = "") -> None:
        super().__init__("review", "http://x", "key")
        self.refused = refused
        self.came: list[tuple[str, list[str]]] = []

    async def post_bytes(self, path: str, raw: bytes) -> dict[str, object]:
        body = json.loads(raw)
        subjects = [one["subject"] for one in body.get("showings", [body])]
        self.came.append((path.rpartition("/")[2], subjects))
        if self.refused in subjects:
            raise Invalid(Reason.FIELD_INVALID, field="sha256", value="")
        return {}


def _show(record: DisplayRecord, name: str, text: str = "a") -> None:
    what = What("cell", name, "k-1", 3, "print('x')", "c" * 64)
    record.before(what, [("text/plain", text)])
    record.finish(what, 0)


def test_what_waits_is_sent_together_in_order_and_large_ones_alone(record: DisplayRecord) -> None:
    for name, text in (("a", "x"), ("b", "x"), ("c", "x" * 2_000_000), ("d", "x"), ("e", "x")):
        _show(record, name, text)
    review = Review()
    assert asyncio.run(send_waiting(record, review))
    assert review.came == [("records", ["a", "b"]), ("record", ["c"]), ("records", ["d", "e"])]
    assert not record.queue
    assert record.journal.waiting == 0


def test_one_that_is_rejected_holds_up_none_of_the_others(record: DisplayRecord) -> None:
    for name in "abc":
        _show(record, name)
    review = Review(refused="b")
    assert asyncio.run(send_waiting(record, review))
    assert review.came == [
        ("records", ["a", "b", "c"]),
        ("record", ["a"]),
        ("record", ["b"]),
        ("record", ["c"]),
    ]
    assert not record.queue
