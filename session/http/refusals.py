"""What a refused browser is told: a page for a person, JSON for a script; both from the catalogue.

Guarantees: the answer depends on the reason and the session's language alone, never on what was asked for, so
that a refusal tells nothing about the project folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onggi.reasons import Reason
from onggi.words import explain, say
from session.http.origin import is_navigation

_TEMPLATES = Path(__file__).parent.parent / "lab" / "templates"


def wants_page(headers: Mapping[str, str]) -> bool:
    """Whether a person looks at the answer."""
    return is_navigation(headers) and "text/html" in headers.get("Accept", "")


def as_json(language: str, reason: Reason) -> str:
    """The one wire form, with the sentence, which JupyterLab shows in its dialogs."""
    return json.dumps(
        {"error": {"reason": reason.value, "params": {}}, "message": explain(language, reason, {})},
        ensure_ascii=False,
    )


@cache
def as_page(language: str, reason: Reason, session: str, requests: str) -> str:
    """The page of a refusal.

    Args:
        session: address of the session, to go back to.
        requests: address of the person's requests for release.
    """
    template = _environment().get_template("refused.html")
    return template.render(
        lang=language,
        t=lambda key, **params: say(language, key, **params),
        sentence=explain(language, reason, {}),
        reason=reason.value,
        download=reason is Reason.DOWNLOAD_REFUSED,
        session=session,
        requests=requests,
    )


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
