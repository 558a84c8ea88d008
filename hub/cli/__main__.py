"""The command `onggi`, also as `python -m hub.cli`.

Until `onggi up` takes signals in hand, Ctrl-C ends the process at once: an exception that is raised in the
midst of an import can be lost there, and the command would go on.
"""

import signal


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hub.cli.main import app

    app()


if __name__ == "__main__":
    main()
