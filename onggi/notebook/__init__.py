"""The verbs of a notebook: what a researcher writes after `import onggi`.

Standard library only until a verb needs more: pandas, Polars, Dask and DuckDB are imported where they
are used. All of this runs on the hostile side, so nothing here protects anything: the walls are on the
other side of the session API and in the gate.
"""

from onggi.notebook.catalogue import datasets
from onggi.notebook.modelling import model
from onggi.notebook.protecting import protect
from onggi.notebook.reading import read
from onggi.notebook.release import budget, requests, submit, withdraw
from onggi.notebook.tables import table

__all__ = ["budget", "datasets", "model", "protect", "read", "requests", "submit", "table", "withdraw"]
