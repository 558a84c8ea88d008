"""Compiles beforehand what a session and a check on Dask import: sandboxes see the environments read-only and
can never do it.

It takes 14 s of one core, so it is done beside what the person waits for, at the lowest priority, and in the
foreground only by `make env`. Compiling everything would take 35 s; the rest is compiled by whoever imports
it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from pathlib import Path

from scripts.bootstrap.places import Places

PLATFORM = """
    jupyterhub.singleuser.app jupyterhub.singleuser.extension jupyterlab.labhubapp
    jupyter_server.serverapp jupyter_server.services.kernels.websocket
    jupyter_server.services.contents.handlers jupyter_lsp notebook_shim.shim nbconvert
    jupyterhub.app httpx2 uvicorn starlette.applications authlib.integrations.starlette_client
    distributed
""".split()

COMPUTE = """
    ipykernel.kernelapp ipykernel.ipkernel pandas pyarrow.parquet duckdb polars
    dask.dataframe distributed matplotlib.pyplot matplotlib_inline.backend_inline
""".split()

_IMPORT_ALL = """
import ctypes, importlib, sys, warnings
ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception:
        pass  # it costs only its own head start
"""
_PR_SET_PDEATHSIG = 1
_LOWEST_PRIORITY = 19


def is_needed(here: Places) -> bool:
    """Whether an environment was made since the last time."""
    return any(not _stamp(folder).exists() for folder in (here.compute, here.platform))


def compile_now(here: Places) -> None:
    """Imports, and thereby compiles, what a session imports."""
    stale = [
        one for one in ((here.compute, COMPUTE), (here.platform, PLATFORM)) if not _stamp(one[0]).exists()
    ]
    started = [(folder, _start(folder, names)) for folder, names in stale]
    for folder, process in started:
        if process.wait() == 0:
            _stamp(folder).touch()


def _start(folder: Path, names: list[str]) -> subprocess.Popen[bytes]:
    argv: list[str | Path] = [folder / "bin" / "python", "-c", _IMPORT_ALL, *names]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet, env={"LANG": "C.UTF-8"})


def compile_beside(here: Places) -> None:
    """The same in a child of this process, which may then become something else; the child ends with it."""
    if os.fork() != 0:
        return
    end_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # whoever reads our output does not wait for this child
        os.dup2(nowhere, stream)
    _step_back()
    try:
        compile_now(here)
    finally:
        os._exit(0)


def _step_back() -> None:
    """Run only when nobody else wants to.

    Where the kernel shares processors out by terminal session first, a nice value counts within the session
    alone, and each service has one of its own: so this child gets a session too, and that is made last.
    """
    os.nice(_LOWEST_PRIORITY)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.setsid()
    with contextlib.suppress(OSError):  # a kernel without automatic groups has no such file
        Path("/proc/self/autogroup").write_text(str(_LOWEST_PRIORITY), "ascii")


def forget(folder: Path) -> None:
    """Says that the environment in `folder` was made anew."""
    _stamp(folder).unlink(missing_ok=True)


def end_with_parent() -> None:
    """SIGTERM arrives here when the parent dies, however it dies; it outlives an exec, not a fork."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stamp(folder: Path) -> Path:
    return folder / ".compiled"
