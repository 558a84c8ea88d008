"""Only `settings.py` of each room reads the environment: configuration is a value, not a surrounding."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.source_tree import ROOMS, name_of, python_files, tree_of

READERS = {
    "hub/composition.py": "builds the environment that each process of embedded mode gets",
    "hub/jupyterhub_config.py": "JupyterHub runs it as a script, in its own environment",
    "onggi/agent/kernels.py": "hands its own environment, which the sandbox set, to the kernels it starts",
}


@pytest.mark.parametrize("path", python_files(*ROOMS), ids=name_of)
def test_only_settings_read_the_environment(path: Path) -> None:
    if path.name == "settings.py" or name_of(path) in READERS:
        return
    found = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    assert not found, f"reads the environment in lines {found}"
