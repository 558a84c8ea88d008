"""`python -m onggi.agent`: run the agent of a compute."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from onggi.agent.kernels import Kernels
from onggi.agent.server import serve


def main() -> None:
    """Serve until told to end."""
    options = argparse.ArgumentParser(prog="onggi.agent")
    options.add_argument("--runtime", type=Path, default=Path("/run/onggi/k"))
    options.add_argument("--project", type=Path, default=Path("/project"))
    options.add_argument("--unsafe-no-landlock", action="store_true")
    given = options.parse_args()
    kernels = Kernels(given.runtime, given.project, walled=not given.unsafe_no_landlock)
    asyncio.run(serve(given.runtime / "agent.sock", kernels))


if __name__ == "__main__":
    main()
