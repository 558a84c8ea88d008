from __future__ import annotations

import pytest

from egress_review.api.callers import check_source
from onggi.clock import SystemClock
from onggi.errors import Refused
from onggi.events import new_event


@pytest.mark.parametrize(
    ("caller", "source", "honest"),
    [
        ("hub", "hub", True),
        ("desk", "desk", True),
        ("broker", "broker", True),
        ("broker", "session", True),
        ("hub", "desk", False),
        ("hub", "session", False),
        ("desk", "session", False),
        ("broker", "hub", False),
        ("broker", "review", False),
        ("review", "review", False),
    ],
)
def test_who_may_speak_for_whom(caller: str, source: str, honest: bool) -> None:
    event = new_event(SystemClock(), source, "someone", "thing.done", "subject")
    if honest:
        check_source(caller, event)
    else:
        with pytest.raises(Refused):
            check_source(caller, event)
