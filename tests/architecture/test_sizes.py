"""Small modules, short functions: no god objects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.source_tree import OURS, name_of, python_files, tree_of

MODULE, FUNCTION, CLASS = 400, 80, 300  # lines


@pytest.mark.parametrize("path", python_files(*OURS, "tests"), ids=name_of)
def test_nothing_is_too_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MODULE
    if "migrations" in path.parts:
        return  # a schema's step is one list of columns
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert lines(node) <= FUNCTION, node.name
        elif isinstance(node, ast.ClassDef):
            assert lines(node) <= CLASS, node.name


def lines(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
