"""The state of a session as its page shows it: budgets, compute, and why it may have ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onggi.reasons import Reason
from onggi.words import explain, say
from session.context import SessionContext
from session.session_api.actions import SessionActions
from web.formats import local_moment

COMPUTE_FILE = "compute.json"
"""Written by the broker into the server's own folder, where no compute can write: what holds which limit."""


def status(context: SessionContext, actions: SessionActions) -> dict[str, Any]:
    """What the page asks for now and then.

    `budget` is what the session API says; `withheld` and `closed` say in a sentence why outputs are not shown
    for now; `compute.limits` names what holds each limit (`cgroup2`, `watched`, …).
    """
    budget = actions.budget()
    closed = context.closed
    language = context.settings.plan.language
    return {
        "budget": budget,
        "withheld": _withheld(budget, language),
        "compute": _compute(context.settings.state_dir / COMPUTE_FILE),
        "until": actions.session()["until"],
        "closed": None if closed is None else explain(language, closed.reason, closed.params),
    }


def _withheld(budget: dict[str, Any], language: str) -> str | None:
    """Why nothing more is shown, and what to do."""
    reason = budget["withheld"]
    if reason is None:
        return None
    if reason == Reason.DISPLAY_DAY_LIMIT:
        return say(language, "lab.withheld_until", when=local_moment(language, budget["day_ends"]))
    return explain(language, reason, {"limit": budget["session_bytes"]})


def _compute(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except FileNotFoundError:
        told = {}
    return {"unsafe": bool(told.get("unsafe")), "limits": told.get("limits", {})}
