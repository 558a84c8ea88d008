"""A running installation that tests may hurt, and ways to start it again."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
