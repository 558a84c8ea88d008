"""Public means: no underscore, documented. (That `__all__` is sorted is ruff's RUF022.)"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.source_tree import OURS, name_of, python_files, tree_of


@pytest.mark.parametrize("path", python_files(*OURS), ids=name_of)
def test_public_names_are_documented(path: Path) -> None:
    if "migrations" in path.parts:
        return  # Alembic's own form
    undocumented = [
        node.name
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and "overload" not in {ast.unparse(decorator) for decorator in node.decorator_list}
        and not ast.get_docstring(node)
    ]
    assert not undocumented
