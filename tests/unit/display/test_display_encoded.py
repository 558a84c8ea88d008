"""Encoded data in text is cut however it is broken up; what honest work prints is not."""

from __future__ import annotations

import base64
import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.encoded import Runs, _unbroken, cut_runs, encoded_spans
from onggi.reasons import Reason
from tests.support.display import POLICY, execute, make_gate, show

LIMIT = 1024
DATA = random.Random(7).randbytes(6000)
B64 = base64.b64encode(DATA).decode()
FORMS = {
    "base64": B64,
    "base64 in lines": "\n".join(B64[at : at + 76] for at in range(0, len(B64), 76)),
    "base64 in fours": " ".join(B64[at : at + 4] for at in range(0, len(B64), 4)),
    "url-safe": base64.urlsafe_b64encode(DATA).decode(),
    "base32": base64.b32encode(DATA).decode(),
    "hexadecimal": DATA.hex(),
    "hexadecimal in words": DATA.hex(" ", 4),
}
HONEST = {
    "a bar": "#" * 5000 + "x" * 5000,
    "numbers": "\n".join(map(str, range(10_000))),
    "sentences": "The quick Brown fox jumps over 12 lazy dogs while 3 Cats look on " * 200,
    "genes": "BRCA1 TP53 EGFR KRAS CDH1 " * 400,
    "identifiers": " ".join(f"P{number:05d}" for number in range(3000)),
    "counts by letter": "\n".join(f"12 a 3{number} b" for number in range(2000)),
    "a sequence": "".join(random.Random(1).choice("ACGT") for _ in range(8000)),
    "Korean": "환자 12명의 평균 나이는 43세입니다 " * 300,
    "floats": " ".join(f"{random.Random(n).random():.6f}" for n in range(2000)),
}


@pytest.mark.parametrize("name", FORMS)
def test_encoded_data_is_cut(name: str) -> None:
    text, found = cut_runs(f"Result: {FORMS[name]}. Done.", LIMIT)
    assert found
    assert len(text) < 100
    assert text.endswith(". Done.")


def test_tags_do_not_hide_a_run_and_stay() -> None:
    html = "<p>" + "".join(f"<b>{B64[at : at + 3]}</b>" for at in range(0, len(B64), 3)) + "</p>"
    text, found = cut_runs(html, LIMIT, markup=True)
    assert found
    assert text.count("<b>") == text.count("</b>")
    assert len(text.replace("<b>", "").replace("</b>", "")) < 100


@pytest.mark.parametrize("name", HONEST)
def test_honest_text_is_shown_whole(name: str) -> None:
    assert cut_runs(HONEST[name], LIMIT) == (HONEST[name], False)


@pytest.mark.parametrize("size", [1, 7, 40, 500, 5000])
@pytest.mark.parametrize("name", FORMS)
def test_a_run_in_many_messages_is_one_run(name: str, size: int) -> None:
    runs, text = Runs(LIMIT), FORMS[name]
    shown = "".join(runs.cut(text[at : at + size])[0] for at in range(0, len(text), size))
    assert len(shown.replace("…", "").replace(" ", "").replace("\n", "")) < LIMIT + 400


@pytest.mark.parametrize("name", HONEST)
def test_honest_text_in_many_messages_is_shown_whole(name: str) -> None:
    runs, text = Runs(LIMIT), HONEST[name]
    assert "".join(runs.cut(text[at : at + 50])[0] for at in range(0, len(text), 50)) == text


@given(st.lists(st.sampled_from([B64[:90], B64[90:99], DATA.hex()[:200], "word 12 ", ".", " ", "\n", "가"])))
def test_runs_are_found_where_a_plain_reading_finds_them(parts: list[str]) -> None:
    text, limit = "".join(parts), 128
    found = encoded_spans(text, limit)
    words = re.compile(r"[\w+/=-]+(?:\s+[\w+/=-]+)*", re.ASCII)
    expected = [
        (run.start() + start, run.start() + end)
        for run in words.finditer(text)
        for start, end in encoded_spans(run[0], limit)
    ]
    assert found == expected


@given(st.lists(st.tuples(st.sampled_from("a9 \n.<가\ud800"), st.integers(1, 20))), st.integers(1, 30))
def test_a_run_long_enough_is_met_wherever_it_stands(parts: list[tuple[str, int]], limit: int) -> None:
    text = "".join(sign * count for sign, count in parts)
    assert _unbroken(text, limit) is (re.search(rf"[a9\s]{{{limit}}}", text, re.ASCII) is not None)


@given(st.text(max_size=300), st.integers(1, 60))
def test_short_text_comes_through_in_any_pieces(text: str, size: int) -> None:
    runs = Runs(LIMIT)
    assert "".join(runs.cut(text[at : at + size])[0] for at in range(0, len(text), size)) == text


def test_no_text_takes_long() -> None:
    for hostile in ("a1B" + " " * 200_000, "a1B " * 60_000, "<" * 200_000, "a<b>" * 60_000, "aA1" * 80_000):
        begun = time.perf_counter()
        encoded_spans(hostile, LIMIT, markup=True)
        assert time.perf_counter() - begun < 2


def test_a_cell_says_it_once_and_goes_on() -> None:
    gate = make_gate()
    execute(gate)
    first = show(gate, "stream", {"name": "stdout", "text": B64})
    second = show(gate, "stream", {"name": "stderr", "text": ". " + B64})
    after = show(gate, "stream", {"name": "stdout", "text": ". The mean is 3.\n"})
    assert [notice.reason for notice in first.notices] == [Reason.DISPLAY_ENCODED_CUT]
    assert first.notices[0].params == {"limit": str(POLICY.encoded_run)}
    assert second.notices == []
    assert after.answers[0].content["text"] == ". The mean is 3.\n"
