"""A test file tests something, and nothing is waved through without a word."""

from __future__ import annotations

import ast
import re
import tokenize
from pathlib import Path

import pytest

from tests.support.source_tree import OURS, name_of, python_files, tree_of

NAMELESS = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:\s*[A-Z]+[0-9]+))")
REASONLESS = re.compile(r"#\s*type:\s*ignore\[[a-z0-9, -]+\]\s*($|#\s*$)")


@pytest.mark.parametrize(
    "path", [p for p in python_files("tests") if p.name.startswith("test_")], ids=name_of
)
def test_a_test_file_has_a_test(path: Path) -> None:
    functions = (
        node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    stateful = "TestCase" in path.read_text("utf-8")  # hypothesis's state machines
    assert stateful or any(node.name.startswith("test_") for node in functions)


def waivers(path: Path, pattern: re.Pattern[str]) -> list[int]:
    """The lines whose comment matches; a string that only speaks about waivers is none."""
    with path.open("rb") as stream:
        comments = [token for token in tokenize.tokenize(stream.readline) if token.type == tokenize.COMMENT]
    return [token.start[0] for token in comments if pattern.search(token.string)]


@pytest.mark.parametrize("path", python_files(*OURS, "tests"), ids=name_of)
def test_a_waiver_names_its_rule(path: Path) -> None:
    """`# type: ignore[code]`, `# noqa: RULE`; ruff and mypy themselves report waivers that waive nothing."""
    assert not waivers(path, NAMELESS)


@pytest.mark.parametrize("path", python_files(*OURS), ids=name_of)
def test_a_waiver_of_types_says_why(path: Path) -> None:
    assert not waivers(path, REASONLESS)
