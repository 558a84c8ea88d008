"""What is compiled beforehand: the modules that a session imports in a sandbox that sees them read-only."""

from __future__ import annotations

PLATFORM = tuple(
    """
    jupyterhub.app jupyterhub.singleuser.app jupyterhub.singleuser.extension jupyterlab.labhubapp
    jupyter_server.serverapp jupyter_server.services.kernels.websocket
    jupyter_server.services.contents.handlers jupyter_lsp notebook_shim.shim nbconvert
    sqlalchemy.dialects.sqlite alembic.command uvicorn starlette.applications httpx2
    authlib.integrations.starlette_client sqlglot duckdb pyarrow.parquet babel.dates typer structlog nh3
    pydantic_settings
    """.split()
)

COMPUTE = tuple(
    """
    ipykernel.kernelapp ipykernel.ipkernel ipywidgets pandas polars duckdb pyarrow.parquet
    dask.dataframe distributed matplotlib.pyplot matplotlib_inline.backend_inline
    """.split()
)

_IMPORT_ALL = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
for name in {names!r}:
    try:
        importlib.import_module(name)
    except Exception:
        pass
"""


def imports(names: tuple[str, ...]) -> str:
    """A program that imports each; one that cannot be imported costs only its own head start."""
    return _IMPORT_ALL.format(names=names)
