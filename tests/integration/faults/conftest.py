"""A running installation that tests may hurt, and ways to start it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hurt import Hurt, one_to_hurt


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hurt]:
    """One installation for the tests of a module, ready at the first."""
    with one_to_hurt(tmp_path_factory.mktemp("faults") / "state") as made:
        yield made
