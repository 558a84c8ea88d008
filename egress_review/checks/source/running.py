"""Where the queries of a recomputation run: one after the other in this process, or spread over others.

A *task* is a query that knows what it reads and what it may use; it says the same wherever it runs. Whoever
asks hands over all tasks, and takes the answers in their order: what is merged, and how, is not a matter of
where it was computed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Task = Callable[[], Any]
"""Must be a value that another process can be handed."""


class Runner(Protocol):
    """Runs tasks."""

    @property
    def at_once(self) -> int:
        """How many tasks run at the same time, and so share the memory."""
        ...

    def run(self, tasks: Sequence[Task]) -> Generator[Any]:
        """The answers, in the order of the tasks; who closes the iterator ends what is not done.

        Raises:
            CheckStopped: as the task, or `checker_unavailable`, `checker_crashed`, `memory_limit`.
        """
        ...

    def close(self) -> None:
        """End the processes that were started; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """One task after the other, each when its answer is wanted."""

    @property
    def at_once(self) -> int:
        """One."""
        return 1

    def run(self, tasks: Sequence[Task]) -> Generator[Any]:
        """The answers."""
        for task in tasks:
            yield task()

    def close(self) -> None:
        """Nothing was started."""


IN_PROCESS = InProcess()
