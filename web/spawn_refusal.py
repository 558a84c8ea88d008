"""Refusing to start a session, as JupyterHub understands it."""

from __future__ import annotations

from jupyterhub.spawner import SpawnException

from onggi import words
from onggi.errors import Conflict, OnggiError, Refused
from web.reason_headers import to_headers


class SpawnRefusal(SpawnException):  # type: ignore[misc] # JupyterHub ships no types
    """A refusal with our reason: a sentence for people, the code in headers for programs."""

    def __init__(self, error: OnggiError, language: str) -> None:
        # a 403 would read as "not signed in well enough" to the hub's own pages
        status = Conflict.status if isinstance(error, Refused) else error.status
        sentence = words.explain(language, error.reason, error.params)
        super().__init__(sentence, reason=error.reason.value, status_code=status)
        self.onggi_error = error
        self.headers = to_headers(error)


def asked_language(options: object) -> str:
    """The language in a spawner's options; they come from whoever asked, so only ours count."""
    return words.spoken(options.get("language") if isinstance(options, dict) else None)
