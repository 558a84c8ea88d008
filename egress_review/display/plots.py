"""Plots described as Vega-Lite: data and marks, drawn by the page's own copy of the renderer.

Guarantees: what comes out loads nothing (no addresses, no images, no options for the embedder), binds to
nothing in the page, and holds only expressions of a small language: columns of the data, numbers, words,
comparison, arithmetic and a few functions without effects. Vega compiles expressions to code, and there have
been ways out of its own language; that one can name a member of anything here is therefore ruled out.
Vega-Lite writes titles, formats, parts of dates and widths into expressions without quoting them: words that
could end a quotation stand nowhere, and brackets only where a person's words do. No tooltip gets a value
named `image`, which it would load.

Source: Vega-Lite 5 schema; `tooltipData` and `timeFormatExpression` of Vega-Lite 5.6.1; `formatValue` of
vega-tooltip 0.30; CVE-2025-25304, CVE-2025-26619, CVE-2025-59840 of Vega's expressions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from egress_review.display.values import MAX_DEPTH, plain_json, usable_key

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""A name that the renderer knows a version by; nothing is fetched from there."""
_LEFT_OUT = frozenset({"$schema", "usermeta"})
_REFUSED = frozenset(
    (
        "bind clear customFormatTypes element events href init loader on pivot signals src translate update "
        "url zoom"
    ).split()
)
_EXPRESSIONS = frozenset({"and", "calculate", "expr", "filter", "labelExpr", "not", "or", "signal", "test"})
_ADDRESS = re.compile(r"://|url\(|^\s*//|^\s*(?:data|javascript|blob|file):", re.IGNORECASE)
_WORDS = frozenset(
    (
        "as column datum default description domain equal field fields flatten fold from groupby gt gte "
        "key layer lookup lt lte oneOf order range repeat row sort subtitle text title value values"
    ).split()
)
"""Keys under which a person's words stand: columns, categories and headings may have brackets in them."""
_ENDS_A_QUOTATION = re.compile(r"[\"`\r\n]|\\(?![.\[\]])")
_CALLS = re.compile(r"['()\[\]{}]")
_COLOUR = re.compile(r"(?:rgb|hsl)a?\([0-9., %]{1,60}\)")
_IMAGE = re.compile(r"[\W_]*image[\W_]*")
_SCALARS = (str, int, float, bool, type(None))

_FUNCTIONS = frozenset(
    (
        "abs acos asin atan atan2 ceil clamp cos date datetime day dayofyear exp floor format hours if "
        "indexof isFinite isNaN isNumber isString isValid length log lower max min minutes month "
        "monthAbbrevFormat monthFormat padstart pow quarter round seconds sin slice split sqrt substring tan "
        "time timeFormat toBoolean toDate toNumber toString trim truncate upper utcdate utcday utcmonth "
        "utcyear week year"
    ).split()
)
_BAD_MEMBERS = frozenset({"constructor", "hasOwnProperty", "prototype", "toString", "valueOf"})
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,100}"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<number>[0-9]{{1,20}}(?:\.[0-9]{{0,20}})?(?:[eE][+-]?[0-9]{{1,3}})?)
    | datum(?:\.(?P<member>{_NAME})
        | \[\s*(?P<quoted>'[^'\\\]]{{1,100}}'|"[^"\\\]]{{1,100}}")\s*\])(?![\s]*[.\[(])
    | (?P<call>[a-z][A-Za-z0-9]{{0,30}})\s*\((?!\s*\.)
    | (?P<word>true|false|null|PI|E)(?![A-Za-z0-9_.\[(])
    | (?P<text>'[^'\\]{{0,200}}'|"[^"\\]{{0,200}}")(?![\s]*[.\[(])
    | (?P<sign>(?!/[*/])(?:===|!==|==|!=|<=|>=|&&|\|\||[-+*/%!?:,<>(]|\)(?!\s*[.\[(])))
    )""",
    re.VERBOSE,
)


def clean_vega_lite(spec: object) -> dict[str, Any]:
    """A Vega-Lite description with everything left out or refused that is not data and marks.

    Raises:
        ValueError: with the word for what is refused: a key of Vega-Lite, or a word of ours; never text of
            the description.
    """
    if not isinstance(spec, Mapping):
        raise ValueError("object")  # noqa: TRY004 - hostile input, not a mistake in our calls
    return {"$schema": SCHEMA} | _object(spec, MAX_DEPTH)


def safe_expression(text: str) -> bool:
    """Whether an expression is one of the small language."""
    at = 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if token is None:
            return False
        member = token["member"] or (token["quoted"] or "").strip("'\"")
        if member in _BAD_MEMBERS or member.startswith("__"):
            return False
        if token["call"] and token["call"] not in _FUNCTIONS:
            return False
        at = token.end()
    return True


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth <= 0:
        raise ValueError("depth")
    cleaned: dict[str, Any] = {}
    for key, item in value.items():
        name = usable_key(key)
        if name in _LEFT_OUT:
            continue
        if _ENDS_A_QUOTATION.search(name) or _CALLS.search(name):
            raise ValueError("key")
        if name in _REFUSED:
            raise ValueError(name)
        if name == "data" and isinstance(item, Mapping):
            cleaned[name] = _data(item, depth)
        elif name == "datasets" and isinstance(item, Mapping):
            cleaned[name] = {usable_key(title): _rows(rows) for title, rows in item.items()}
        else:
            cleaned[name] = _value(name, item, depth)
    return cleaned


def _value(name: str, item: Any, depth: int) -> Any:
    if isinstance(item, Mapping):
        return _object(item, depth - 1)
    if isinstance(item, list):
        if depth <= 0:
            raise ValueError("depth")
        return [_value(name, part, depth - 1) for part in item]
    if isinstance(item, str):
        return _expression(name, item) if name in _EXPRESSIONS else _text(name, item)
    return plain_json(item)


def _expression(name: str, text: str) -> str:
    if not safe_expression(text):
        raise ValueError(name)
    if _ADDRESS.search(text):
        raise ValueError("address")
    return text


def _text(name: str, text: str) -> str:
    """Words of the description that are not data: none that would do anything inside an expression."""
    if _ADDRESS.search(text):
        raise ValueError("address")
    if _IMAGE.fullmatch(text):
        raise ValueError("image")
    if _ENDS_A_QUOTATION.search(text):
        raise ValueError("quotation")
    if name not in _WORDS and _CALLS.search(text) and not _COLOUR.fullmatch(text):
        raise ValueError("brackets")
    return text


def _data(data: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    values = data.get("values")
    rest = _object({key: item for key, item in data.items() if key != "values"}, depth - 1)
    return rest if values is None else rest | {"values": _rows(values)}


def _rows(rows: object) -> list[Any]:
    """Rows of scalars; a column called `image` would be drawn as one by tooltips."""
    if not isinstance(rows, list):
        raise ValueError("values")  # noqa: TRY004 - as above
    return [_row(row) for row in rows]


def _row(row: object) -> Any:
    if isinstance(row, Mapping):
        return {
            usable_key(k): plain_json(v) for k, v in row.items() if isinstance(v, _SCALARS) and k != "image"
        }
    if isinstance(row, _SCALARS):
        return plain_json(row)
    raise ValueError("values")
