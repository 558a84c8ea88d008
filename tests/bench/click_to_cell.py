"""From the click on "open session" to the first executed cell, the session server's memory, and the tour.

    python -m tests.bench.click_to_cell [--times 7]

Each round opens the session from the desk, waits for JupyterLab's page, starts a kernel, runs `1`, and stops
the session. Prints the median of the rounds, and the resident memory of the idle session server (its own
processes, PSS).
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import psutil

from hub.tour import steps
from hub.tour.installation import Running, fresh
from hub.tour.kernel import Kernel


def one_round(journey: steps.Journey) -> float:
    """Seconds from click to first executed cell."""
    began = time.monotonic()
    steps.open_session(journey)
    with Kernel(journey.visitor("researcher1"), steps.PROJECT) as kernel:
        kernel.run("1")
    return time.monotonic() - began


def stop_session(journey: steps.Journey) -> None:
    """Stop it on the desk and wait until its button offers to open it again."""
    visitor, desk = journey.visitor("researcher1"), journey.running.origin("desk")
    path = f"/projects/{steps.PROJECT}/session"
    visitor.submit(visitor.get(desk + "/"), f"{path}/stop", {})

    steps.until(lambda: f'action="{path}"' in visitor.get(desk + "/").text, 30, "the session did not stop")


def session_memory(running: Running) -> int:
    """Bytes of resident memory (PSS) of the session server's Python processes."""
    own = [one for one in psutil.Process(running.process.pid).children(recursive=True) if _is_session(one)]
    return sum(int(one.memory_full_info().pss) for one in own)


def _is_session(process: psutil.Process) -> bool:
    words = process.cmdline()
    return "-m" in words and "session" in words and "bwrap" not in Path(words[0]).name


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=7)
    times = parser.parse_args().times
    with fresh() as running:
        journey = steps.Journey(running)
        steps.sign_in(journey)
        took = []
        for number in range(times):
            if number:
                stop_session(journey)
            took.append(one_round(journey))
        time.sleep(5)
        memory = session_memory(running)
    p50, worst = statistics.median(took), max(took)
    print(f"click to first executed cell: p50 {p50:.2f} s, worst {worst:.2f} s ({times} times)")
    print(f"session server, idle: {memory / 1024**2:.0f} MiB (PSS)")


if __name__ == "__main__":
    main()
