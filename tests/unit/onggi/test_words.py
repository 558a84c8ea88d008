"""Sentences with their slots filled in, literally and completely."""

from __future__ import annotations

import re

import pytest

from onggi import words

BRACES = re.compile(r"\{[^{}]*\}")


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_brace_in_a_sentence_is_a_slot(language: str) -> None:
    for key, sentence in words.catalogue(language).items():
        assert {one.strip("{}") for one in BRACES.findall(sentence)} == set(words.slots(sentence)), key


def test_a_slot_may_have_digits_in_its_name() -> None:
    assert words.say("en", "audit.verified_file", name="a.csv", sha256="12ab") == "a.csv: SHA-256 12ab"


def test_values_are_shown_and_nothing_else() -> None:
    said = words.say("en", "audit.verified_file", name="{sha256} {0.__class__}", sha256="{name}")
    assert said == "{sha256} {0.__class__}: SHA-256 {name}"


def test_an_unknown_key_is_shown_as_itself() -> None:
    assert words.say("en", "no.such_key") == "no.such_key"


def test_a_reason_names_fields_and_states_as_pages_do() -> None:
    said = words.explain("en", "field_missing", {"field": "title_ko"})
    assert words.catalogue("en")["web.name_title_ko"] in said
    assert "title_ko" not in said
    assert "no-such-field" in words.explain("ko", "field_missing", {"field": "no-such-field"})


def test_a_limit_can_be_read() -> None:
    assert "65,536 bytes" in words.explain("en", "display_cell_limit", {"limit": "65536"})
    assert "64 KiB" in words.explain("en", "display_cell_limit", {"limit": "64 KiB"})


@pytest.mark.parametrize("asked", ["fr", "", None, 7, ["ko"]])
def test_only_our_languages_are_spoken(asked: object) -> None:
    assert words.spoken(asked) == words.DEFAULT_LANGUAGE
    assert words.spoken("en") == "en"


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        (1, "One person contributes."),
        ("1", "One person contributes."),
        (0, "0 persons contribute."),
        (2, "2 persons contribute."),
        ("1,000", "1,000 persons contribute."),
        ("{persons}", "{persons} persons contribute."),
    ],
)
def test_one_is_said_otherwise_than_several(persons: object, said: str) -> None:
    assert words.say("en", "findings.threshold_evidence", persons=persons) == said


def test_a_count_that_is_not_told_is_not_one() -> None:
    assert words.say("en", "findings.threshold_evidence") == "{persons} persons contribute."
