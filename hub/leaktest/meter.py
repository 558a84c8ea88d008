"""The session's own meter, read through the session API from a cell, as a notebook reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hub.tour.kernel import Kernel

_ASK = """
import json as _j
from onggi.notebook.client import call as _c
print(_j.dumps(_c("GET", "/v1/budget")))
"""


@dataclass(slots=True)
class Meter:
    """Reads the meter; each reading is shown, so it costs something itself, which is taken off again."""

    kernel: Kernel
    _reading: int = 0

    def budget(self) -> Mapping[str, int]:
        """What the session API says of the budgets."""
        found: dict[str, int] = json.loads(self.kernel.run(_ASK).text)
        return found

    def used(self) -> int:
        """Bytes charged so far."""
        return int(self.budget()["session_bytes_used"])

    def price_of_reading(self) -> int:
        """What one reading costs, measured."""
        if not self._reading:
            before = self.used()
            self._reading = self.used() - before
        return self._reading

    def day_bytes(self) -> int:
        """What a day may show at most; without such a limit, what a session may."""
        budget = self.budget()
        return int(budget.get("day_bytes", budget["session_bytes"]))

    def used_today(self) -> int:
        """Bytes charged today; without a count of the day, what the session was charged."""
        budget = self.budget()
        return int(budget.get("day_bytes_used", budget["session_bytes_used"]))
