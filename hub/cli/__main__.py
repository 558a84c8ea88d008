"""`python -m hub.cli`."""

from hub.cli.main import app

app()
