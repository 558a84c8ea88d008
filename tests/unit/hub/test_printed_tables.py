"""What the command line prints stands under its heading, in either script and language."""

from __future__ import annotations

import unicodedata

import pytest

from egress_review.meter.unusual import Word
from hub.cli.display import said_of
from hub.cli.operator import Operator, columns_of
from hub.settings import HubSettings


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("liver", 5),
        ("간 연구", 7),
        (unicodedata.normalize("NFD", "é"), 1),
        ("Ａ", 2),
        ("–", 1),
    ],
)
def test_a_korean_syllable_takes_two_columns(text: str, columns: int) -> None:
    assert columns_of(text) == columns


def test_columns_stay_under_their_heading(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"slug": "a", "title": "간 질환 연구", "end": "x"}, {"slug": "b", "title": "Lung", "end": "y"}]
    Operator(HubSettings(), "admin", "ko", as_json=False).show(rows, "cli.none", ("slug", "title", "end"))
    head, first, second = capsys.readouterr().out.splitlines()
    assert columns_of(first[: first.index("x")]) == second.index("y") == head.index("end")


@pytest.mark.parametrize("word", list(Word))
@pytest.mark.parametrize("language", ["ko", "en"])
def test_what_is_said_of_a_day_is_no_code(word: Word, language: str) -> None:
    said = said_of(language, {"day": "2026-11-22", "word": word.value})
    assert said["day"] == "2026-11-22"
    assert said["word"] != f"desk.display_word_{word.value}"
    assert "_" not in said["word"]
