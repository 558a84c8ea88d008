"""A running installation that tests may hurt, and ways to start it again."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.tour import installation
from onggi.sandbox import probe
from tests.support.hurt import Hurt


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hurt]:
    """One installation for the tests of a module, ready at the first."""
    if os.geteuid() == 0 or not probe().working:
        pytest.skip("needs an ordinary user and a working sandbox")
    made = Hurt(
        installation.start(tmp_path_factory.mktemp("faults") / "state", installation.free_base_port())
    )
    try:
        made.running.wait_until_ready()
        yield made
    finally:
        made.running.stop()


@pytest.fixture(autouse=True)
def no_sockets_left() -> Iterator[None]:
    """Collect what a killed peer left before the next test, which it is none of the business of."""
    yield
    gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A client whose peer was killed may be closed late by its library; that is not what is tested here."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
