"""Sentences live in the catalogues: templates hold none, code holds no Hangul."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from tests.support.source_tree import ROOMS, ROOT, name_of, templates

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
LETTERS = re.compile(r"[^\W\d_]{2,}")
SPOKEN_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
NOT_READ = {"code", "pre", "script", "style"}
SAME_IN_BOTH = {"SHA-256"}
SUFFIXES = {".css", ".html", ".js", ".mako", ".py", ".svg"}
# Titles of the demo's data and projects are data: values with a Korean and an English half.
TITLES = {"hub/demo.py", "hub/data/nafld_titles.py", "hub/data/synth_titles.py"}


class Sentences(HTMLParser):
    """Collects what a person would read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in NOT_READ
        self.found += [
            value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value and LETTERS.search(value)
        ]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in NOT_READ

    def handle_data(self, data: str) -> None:
        if not self._unread and LETTERS.search(data) and data.strip() not in SAME_IN_BOTH:
            self.found.append(data.strip())


def outside_jinja(source: str) -> str:
    """The template's own text: what Jinja's lexer calls data."""
    return "".join(text for _, kind, text in Environment().lex(source) if kind == "data")  # noqa: S701


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_a_template_holds_no_sentence(path: Path) -> None:
    reader = Sentences()
    reader.feed(outside_jinja(path.read_text("utf-8")))
    assert not reader.found


def code() -> list[Path]:
    """All of the rooms' text files but the catalogues."""
    every = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in SUFFIXES)
    return sorted(path for path in every if name_of(path) not in TITLES)


@pytest.mark.parametrize("path", code(), ids=name_of)
def test_code_holds_no_hangul(path: Path) -> None:
    assert not HANGUL.search(path.read_text("utf-8"))
