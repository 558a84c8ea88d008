"""Stored notebooks that a cell wrote: what comes out of them when they are opened, and is it paid for?"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx2 as httpx

from hub.leaktest.carrying import copies
from hub.leaktest.inside.kernel_side import png
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.planted import plant
from hub.leaktest.values import Found, Verdict

Notebook = dict[str, Any]
Made = Callable[[str], Notebook]
_REPEATED = 8


def _notebook(*cells: dict[str, Any], **metadata: Any) -> Notebook:
    return {"cells": list(cells), "metadata": metadata}


def _cell(kind: str = "code", source: str = "x", **more: Any) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": "a", "metadata": {}, "source": source}
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    return cell | more


def _output(data: Mapping[str, Any], **more: Any) -> Notebook:
    output = {"output_type": "display_data", "data": data, "metadata": {}} | more
    return _notebook(_cell(outputs=[output]))


def _stream(text: str, name: str = "stdout") -> Notebook:
    return _notebook(_cell(outputs=[{"output_type": "stream", "name": name, "text": text}]))


def _error(name: str, value: str, traceback: str) -> Notebook:
    output = {"output_type": "error", "ename": name, "evalue": value, "traceback": [traceback]}
    return _notebook(_cell(outputs=[output]))


_PLAIN = {"text/plain": "x"}
_FIGURE = "application/vnd.onggi.figure.v1+json"
MADE: Mapping[str, Made] = {
    "source_code": lambda t: _notebook(_cell(source=t)),
    "source_markdown": lambda t: _notebook(_cell("markdown", t)),
    "source_raw": lambda t: _notebook(_cell("raw", t)),
    "attachment": lambda t: _notebook(_cell("markdown", "x", attachments={t: {"image/png": t}})),
    "cell_id": lambda t: _notebook(_cell(id=t[:60])),
    "cell_type": lambda t: _notebook(_cell() | {"cell_type": t}),
    "cell_metadata": lambda t: _notebook(_cell(metadata={t: t, "tags": [t]})),
    "cell_extra": lambda t: _notebook(_cell(more=t)),
    "metadata": lambda t: _notebook(_cell(), more=t),
    "kernel_name": lambda t: _notebook(_cell(), kernelspec={"name": t, "display_name": t, "language": t}),
    "language": lambda t: _notebook(_cell(), language_info={"name": t, "version": t, "file_extension": t}),
    "title": lambda t: _notebook(_cell(), title=t, authors=[{"name": t}]),
    "widgets": lambda t: _notebook(
        _cell(), widgets={"application/vnd.jupyter.widget-state+json": {"state": {t: {"x": t}}}}
    ),
    "stream": _stream,
    "stream_name": lambda t: _stream("x", t),
    "error": lambda t: _error(t, t, t),
    "plain": lambda t: _output({"text/plain": t}),
    "html": lambda t: _output({"text/html": f"<b>{t}</b>"}),
    "html_attribute": lambda t: _output({"text/html": f"<a href='http://x/{t}' title='{t}'>x</a>"}),
    "svg": lambda t: _output({"image/svg+xml": f"<svg><text>{t}</text></svg>"}),
    "png_text": lambda t: _output({"image/png": png(t)}),
    "png_trailing": lambda t: _output({"image/png": png(t, trailing=True)}),
    "png_type_lie": lambda t: _output({"image/jpeg": png(t)}),
    "figure_name": lambda t: _output({_FIGURE: {"figure": t}, **_PLAIN}),
    "figure_extra": lambda t: _output({"image/png": png("x")}, metadata={"image/png": {t: t}, _FIGURE: t}),
    "javascript": lambda t: _output({"application/javascript": t}),
    "vega": lambda t: _output({"application/vnd.vega.v5+json": {"description": t}}),
    "json": lambda t: _output({"application/json": {"k": t}}),
    "markdown": lambda t: _output({"text/markdown": t}),
    "type_name": lambda t: _output({f"application/x-{t}": "x"}),
    "output_metadata": lambda t: _output(_PLAIN, metadata={t: t, "text/plain": {"k": t}}),
    "output_extra": lambda t: _output(_PLAIN, more=t),
    "output_type": lambda t: _output(_PLAIN, output_type=t),
    "transient": lambda t: _output(_PLAIN, transient={"display_id": t}),
    "execution_count": lambda t: _notebook(_cell(execution_count=int(t, 16) % 2**31)),
    "minor": lambda t: _notebook(_cell()) | {"nbformat_minor": int(t, 16) % 10**9},
    "extra": lambda t: _notebook(_cell()) | {"more": t},
    "nested": lambda t: _notebook(_cell(metadata={"a": {"b": {"c": [{"d": t}]}}})),
}
_NUMBERS = frozenset({"execution_count", "minor"})


def stored(place: Place) -> Iterator[Found]:
    """Each way once; what comes out is made again, longer, and opened against the meter."""
    meter = Meter(place.kernel)
    control = False
    for name, made in MADE.items():
        token = secrets.token_hex(4) if name in _NUMBERS else place.token()
        shown, status = _opened(place, f"{name}.ipynb", made(token), _looked_for(name, token))
        control |= bool(shown)
        if shown:
            yield _paid(place, meter, name, made)
        else:
            verdict = Verdict.CLOSED if status == "200" or control else Verdict.NOT_PROVEN
            yield Found(f"stored.{name}", verdict, f"status {status}, did not come out")


def _looked_for(name: str, token: str) -> str:
    """The token as it would come out."""
    if name == "execution_count":
        return f"{int(token, 16) % 2**31}"
    return f"{int(token, 16) % 10**9}" if name == "minor" else token


def _paid(place: Place, meter: Meter, name: str, made: Made) -> Found:
    token = secrets.token_hex(4) if name in _NUMBERS else place.token()
    wanted = _looked_for(name, token)
    reading, before = meter.price_of_reading(), meter.used()
    long = token if name in _NUMBERS else token * _REPEATED
    shown, _ = _opened(place, f"{name}-long.ipynb", made(long), wanted)
    charged = meter.used() - before - reading
    out = 4 if name in _NUMBERS else shown * len(token)
    verdict = Verdict.METERED if charged >= out else Verdict.OPEN
    day = meter.day_bytes() if verdict is Verdict.METERED else None
    return Found(f"stored.{name}", verdict, f"{out} bytes out, {charged} charged", bytes_a_day=day)


def _opened(place: Place, name: str, notebook: Notebook, wanted: str) -> tuple[int, str]:
    """A notebook planted, opened and its figures looked at: how often `wanted` came out, and the status."""
    plant(place, "plant_notebook", f"{place.project}/{place.folder}/stored/{name}", notebook)
    first = place.ask("GET", f"api/contents/{place.folder}/stored/{name}?type=notebook&content=1")
    everything: list[bytes] = []
    for answer in (first, *(place.ask("GET", f"onggi/figures/{figure}") for figure in _figures(first))):
        everything += [answer.content, *(f"{key}: {value}".encode() for key, value in answer.headers.items())]
    return copies(everything, wanted), str(first.status_code)


def _figures(answer: httpx.Response) -> list[str]:
    """The figures that the page would ask for."""
    cells = json.loads(answer.content)["content"]["cells"] if answer.is_success else []
    outputs = (output.get("data", {}) for cell in cells for output in cell.get("outputs", ()))
    return [data[_FIGURE]["figure"] for data in outputs if _FIGURE in data]
