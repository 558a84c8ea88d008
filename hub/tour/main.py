"""`onggi tour`: the whole path in a fresh state folder, one line a step."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from hub.tour import steps
from hub.tour.installation import DidNotStart, fresh
from hub.tour.steps import Journey, StepFailed
from hub.tour.verify import verify_audit, verify_certificate
from hub.tour.visitor import NoSuchForm
from onggi import words

Step = tuple[str, Callable[[Journey], None]]

STEPS: tuple[Step, ...] = (
    ("sign_in", steps.sign_in),
    ("open_session", steps.open_session),
    ("run_cell", steps.run_cell),
    ("read_data", steps.read_data),
    ("try_network", steps.try_network),
    ("make_table", steps.make_table),
    ("submit", steps.submit),
    ("checks_done", steps.checks_done),
    ("first_vote", steps.first_vote),
    ("second_vote", steps.second_vote),
    ("released", steps.released),
    ("download", steps.download),
    ("verify_certificate", verify_certificate),
    ("expire", steps.expire),
    ("session_ends", steps.session_ends),
    ("verify_audit", verify_audit),
)


def main(language: str = words.DEFAULT_LANGUAGE) -> int:
    """Start Onggi afresh and walk; the exit status (0 when every step came out)."""
    began = time.monotonic()
    try:
        with fresh() as running:
            _print_step(language, 0, "start", time.monotonic() - began)
            journey = Journey(running)
            done = walk(journey, lambda number, name, took: _print_step(language, number, name, took))
            journey.close()
    except DidNotStart as failure:
        print(words.say(language, "tour.did_not_start"), file=sys.stderr)
        print(failure, file=sys.stderr)
        return 1
    except (StepFailed, NoSuchForm, PermissionError) as failure:
        print(words.say(language, "tour.failed", what=failure), file=sys.stderr)
        return 1
    print(f"tour: {done} steps ok")
    return 0


def walk(journey: Journey, report: Callable[[int, str, float], None]) -> int:
    """Take every step in order; how many there were.

    Raises:
        StepFailed: at the first step that does not come out.
    """
    for number, (name, step) in enumerate(STEPS, start=1):
        began = time.monotonic()
        step(journey)
        report(number, name, time.monotonic() - began)
    return len(STEPS)


def _print_step(language: str, number: int, name: str, seconds: float) -> None:
    sentence = words.say(language, f"tour.{name}")
    print(f"{number:>3}  {seconds:6.2f} s  {sentence}", flush=True)
