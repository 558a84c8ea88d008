"""`python -m session`: the session server, told by its environment who it is for."""

from __future__ import annotations

import sys

from session.allocation import bound_heaps
from session.settings import load, prepare_environment


def main() -> None:
    """Read the settings, then let Jupyter load: it reads its folders at import."""
    bound_heaps()
    settings = load()
    prepare_environment(settings)
    # An optional format of jsonschema builds a parser at import: half of the start, used by nothing here.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # which means: not installed
    from session.app import run

    run(settings)


if __name__ == "__main__":
    main()
