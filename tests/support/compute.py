"""Runs a script as a notebook would run it: in the compute environment, knowing nothing but its session."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMPUTE_PYTHON = Path(sys.prefix).parent / "compute" / "bin" / "python"
_SECONDS = 110


def in_compute(script: str, socket: Path, project: Path) -> Any:
    """What the script, which ends with `answer = …`, found."""
    done = subprocess.run(
        [str(COMPUTE_PYTHON), "-c", f"import json, onggi\n{script}\nprint(json.dumps(answer))"],
        env={
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ONGGI_SESSION_SOCKET": str(socket),
            "ONGGI_PROJECT_FOLDER": str(project),
            "HOME": str(project),
        },
        cwd=project,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])
