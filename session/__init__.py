"""The trusted Jupyter server of a session: allow-listed routes, gated kernels, a narrow session API."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """How Jupyter's server finds our single-user extension."""
    from session.app import OnggiSession

    return [{"module": "session.app", "app": OnggiSession}]
