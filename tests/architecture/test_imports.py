"""What import-linter cannot say: `onggi` is standard library only, the domain knows no web and no SQL."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.support.source_tree import imports, name_of, python_files, tree_of

# Inside functions only, so that the trusted side and the agent never load them.
LAZY = {
    "onggi/agent": {"ipykernel"},
    "onggi/file_forms.py": {"pyarrow"},
    "onggi/models": {"numpy", "pandas", "statsmodels"},
    "onggi/notebook": {"dask", "duckdb", "pandas", "polars", "pyarrow"},
}
WEB_AND_SQL = {"fastapi", "httpx2", "jinja2", "sqlalchemy", "starlette", "tornado", "uvicorn"}
DOMAIN = ("onggi", "egress_review/domain.py", "egress_review/lifecycle.py", "egress_review/display")


def top_level(tree: ast.Module) -> set[str]:
    """Imports that run when the module is imported."""
    body = [node for node in tree.body if not _is_type_checking(node)]
    return {name.split(".")[0] for name, _ in imports(ast.Module(_outside_functions(body), []))}


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _outside_functions(body: list[ast.stmt]) -> list[ast.stmt]:
    return [
        node for node in body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]


@pytest.mark.parametrize("path", python_files("onggi"), ids=name_of)
def test_onggi_imports_the_standard_library_only(path: Path) -> None:
    """A notebook gets `onggi` and nothing else of ours; the agent has nothing to install."""
    foreign = {name.split(".")[0] for name, _ in imports(tree_of(path))} - sys.stdlib_module_names - {"onggi"}
    folder = "/".join(name_of(path).split("/")[:2])
    assert foreign <= LAZY.get(folder, set())
    assert not top_level(tree_of(path)) & foreign, "import it inside the function that needs it"


@pytest.mark.parametrize("path", [p for d in DOMAIN for p in python_files(d)], ids=name_of)
def test_domain_modules_import_neither_web_nor_sql(path: Path) -> None:
    """Decisions are made from values, whoever asks and wherever they are stored."""
    assert not {name.split(".")[0] for name, _ in imports(tree_of(path))} & WEB_AND_SQL
