"""A disk that takes no more: an event is written down whole or not at all, and the spool goes on."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from onggi.errors import Unavailable
from onggi.reasons import Reason
from web.spool import Spool


@contextlib.contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 30])
def test_no_part_of_an_event_stays(tmp_path: Path, room: int) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append({"id": "first"})
    written = (tmp_path / "spool" / "events.jsonl").stat().st_size
    with no_file_longer_than(written + room), pytest.raises(Unavailable) as refused:
        spool.append({"id": "second", "long": "x" * 100})
    assert refused.value.reason is Reason.DISK_FULL
    spool.append({"id": "third"})
    spool.close()
    again = Spool(tmp_path / "spool")
    assert again.first() == {"id": "first"}
    again.sent()
    assert again.first() == {"id": "third"}
    again.close()
