"""`python -m scripts.checks NAME… [ARGUMENT…]`: the checks of the code, all of them even when one fails.

The tests come last so that pytest's closing line is the last thing printed; what is no name of a check is an
argument of theirs, such as the path of a test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.bootstrap.tell import tell

_BIN = Path(sys.executable).parent
_PYTEST = ("python", "-m", "pytest")
# One file of tests stays on one worker: what its fixtures start is started once. Files in their order: the
# long ones (tests/integration) come before the short ones, which then keep both workers busy to the end.
_PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
_COVERAGE = ("--cov", "--cov-report=term:skip-covered")

CHECKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "lint": (("ruff", "check", "."), ("ruff", "format", "--check", ".")),
    "types": (("mypy",), ("mypy", "-p", "scripts"), ("mypy", "--explicit-package-bases", "tests")),
    "imports": (("lint-imports",),),
    "tests": ((*_PYTEST, *_PARALLEL, *_COVERAGE),),
    "unit": ((*_PYTEST, *_PARALLEL, "tests/unit", "tests/contract", "tests/architecture"),),
    "bench": (
        ("python", "-m", "tests.bench.click_to_cell"),
        ("python", "-m", "tests.bench.round_trip"),
    ),
    "screenshots": ((*_PYTEST, "-m", "browser", "tests/functional"),),
    "docs": (("python", "-m", "scripts.docs"),),
}


# What a check's commands find in their environment besides.
SURROUNDINGS = {"screenshots": {"ONGGI_SCREENSHOTS": str(Path("docs", "pictures").resolve())}}


def main(words: list[str]) -> int:
    """Runs the checks in the given order; 0 if all passed."""
    names = [word for word in words if word in CHECKS]
    for name in names:
        os.environ.update(SURROUNDINGS.get(name, {}))
    *first, last = [command for name in names for command in CHECKS[name]]
    last += tuple(word for word in words if word not in CHECKS)
    failed = [" ".join(command) for command in first if run(command) != 0]
    if failed:
        tell("setup.check_failed", names=", ".join(failed))
    return run(last) or (1 if failed else 0)


def run(command: tuple[str, ...]) -> int:
    """One check; its output goes where ours goes."""
    program, *rest = command
    print("$", " ".join(command), flush=True)
    return subprocess.run([_BIN / program, *rest], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
