"""The state of a session as its page shows it: budgets, compute, and why it may have ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onggi.words import explain
from session.context import SessionContext
from session.session_api.actions import SessionActions

COMPUTE_FILE = "compute.json"
"""Written by the broker into the server's own folder, where no compute can write: what holds which limit."""


def status(context: SessionContext, actions: SessionActions) -> dict[str, Any]:
    """What the page asks for now and then.

    `budget` is what the session API says; `compute.limits` names what holds each limit (`cgroup2`, `watched`,
    …); `closed` says why nothing is shown for now.
    """
    closed = context.closed
    language = context.settings.plan.language
    return {
        "budget": actions.budget(),
        "compute": _compute(context.settings.state_dir / COMPUTE_FILE),
        "until": actions.session()["until"],
        "closed": None
        if closed is None
        else {"reason": closed.reason.value, "message": explain(language, closed.reason, closed.params)},
    }


def _compute(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except FileNotFoundError:
        told = {}
    return {"unsafe": bool(told.get("unsafe")), "limits": told.get("limits", {})}
