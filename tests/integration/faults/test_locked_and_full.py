"""A database that another holds and a disk without space, while Onggi runs: a clear message, nothing lost,
and it goes on by itself as soon as it can.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from hub.tour import installation, steps
from hub.tour.steps import PROJECT, Journey
from onggi import words
from onggi.sandbox import probe
from tests.support.hurt import Hurt, ensure_kernel, insist
from tests.support.namespaces import small_disk, with_mounts

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(240)]

DISK_BYTES = 900 * 1024**2


@pytest.fixture(scope="module")
def on_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Journey, Path]]:
    """A ready installation on a disk of its own, and that disk's folder as this process reaches it."""
    if os.geteuid() == 0 or not probe().working:
        pytest.skip("needs an ordinary user and a working sandbox")
    state = tmp_path_factory.mktemp("full") / "state"
    state.mkdir()
    wrapper = with_mounts(small_disk(str(state), DISK_BYTES))
    running = installation.start(state, installation.free_base_port(), wrapper)
    inside = Path(f"/proc/{running.process.pid}/root{state}")
    running.see_state_at(inside)
    journey = Journey(running)
    try:
        running.wait_until_ready()
        yield journey, inside
    finally:
        journey.close()
        running.stop()


def test_a_full_disk(on_small_disk: tuple[Journey, Path]) -> None:
    journey, disk = on_small_disk
    to_submit(journey)
    before = journey.request
    with filled(disk):
        shown = journey.in_kernel().run('onggi.submit(["persons-by-sex.csv"], purpose="x")')
        assert shown.error is not None or "disk" in shown.text or "디스크" in shown.text
        page = end_membership(journey, "researcher2", "claims-study")
        assert page.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert says(page, "audit_unreachable") or says(page, "disk_full", path="registry")
    insist(lambda: steps.submit(journey), 30)
    assert journey.request != before
    steps.checks_done(journey)
    assert end_membership(journey, "researcher2", "claims-study").is_success


@pytest.mark.parametrize("name", ["hub/registry", "review/review"])
def test_a_locked_database(hurt: Hurt, name: str) -> None:
    journey = hurt.journey()
    to_submit(journey)
    with contextlib.closing(sqlite3.connect(hurt.state / f"{name}.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        page = end_membership(journey, "researcher2", "claims-study")
        assert page.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert says(page, "database_locked") or says(page, "audit_unreachable")
        assert journey.visitor("researcher1").get(journey.running.origin("desk") + "/").is_success
        if name.startswith("review"):
            shown = journey.in_kernel().run('onggi.submit(["persons-by-sex.csv"], purpose="x")')
            assert shown.error is not None
    hurt.known.look(hurt.state)
    insist(lambda: steps.submit(journey), 30)
    steps.checks_done(journey)
    journey.close()


def to_submit(journey: Journey) -> None:
    """A request that is in review, and a kernel to make more."""
    ensure_kernel(journey)
    steps.make_table(journey)
    steps.submit(journey)
    steps.checks_done(journey)
    journey.visitor("admin")


def end_membership(journey: Journey, person: str, project: str = PROJECT) -> httpx.Response:
    visitor, path = journey.visitor("admin"), f"/admin/projects/{project}"
    page = visitor.get(journey.running.origin("desk") + path)
    return visitor.submit(page, f"{path}/members/end", {"person": person})


def says(page: httpx.Response, reason: str, **params: object) -> bool:
    return words.say("en", f"reasons.{reason}", **params) in page.text


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte is left on the disk during the block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1024**2, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()
