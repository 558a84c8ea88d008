"""The reference pages say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.reference import reference_pages

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "reference"
PAGES = reference_pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_up_to_date(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")
    assert written == PAGES[name], "run: make docs"


def test_commands_of_every_group_are_there() -> None:
    page = PAGES["cli.md"]
    for command in ("up", "project create", "data synth", "audit verify", "certificate verify"):
        assert f"## `onggi {command}`" in page


def test_every_command_has_its_paragraph() -> None:
    lines = PAGES["cli.md"].splitlines()
    for number, line in enumerate(lines):
        if line.startswith("## "):
            assert lines[number + 2].strip(), f"{line} says nothing"
        if line.startswith("- `"):
            assert line.partition(": ")[2].strip(), f"{line} says nothing"  # `NAME` (optional): what it is


def test_every_route_says_what_it_does() -> None:
    for line in PAGES["api.md"].splitlines():
        if line.startswith(("| GET", "| P", "| DELETE")):
            assert line.split("|")[4].strip(), line
