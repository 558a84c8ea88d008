"""Runs `inside.planting` in a cell: what a researcher's code leaves in the project folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.leaktest.place import Place
from hub.tour.kernel import Shown

_SOURCE = Path(__file__).with_name("inside") / "planting.py"


def plant(place: Place, function: str, *arguments: Any) -> Shown:
    """Call a function of `inside.planting` in a cell."""
    source = _SOURCE.read_text("utf-8")
    return place.kernel.run(
        f"import types as _t; _p = _t.ModuleType('planting'); exec({source!r}, _p.__dict__)\n"
        f"print(_p.{function}(*{arguments!r}))"
    )
