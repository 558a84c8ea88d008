"""Onggi: what every room shares, and what a notebook imports.

Standard library only. The trusted services import the values (`onggi.domain`,
`onggi.decision`, `onggi.events`, …); a notebook imports the verbs that
`__all__` lists. Those are loaded on first use, so that the agent and the trusted side
never pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onggi.notebook import budget, datasets, model, protect, read, requests, submit, table, withdraw

__version__ = "0.1.0"

__all__ = [
    "__version__", "budget", "datasets", "model", "protect", "read", "requests", "submit", "table",
    "withdraw",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__:
        from onggi import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'onggi' has no attribute {name!r}")
