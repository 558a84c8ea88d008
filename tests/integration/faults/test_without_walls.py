"""`--unsafe-no-sandbox`: no walls, every page says so, and a notebook still works."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hub.tour import installation, steps
from hub.tour.steps import Journey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def journey(monkeypatch: pytest.MonkeyPatch) -> Iterator[Journey]:
    if os.geteuid() == 0:
        pytest.skip("Onggi does not run as root")
    monkeypatch.setenv("ONGGI_UNSAFE_NO_SANDBOX", "true")
    with installation.fresh() as running:
        made = Journey(running)
        yield made
        made.close()


def test_a_notebook_reads_its_data_and_submits(journey: Journey) -> None:
    for step in (steps.sign_in, steps.open_session, steps.run_cell, steps.read_data, steps.make_table):
        step(journey)
    steps.submit(journey)
    steps.checks_done(journey)
