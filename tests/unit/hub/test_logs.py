"""Logs that grow are cut; logs of sessions long ended go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hub.logs import DAYS, KEPT_BYTES, MOST_BYTES, tidy

NOW = 2_000_000_000.0
NOISE = """
import sys
for line in sys.stdin:
    sys.stdout.write(("x" * 1023 + "\\n") * int(line)); print("done", file=sys.stderr, flush=True)
    sys.stdout.flush()
"""


def written(path: Path, size: int, age_days: float = 0) -> Path:
    path.write_bytes(b"a" * (size - 4) + b"last")
    os.utime(path, (NOW - age_days * 86_400,) * 2)
    return path


def test_a_log_under_the_limit_is_left_alone(tmp_path: Path) -> None:
    log = written(tmp_path / "hub.log", MOST_BYTES, age_days=10 * DAYS)
    tidy(tmp_path, NOW)
    assert (log.stat().st_size, list(tmp_path.iterdir())) == (MOST_BYTES, [log])


def test_the_end_of_a_long_log_is_kept(tmp_path: Path) -> None:
    log = written(tmp_path / "session-s-1.log", MOST_BYTES + 1)
    tidy(tmp_path, NOW)
    kept = (tmp_path / "session-s-1.log.1").read_bytes()
    assert (log.stat().st_size, len(kept), kept[-4:]) == (0, KEPT_BYTES, b"last")


def test_whoever_writes_goes_on_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "review.log"
    with (
        path.open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-c", NOISE],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
        ) as noisy,
    ):
        if noisy.stdin is None or noisy.stderr is None:
            raise AssertionError
        for kib in (MOST_BYTES // 1024 + 1, 3):
            print(kib, file=noisy.stdin, flush=True)
            noisy.stderr.readline()
            tidy(tmp_path, NOW)
        noisy.stdin.close()
    assert path.read_bytes() == (b"x" * 1023 + b"\n") * 3


def test_logs_of_sessions_that_ended_long_ago_are_removed(tmp_path: Path) -> None:
    written(tmp_path / "session-old.log", 10, age_days=DAYS + 1)
    written(tmp_path / "session-old.log.1", 10, age_days=DAYS + 1)
    written(tmp_path / "session-new.log", 10, age_days=DAYS - 1)
    written(tmp_path / "hub.log", 10, age_days=10 * DAYS)
    tidy(tmp_path, NOW)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["hub.log", "session-new.log"]
