"""Spreads the tasks of a recomputation over the processes of a Dask cluster of the gate's own.

Guarantees: scheduler and workers are children of the process that checks, in its box: they see what it sees,
speak over the loopback of the box's own network namespace, and end with it. No address is ever taken from a
claim, a file or a session: nobody outside of the box can be a worker, or reach one.

Does not guarantee more than the box does: Dask speaks pickle, so whoever takes one process of a box over has
all of them; they are one output's.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.running import Task

if TYPE_CHECKING:
    from distributed import Client

_LOOPBACK = "127.0.0.1"
_SETTINGS = {
    # A worker that dies has met its limit of memory: another would meet it too.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.diagnostics.nvml": False,
    "distributed.worker.profile.enabled": False,
    # No pages.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # DuckDB keeps to its own limit, the box holds the whole.
    "distributed.nanny.environ": {"OMP_NUM_THREADS": 1},
}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A task whose finding comes back as a value: what stops a check does not fail a worker."""

    task: Task

    def __call__(self) -> Any:
        """The answer, or the finding that says why there is none."""
        try:
            return self.task()
        except CheckStopped as stopped:
            return stopped.finding
        except MemoryError:
            return finding(FindingCode.MEMORY_LIMIT)


class OnDask:
    """Runs tasks on workers of one thread each, started when the first task is there.

    Args:
        workers: processes.
        scratch: a folder for their files.
    """

    def __init__(self, workers: int, scratch: Path) -> None:
        self._workers = workers
        self._scratch = scratch
        self._open = contextlib.ExitStack()
        self._client: Client | None = None

    @property
    def at_once(self) -> int:
        """One task a worker."""
        return self._workers

    def run(self, tasks: Sequence[Task]) -> Generator[Any]:
        """The answers; what nobody waits for any more is given up."""
        from distributed import KilledWorker

        client = self._started()
        futures = [client.submit(Guarded(task), pure=False) for task in tasks]
        try:
            for future in futures:
                try:
                    answer = future.result()
                except KilledWorker:
                    raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
                if isinstance(answer, Finding):
                    raise CheckStopped(answer.code, **answer.params)
                yield answer
        finally:
            client.cancel(futures)

    def close(self) -> None:
        """End the cluster."""
        self._client = None
        self._open.close()

    def _started(self) -> Client:
        if self._client is None:
            # A second and 60 MiB to load: only where it was asked for.
            import dask
            from distributed import Client, LocalCluster

            self._open.enter_context(dask.config.set(_SETTINGS))
            try:
                cluster = self._open.enter_context(
                    LocalCluster(
                        n_workers=self._workers,
                        threads_per_worker=1,
                        host=_LOOPBACK,
                        dashboard_address=f"{_LOOPBACK}:0",
                        memory_limit=0,
                        local_directory=str(self._scratch),
                        silence_logs=logging.CRITICAL,
                    )
                )
                self._client = self._open.enter_context(Client(cluster))
            except (OSError, RuntimeError, TimeoutError) as error:
                raise CheckStopped(FindingCode.CHECKER_UNAVAILABLE, cause=type(error).__name__) from None
        return self._client
