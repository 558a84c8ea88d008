"""Runs what is tried from within: once in a cell's box, once outside as the control."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.leaktest.values import Attempt
from hub.tour.kernel import Kernel

_FOLDER = Path(__file__).with_name("inside")
_LOADER = """
import json, sys, types
given = json.loads(sys.stdin.read())
for name in ("hub", "hub.leaktest", "hub.leaktest.inside"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name in ("running", given["module"]):
    module = types.ModuleType(f"hub.leaktest.inside.{name}")
    sys.modules[module.__name__] = module
    exec(compile(given["sources"][name], name, "exec"), module.__dict__)
running = sys.modules["hub.leaktest.inside.running"]
print(json.dumps(running.run_all(module.ATTEMPTS, given["given"])))
"""
_SECONDS = 40


def inside(kernel: Kernel, module: str, given: Mapping[str, Any]) -> dict[str, Attempt]:
    """What the attempts of a module come to in a cell's box."""
    code = (
        "import subprocess as _s, sys as _y\n"
        f"_d = _s.run([_y.executable, '-I', '-c', {_LOADER!r}], input={_task(module, given)!r},\n"
        f"    capture_output=True, text=True, timeout={_SECONDS}, close_fds=False)\n"
        "print(_d.stdout if _d.returncode == 0 else _d.stderr[-400:])"
    )
    return _read(kernel.run(code).text)


def outside(python: Path, module: str, given: Mapping[str, Any]) -> dict[str, Attempt]:
    """What the same attempts come to in an ordinary process of the machine."""
    done = subprocess.run(
        [str(python), "-I", "-c", _LOADER],
        input=_task(module, given),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=given["project"],
        env={"PATH": "/usr/bin:/bin", "LEAKTEST_TOKEN": str(given["mark"])},
    )
    return _read(done.stdout if done.returncode == 0 else done.stderr[-400:])


def _task(module: str, given: Mapping[str, Any]) -> str:
    sources = {name: (_FOLDER / f"{name}.py").read_text("utf-8") for name in ("running", module)}
    return json.dumps({"module": module, "sources": sources, "given": given})


def _read(text: str) -> dict[str, Attempt]:
    """The answers; none if it was not answers that came."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return {name: Attempt(reached, said) for name, (reached, said) in found.items()}
    return {}
