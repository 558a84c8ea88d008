"""`python -m session`: the session server, told by its environment who it is for."""

from __future__ import annotations

from session.settings import load, prepare_environment


def main() -> None:
    """Read the settings, then let Jupyter load: it reads its folders at import."""
    settings = load()
    prepare_environment(settings)
    from session.app import run

    run(settings)


if __name__ == "__main__":
    main()
