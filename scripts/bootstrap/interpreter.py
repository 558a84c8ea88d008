"""Which Python the environments are made with."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from scripts.bootstrap.tell import SetupError

_NAME = re.compile(r"python3(\.\d+)?")
_OLDEST = "import sys; sys.exit(sys.version_info < (3, 11))"


def pick() -> Path:
    """A Python of at least 3.11 whose files lie under /usr and can be executed by everybody.

    A sandbox sees /usr and nothing of anyone's home, and the service user can read nothing of root's home, so
    a Python of pyenv, conda or uv will not do.

    Raises:
        SetupError: when there is none.
    """
    for folder in (Path("/usr/bin"), Path("/usr/local/bin")):
        candidates = (entry for entry in folder.glob("python3*") if _NAME.fullmatch(entry.name))
        for candidate in sorted(candidates, key=lambda entry: (len(entry.name), entry.name)):
            if _serves(candidate):
                return candidate
    raise SetupError("setup.no_python")


def _serves(candidate: Path) -> bool:
    real = candidate.resolve()
    if not real.is_relative_to("/usr") or not os.access(real, os.X_OK) or not real.stat().st_mode & 0o001:
        return False
    return subprocess.run([candidate, "-I", "-c", _OLDEST], check=False, capture_output=True).returncode == 0
