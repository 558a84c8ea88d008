"""Figures that take long to draw hold up no cell; what is not on record, or not paid, is not shown."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from egress_review.display.figures import Figures, KeptImages
from egress_review.display.images import Drawn
from egress_review.display.policy import DisplayPolicy
from egress_review.display.redrawing import ImageWorker
from onggi.clock import SystemClock
from onggi.errors import Refused, Unavailable
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from session.audit import AuditTrail
from session.contents.figures import ShownFigures
from session.kernels.gates import Gates
from session.record import DisplayRecord
from session.services import Service
from session.tab import KnownContent
from tests.support.display import POLICY, png
from tests.support.session_meter import meter_with
from tests.unit.session.test_spool_full_disk import no_file_longer_than
from web.journal import Journal
from web.spool import Spool

PLAN = SessionPlan("s-0123456789abcdef", "researcher1", "liver", "en", None, "key", "/project")
NOISE = png(60, 40, noise=True)


class WaitingWorker(ImageWorker):
    """Answers when it is told to go on, as if what it is given had been drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        self.go.wait(20)
        return Drawn(kind, raw)


class Site:
    """The figures of a session."""

    def __init__(self, folder: Path, session_bytes: int = 10**8) -> None:
        self.worker = WaitingWorker()
        self.spool = folder / "spool" / "events.jsonl"
        self.meter = meter_with(folder / "meter", session_bytes)
        audit = AuditTrail(PLAN, SystemClock(), Spool(folder / "spool"), Service("review", "http://x", "key"))
        record = DisplayRecord(audit, Journal(folder / "shown"), SystemClock())
        self.gates = Gates(POLICY, self.meter, audit, self.worker, record)
        figures = Figures(KeptImages(folder / "figures"), self.worker)
        self.shown = ShownFigures(figures, self.gates, KnownContent(), record)
        self.name = figures.of("n.ipynb").later("image/png", NOISE) or ""

    def events(self, action: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.spool.read_text().splitlines()]
        return [one for one in found if one["action"] == action]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.worker.go.set()
    made.gates.close()


def test_while_figures_are_drawn_a_cell_can_be_read(site: Site) -> None:
    async def look() -> None:
        asked = [asyncio.create_task(site.shown.show(site.name)) for _ in range(6)]
        await asyncio.sleep(0.2)
        await asyncio.wait_for(asyncio.wrap_future(site.gates.threads.submit(int)), 5)
        assert not any(one.done() for one in asked)
        site.worker.go.set()
        await asyncio.gather(*asked)

    asyncio.run(look())


def test_a_figure_that_is_asked_for_twice_at_once_is_charged_once(site: Site) -> None:
    async def look() -> int:
        asked = asyncio.gather(site.shown.show(site.name), site.shown.show(site.name))
        await asyncio.sleep(0.2)
        site.worker.go.set()
        found = await asked
        assert found[0] == found[1]
        return len(found[0].encoded)

    size = asyncio.run(look())
    assert site.meter.used < size


def test_what_cannot_be_written_down_is_not_shown_and_can_be_asked_for_again(site: Site) -> None:
    site.worker.go.set()
    with no_file_longer_than(site.spool.stat().st_size + 24), pytest.raises(Unavailable) as refused:
        asyncio.run(site.shown.show(site.name))
    assert refused.value.reason is Reason.DISK_FULL
    asyncio.run(site.shown.show(site.name))
    assert [one["subject"] for one in site.events("file.shown")]


def test_what_cannot_be_paid_is_not_shown_and_on_record_as_withheld(site: Site) -> None:
    site.worker.go.set()
    site.meter.take(site.meter.limit - 100)
    with pytest.raises(Refused) as refused:
        asyncio.run(site.shown.show(site.name))
    assert refused.value.reason is Reason.DISPLAY_SESSION_LIMIT
    assert [one["details"]["verdict"] for one in site.events("file.shown")] == ["withheld"]
