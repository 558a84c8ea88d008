"""The real configuration, but what it starts is `tiny_server.py`: sandboxes have tests of their own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821
here = Path(__file__).resolve().parent
load_subconfig(str(here.parents[2] / "hub" / "jupyterhub_config.py"))  # type: ignore[name-defined]  # noqa: F821
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, str(here / "tiny_server.py")]
c.JupyterHub.tornado_settings["slow_spawn_timeout"] = (
    10  # a busy machine may refuse in more than the real second
)
