"""Which processors each compute is kept to, where no cgroup shares out their time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(slots=True)
class Processors:
    """Hands out processors, those first that the fewest computes have.

    A choice of all processors is no choice: it is then left empty.
    """

    available: tuple[int, ...] = field(default_factory=lambda: tuple(sorted(os.sched_getaffinity(0))))
    _users: dict[int, int] = field(default_factory=dict, init=False)

    def take(self, count: int) -> tuple[int, ...]:
        """Choose `count` processors."""
        if count >= len(self.available):
            return ()
        ordered = sorted(self.available, key=lambda one: (self._users.get(one, 0), one))
        chosen = tuple(sorted(ordered[:count]))
        for one in chosen:
            self._users[one] = self._users.get(one, 0) + 1
        return chosen

    def give_back(self, chosen: tuple[int, ...]) -> None:
        """Forget an earlier choice."""
        for one in chosen:
            self._users[one] -= 1
