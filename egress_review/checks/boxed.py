"""Runs one worker in a box of its own and brings back its answer, or the finding that says why there is none.

Guarantees: the worker sees the vault file and the granted data sets read-only, a bounded scratch folder in
memory, our code and its interpreter; no network, no variable, no other file. It ends when its time is up,
and no more of its answer is read than the policy allows. Its standard error is not kept: it may hold values
of the data.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import egress_review
import onggi
from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.worker_status import OUT_OF_MEMORY
from onggi.errors import Unavailable
from onggi.sandbox import Bind, Box, Launched, Tmpfs, find_home, interpreter_binds, launch
from onggi.sandbox.limits import Limits

OUTPUT = "/in/output"
SCRATCH = "/scratch"
_CODE = "/opt/onggi"
_ENVIRONMENT = "/opt/platform"
_WORKER = ("-B", "-m", "egress_review.checks.worker")
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_BLOCK = 65_536
_TASKS, _TASKS_OF_DASK = 32, 24


@dataclass(frozen=True, slots=True)
class Worker:
    """What is started in the box; tests put a hostile one in its place.

    Attributes:
        arguments: of the interpreter.
        binds: more to show in the box.
    """

    arguments: Sequence[str] = _WORKER
    binds: Sequence[Bind] = ()


class Asked(Protocol):
    """What is asked of a worker."""

    @property
    def policy(self) -> CheckPolicy:
        """What it may use."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        ...


def ask_worker(order: Asked, binds: Sequence[Bind], worker: Worker) -> bytes:
    """The worker's answer to `order`, as bytes that nobody has looked at.

    Raises:
        CheckStopped: `checker_unavailable`, `checker_crashed`, `memory_limit`, `time_limit` or
            `answer_unreadable`.
    """
    deadline = time.monotonic() + order.policy.time_s
    box = _box(order.policy, [*binds, *worker.binds], worker.arguments)
    with _sealed(json.dumps(order.to_json()).encode()) as stdin:
        try:
            launched = launch(
                box,
                stdin=stdin,
                stdout=subprocess.PIPE,
                cgroups=find_home(),
                name=f"onggi-check-{secrets.token_hex(8)}",
            )
        except (Unavailable, OSError) as error:
            cause = (
                error.params.get("finding", "") if isinstance(error, Unavailable) else type(error).__name__
            )
            raise CheckStopped(FindingCode.CHECKER_UNAVAILABLE, cause=cause) from None
    try:
        return _answer(launched, deadline, order.policy.max_answer_bytes)
    finally:
        _end(launched)


def _box(policy: CheckPolicy, binds: Sequence[Bind], arguments: Sequence[str]) -> Box:
    code = Path(onggi.__file__).parent
    review = Path(str(egress_review.__file__)).parent
    ours = [
        Bind(str(code), f"{_CODE}/onggi"),
        Bind(str(review / "__init__.py"), f"{_CODE}/egress_review/__init__.py"),
        Bind(str(review / "checks"), f"{_CODE}/egress_review/checks"),
    ]
    python = sys.executable
    if sys.prefix != sys.base_prefix:
        ours.extend(interpreter_binds(Path(sys.prefix), _ENVIRONMENT))
        python = f"{_ENVIRONMENT}/bin/python"
    half = policy.memory_bytes // 2
    return Box(
        argv=(python, *arguments),
        binds=(*ours, *binds),
        tmpfs=(Tmpfs(SCRATCH, half), Tmpfs("/tmp"), Tmpfs("/dev/shm")),  # noqa: S108 - inside the box
        env={"PYTHONPATH": _CODE, "HOME": SCRATCH, "LC_ALL": "C.UTF-8"},
        limits=Limits(
            memory_bytes=policy.memory_bytes,
            cpus=policy.cpus,
            processes=_processes(policy),
            open_files=1024,
            file_bytes=half,
        ),
        cwd=SCRATCH,
        home=SCRATCH,
        user="checker",
    )


def _processes(policy: CheckPolicy) -> int:
    """Processes and threads of a box."""
    return _TASKS + (_TASKS_OF_DASK * (policy.workers + 1) if policy.engine is Engine.DASK else 0)


def _sealed(content: bytes) -> IO[bytes]:
    """A file in memory that can be read and no longer changed, so that the box cannot make it grow."""
    descriptor = os.memfd_create("onggi-order", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    file.write(content)
    file.seek(0)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return file


def _answer(launched: Launched, deadline: float, most: int) -> bytes:
    stdout = launched.process.stdout
    if stdout is None:
        raise CheckStopped(FindingCode.CHECKER_CRASHED, status="")
    parts: list[bytes] = []
    size = 0
    while part := _read(stdout.fileno(), deadline):
        parts.append(part)
        size += len(part)
        if size > most:
            raise CheckStopped(FindingCode.ANSWER_UNREADABLE, cause="size")
    try:
        status = launched.process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CheckStopped(FindingCode.TIME_LIMIT) from None
    if status == OUT_OF_MEMORY:
        raise CheckStopped(FindingCode.MEMORY_LIMIT)
    if status != 0:
        raise CheckStopped(FindingCode.CHECKER_CRASHED, status=status)
    return b"".join(parts)


def _read(descriptor: int, deadline: float) -> bytes:
    """The next bytes, or none at the end.

    Raises:
        CheckStopped: `time_limit`.
    """
    # poll, not select: a service with many connections has descriptors above select's 1023.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise CheckStopped(FindingCode.TIME_LIMIT)
    return os.read(descriptor, _BLOCK)


def _end(launched: Launched) -> None:
    launched.process.kill()
    launched.process.wait()
    if launched.process.stdout is not None:
        launched.process.stdout.close()
    if launched.cgroup is not None:
        launched.cgroup.remove()
