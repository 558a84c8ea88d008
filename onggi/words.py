"""The catalogues: every sentence a person reads, in Korean and English.

A key is `area.name`; the areas are the files `words/<language>/<area>.toml`. Values are plain text with
`{parameter}` slots. Parameters are filled in literally: no format specifications, no attribute access, so a
hostile value cannot do anything but be shown.

Where a language says one thing otherwise than several (English does, Korean does not), the value is
`{ by = "rows", one = "One row is left.", other = "{rows} rows are left." }`: `one` is said when the parameter
that `by` names is 1.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

LANGUAGES = ("ko", "en")
DEFAULT_LANGUAGE = "ko"
Entry = str | Mapping[str, str]
"""A sentence, or what is said of one and of several."""
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# Params of reasons that are a name of ours: of a form's field, or of a kind of thing.
_NAMED = frozenset({"field", "resource", "state", "what"})


@dataclass(frozen=True, slots=True)
class Singular:
    """What is said of one: `sentence`, when the parameter `by` is 1."""

    by: str
    sentence: str


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of one language by key; where one is said otherwise, the one for several."""
    return {
        key: value if isinstance(value, str) else value["other"] for key, value in _entries(language).items()
    }


@cache
def singulars(language: str) -> Mapping[str, Singular]:
    """What one language says of one, by key, where that is another sentence."""
    return {
        key: Singular(value["by"], value["one"])
        for key, value in _entries(language).items()
        if not isinstance(value, str)
    }


def _entries(language: str) -> Mapping[str, Entry]:
    return {
        f"{area}.{name}": entry
        for area in sorted(_areas(language))
        for name, entry in _area(language, area).items()
    }


@cache
def _areas(language: str) -> frozenset[str]:
    folder = resources.files("onggi").joinpath("words", language)
    return frozenset(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


@cache
def _area(language: str, area: str) -> Mapping[str, Entry]:
    """The entries of one file: who says a few sentences reads no others."""
    file = resources.files("onggi").joinpath("words", language, f"{area}.toml")
    return tomllib.loads(file.read_text("utf-8"))


def slots(sentence: str) -> frozenset[str]:
    """The parameter names that a sentence uses."""
    return frozenset(_SLOT.findall(sentence))


def say(language: str, key: str, /, **params: object) -> str:
    """The sentence for `key`; an unknown language falls back to the default, an unknown key is shown
    as itself.
    """
    known = spoken(language)
    area, _, name = key.partition(".")
    entry = _area(known, area).get(name, key) if area in _areas(known) else key
    if not isinstance(entry, str):
        entry = entry["one" if str(params.get(entry["by"])) == "1" else "other"]
    return _SLOT.sub(lambda slot: str(params.get(slot[1], slot[0])), entry)


def explain(language: str, reason: str, params: Mapping[str, object]) -> str:
    """The sentence of a reason code; fields and things in it by the names that pages give them, limits with
    their thousands apart.
    """
    known = {name: _named(language, value) if name in _NAMED else value for name, value in params.items()}
    limit = str(known.get("limit", ""))
    if limit.isdecimal():
        known["limit"] = f"{int(limit):,}"
    return say(language, f"reasons.{reason}", **known)


def spoken(language: object) -> str:
    """The language asked for if it is one of ours, else the default."""
    return language if isinstance(language, str) and language in LANGUAGES else DEFAULT_LANGUAGE


def choose(accept: str | None, default: str = DEFAULT_LANGUAGE) -> str:
    """The language that an `Accept-Language` header asks for first among ours."""
    weighted: list[tuple[float, str]] = []
    for part in (accept or "").split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        weighted.append((weight, name.split("-")[0].lower()))
    known = [item for item in weighted if item[1] in LANGUAGES]
    return max(known, key=lambda item: item[0])[1] if known else default


def _named(language: str, name: object) -> str:
    known = catalogue(spoken(language))
    return known.get(f"web.name_{name}") or known.get(f"review.state_{name}", str(name))
