"""Everything a person reads exists in Korean and in English, and every sentence that the code asks for
exists.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from onggi import words
from onggi.reasons import Reason
from tests.support.source_tree import OURS, ROOT, calls, name_of, python_files, templates, tree_of

WORDS = ROOT / "onggi" / "words"
AREAS = sorted(path.stem for path in (WORDS / "en").glob("*.toml"))
THINGS = (
    "bytes", "cells", "characters", "days", "degrees", "entries", "events", "files", "findings", "lines",
    "members", "minutes", "numbers", "persons", "requests", "rows", "tables", "votes",
)  # fmt: skip
NEVER_ONE = {"least", "limit", "minimum"}
SEVERAL_COUNTS = {
    "data.built",
    "data.verified",
    "findings.header_long",
    "findings.suppressed_needed",
    "leaktest.more_than_documented",
    "notebook.protected_loss",
}
# say(language, key), t(key), tell(key), SetupError(key), …: whichever argument comes first as a literal key
SPEAKERS = ("SetupError", "say", "t", "tell")
KEY = re.compile(rf"({'|'.join(AREAS)})\.[a-z0-9_]+")
IN_TEMPLATE = re.compile(r"""\bt\(\s*["']([a-z0-9_.]+)["']\s*(~?)""")


def test_both_languages_have_the_same_areas() -> None:
    assert sorted(path.stem for path in (WORDS / "ko").glob("*.toml")) == AREAS


@pytest.mark.parametrize("area", AREAS)
def test_an_area_says_the_same_in_both_languages(area: str) -> None:
    korean, english = (
        tomllib.loads((WORDS / lang / f"{area}.toml").read_text("utf-8")) for lang in ("ko", "en")
    )
    assert sorted(korean) == sorted(english)
    for name in english:
        english_one, korean_one = (words.catalogue(language)[f"{area}.{name}"] for language in ("en", "ko"))
        assert words.slots(english_one) == words.slots(korean_one), name
        assert english_one.strip(), name
        assert korean_one.strip(), name


@pytest.mark.parametrize(("key", "one"), words.singulars("en").items())
def test_what_is_said_of_one_is_a_form_of_what_is_said_of_several(key: str, one: words.Singular) -> None:
    several = words.slots(words.catalogue("en")[key])
    assert one.by in several
    assert words.slots(one.sentence) <= several - {one.by}


def test_english_counts_of_things_have_a_form_for_one() -> None:
    """Limits are never 1. Seconds that a page waits, and sentences of several counts, say it without."""
    counted = re.compile(rf"\{{([a-z_]+)\}} (?:{'|'.join(THINGS)})\b")
    missing = {
        key
        for key, sentence in words.catalogue("en").items()
        if set(counted.findall(sentence)) - NEVER_ONE and key not in words.singulars("en")
    }
    assert missing == SEVERAL_COUNTS


def test_korean_says_one_and_several_alike() -> None:
    assert not words.singulars("ko")


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_reason_has_a_sentence(reason: Reason, language: str) -> None:
    assert f"reasons.{reason.value}" in words.catalogue(language)


@pytest.mark.parametrize("path", python_files(*OURS), ids=name_of)
def test_every_key_in_the_code_exists(path: Path) -> None:
    missing = [key for key, whole in keys_in(tree_of(path)) if not known(key, whole=whole)]
    assert not missing


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_every_key_in_a_template_exists(path: Path) -> None:
    found = IN_TEMPLATE.findall(path.read_text("utf-8"))
    assert not [key for key, joined in found if not known(key, whole=not joined)]


def known(key: str, *, whole: bool) -> bool:
    """Whether the key exists or, for the beginning of one, any that begins so."""
    sentences = words.catalogue("en")
    return key in sentences if whole else any(name.startswith(key) for name in sentences)


def keys_in(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The literal keys, and the literal beginnings of computed ones."""
    for call in calls(tree, *SPEAKERS):
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                if KEY.fullmatch(argument.value):
                    yield argument.value, True
            elif isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
                beginning = str(argument.values[0].value)
                if beginning.partition(".")[0] in AREAS and "." in beginning:
                    yield beginning, False
