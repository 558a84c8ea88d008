"""Fixtures that run code in real boxes; the suites that need them import them in their `conftest.py`."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from onggi.sandbox import Box, Launched, Limits, launch

PYTHON = "/usr/bin/python3"
PLAIN = Limits(memory_bytes=512 * 1024**2, processes=64, open_files=128, file_bytes=64 * 1024**2)
RunInBox = Callable[..., tuple[int, str]]


@pytest.fixture
def ordinary_user() -> None:
    if os.geteuid() == 0:
        pytest.skip("sandboxes need an ordinary user")


@pytest.fixture
def run_in_box(ordinary_user: None) -> RunInBox:
    """`run_in_box(code, **fields of Box)` → exit status and what was written."""

    def run(code: str, **fields: Any) -> tuple[int, str]:
        box = Box((PYTHON, "-I", "-c", code), limits=PLAIN)
        launched = launch(
            dataclasses.replace(box, **fields), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = launched.process.communicate(timeout=60)
        return launched.process.returncode, said.decode(errors="replace")

    return run


@pytest.fixture
def launched_boxes(ordinary_user: None) -> Iterator[list[Launched]]:
    """A list for boxes that run on; they are ended afterwards."""
    boxes: list[Launched] = []
    yield boxes
    for one in boxes:
        one.process.kill()
        one.process.wait()
