"""Runs the programs of the set-up, quietly, and ends them when the set-up is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from scripts.bootstrap.tell import SetupError

_TAIL = 25


class Steps:
    """The programs that the set-up started and that still run.

    Args:
        environ: variables for each of them.
        folder: their working directory; not the source tree, so that its configuration files say nothing to
            them.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = dict(environ)
        self._folder = folder
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(
        self, argv: Sequence[str | Path], cwd: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        """Runs one program to its end.

        Raises:
            SetupError: with the last lines it wrote, if it fails.
        """
        output, code = self._finish(argv, cwd or self._folder, environ or {})
        if code != 0:
            tail = "\n".join(output.rstrip().splitlines()[-_TAIL:])
            raise SetupError("setup.step_failed", command=" ".join(map(str, argv)), output=tail)

    def _finish(self, argv: Sequence[str | Path], cwd: Path, environ: Mapping[str, str]) -> tuple[str, int]:
        with self._lock:
            if self._ended:
                raise SetupError("setup.interrupted")
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "--", *argv],  # killed outright, we leave nothing behind
                cwd=cwd,
                env={**self._environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            self._running.add(process)
        output, _ = process.communicate()
        with self._lock:
            self._running.discard(process)
        return output, process.returncode

    def end_on_signal(self) -> None:
        """SIGTERM, SIGINT and SIGHUP end the set-up and what it started."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._ended = True
        for process in tuple(self._running):
            process.terminate()
        os._exit(128 + number)
