"""What the page of a session is told: who it is for, which plug-ins are off, where our extension lies.

The page is ours (`templates/index.html`), around JupyterLab's own script: the upstream page has an inline
script, which the policy forbids.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jupyterlab
from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from onggi.reasons import Reason
from onggi.submission import MAX_CONTEXT_BYTES, MAX_FILES, MAX_PURPOSE_BYTES
from onggi.words import catalogue, explain, say, spoken
from session.configuration import DISABLED_PLUGINS
from session.contents.rules import NOTEBOOK, TEXT_SUFFIXES
from session.context import SessionContext
from session.http.page_key import page_key
from session.lab.files import ADDRESS, EXTENSION, release

_TEMPLATES = Path(__file__).parent / "templates"
# Why a kernel's connection is closed; its socket tells the code, the page the sentence.
_ENDINGS = (
    Reason.GRANT_ENDED,
    Reason.GRANT_UNCONFIRMED,
    Reason.MEMBERSHIP_ENDED,
    Reason.PROJECT_ENDED,
    Reason.SESSION_ENDED,
)
_PLOTS = "@jupyterlab/vega5-extension"
"""Draws plots from data, where the display policy allows them."""
COPY_REMINDER_CHARACTERS = 2000


def prefer_our_page(environment: Environment) -> None:
    """Put our page before JupyterLab's."""
    before = environment.loader
    environment.loader = ChoiceLoader([FileSystemLoader(_TEMPLATES), *([] if before is None else [before])])


def page_config(context: SessionContext, config: dict[str, Any]) -> dict[str, Any]:
    """JupyterLab's configuration of the page, narrowed and completed.

    Args:
        config: as JupyterLab and JupyterHub made it; the page gets no token, and no extension but ours.
    """
    settings = context.settings
    plan = settings.plan
    language = spoken(plan.language)
    plots = context.gates.policy.plot_formats
    address = f"{settings.prefix}{ADDRESS}"
    load = f"{release()}/remote.js"
    return config | {
        "token": "",
        "shareUrl": "",
        "disabledExtensions": [name for name in DISABLED_PLUGINS if name != _PLOTS or not plots],
        "fullLabextensionsUrl": address,
        "federated_extensions": [{"name": EXTENSION, "load": load, "extension": "./extension"}],
        "onggi": _told(context, language),
        "onggiLanguage": language,
        "onggiMain": _main_script(),
        "onggiStatic": f"{address}/{EXTENSION}/{release()}",
        "onggiTitle": f"{plan.project} · {say(language, 'web.product')}",
    }


def _told(context: SessionContext, language: str) -> dict[str, Any]:
    """What our extension reads."""
    settings = context.settings
    plan = settings.plan
    return {
        "language": language,
        "member": plan.member,
        "project": plan.project,
        "page_key": page_key(plan),
        "desk": settings.desk_url,
        "requests": f"{settings.review_url}/mine",
        "watermark": context.gates.policy.watermark,
        "copy_reminder_characters": COPY_REMINDER_CHARACTERS,
        "shown_suffixes": sorted({NOTEBOOK, *TEXT_SUFFIXES}),
        "limits": {
            "files": MAX_FILES,
            "purpose_bytes": MAX_PURPOSE_BYTES,
            "context_bytes": MAX_CONTEXT_BYTES,
        },
        "words": _words(language),
        "endings": {one.value: explain(language, one, _names(plan.project)) for one in _ENDINGS},
    }


def _names(project: str) -> dict[str, str]:
    return {"project": project, "dataset": project}


@cache
def _words(language: str) -> dict[str, str]:
    """The sentences of our extension, by their names without the area."""
    found = {key: text for key, text in catalogue(language).items() if key.startswith("lab.")}
    return {key.removeprefix("lab."): text for key, text in found.items()} | {
        "unsafe_no_sandbox": say(language, "web.unsafe_no_sandbox"),
    }


@cache
def _main_script() -> str:
    """The file name of JupyterLab's first script, which holds a hash."""
    (script,) = (Path(jupyterlab.__file__).parent / "static").glob("main.*.js")
    return script.name
