"""Onggi: what every room shares, and what a notebook imports.

In a notebook (`onggi.table?` shows how each is used):

    onggi.datasets()    the data sets that the project may use
    onggi.read(…)       a table of one, for pandas, Polars or Dask
    onggi.table(…)      a table that can be proven, and its claim
    onggi.model(…)      a regression or survival curve that can be proven
    onggi.protect(…)    a table with small numbers hidden, rounded or merged
    onggi.submit(…)     asks for files to be released
    onggi.requests()    how my requests stand; onggi.withdraw(…) takes one back
    onggi.budget()      what the session may still show

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


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in __all__:
        from onggi import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'onggi' has no attribute {name!r}")
