"""Speaking to the researcher: sentences in the session's language, errors without a page of traceback."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, TypeVar

from onggi import words
from onggi.errors import OnggiError
from onggi.notebook.client import call
from onggi.notebook.settings import settings

P = ParamSpec("P")
T = TypeVar("T")


class Shown(OnggiError):
    """An error as the researcher reads it: its text is the catalogue's sentence, its `reason` is for
    programs.
    """

    def __init__(self, error: OnggiError) -> None:
        super().__init__(error.reason, **error.params)
        self.sentence = words.explain(language(), error.reason, error.params)

    def __str__(self) -> str:
        return self.sentence

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of the traceback."""
        return [self.sentence]


def language() -> str:
    """The language to speak: from the settings, else the session's, else the default if the session is
    silent.
    """
    return settings().language or _session_language(settings().socket)


@functools.lru_cache(maxsize=8)
def _session_language(_socket: str) -> str:
    try:
        spoken = call("GET", "/v1/session").get("language")
    except OnggiError:
        return words.DEFAULT_LANGUAGE
    return words.spoken(spoken)


def say(key: str, **params: object) -> str:
    """The sentence for `key` in the session's language."""
    return words.say(language(), key, **params)


def known(key: str) -> bool:
    """Whether the catalogue has a sentence for `key`; codes of newer services may have none yet."""
    return key in words.catalogue(language())


def speaking(function: Callable[P, T]) -> Callable[P, T]:
    """Make the errors of a verb readable."""

    @functools.wraps(function)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Shown:
            raise
        except OnggiError as error:
            raise Shown(error) from None

    return spoken


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A plain HTML table of words, on the left as words are; everything in it is escaped."""
    head = "".join(f'<th align="left">{html.escape(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f'<td align="left">{html.escape(str(cell))}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def day(moment: str | None) -> str:
    """A wire moment as a date, or the word for none."""
    return moment[:10] if moment else say("notebook.no_end")
