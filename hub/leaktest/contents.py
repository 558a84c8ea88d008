"""Files on their way out over HTTP: every route and form, and what their names, sizes and moments carry."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx2 as httpx

from hub.leaktest.carrying import copies
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.planted import plant
from hub.leaktest.values import Found, Verdict

_FILES = (
    "plain.txt", "data.csv", "data.parquet", "data.bin", "page.html", "image.svg", "image.png", "script.js",
    "style.css", "data.json", "archive.zip", "paper.pdf", "UPPER.CSV", "noname", "notes.txt.csv",
)  # fmt: skip
_CONTROL = "plain.txt"
_ROUTES = {
    "files": "files/{path}",
    "files_encoded": "%66iles/{path}",
    "files_dots": "lab/../files/{path}",
    "files_slashes": "//files/{path}",
    "files_semicolon": "files;x/{path}",
    "files_download": "files/{path}?download=1",
    "nbconvert_html": "nbconvert/html/{path}",
    "nbconvert_script": "nbconvert/script/{path}?download=true",
    "view": "view/{path}",
    "edit": "edit/{path}",
    "tree": "tree/{path}",
    "notebooks": "notebooks/{path}",
    "directories": "directories/{path}",
    "archive": "extract-archive/{path}",
    "custom": "custom/{path}",
    "static": "static/{path}",
    "static_dots": "static/lab/../../{path}",
    "kernelspecs": "kernelspecs/python3/{path}",
    "lab_extensions": "lab/extensions/{path}",
    "themes": "lab/api/themes/{path}",
    "translations": "lab/api/translations/{path}",
    "settings": "lab/api/settings/{path}",
    "workspaces": "lab/api/workspaces/{path}",
    "listings": "lab/api/listings/{path}",
    "proxy": "proxy/{port}/",
    "proxy_absolute": "proxy/absolute/{port}/{path}",
    "lsp": "lsp/status?path={path}",
    "metrics": "metrics",
    "specification": "api/spec.yaml",
    "resolve": "api/resolvePath?path={path}",
    "file_id": "api/fileid/index?path={path}",
    "collaboration": "api/collaboration/session/{path}",
    "terminals": "api/terminals",
    "checkpoints": "api/contents/{path}/checkpoints",
}
_FORMS = (
    "",
    "?type=file",
    "?type=file&format=text",
    "?type=file&format=base64",
    "?content=1&hash=1",
    "?type=notebook",
)
_MOST_SIZE = 40_000_000


def routes(place: Place) -> Iterator[Found]:
    """Every file by every route and form; the control is a text file by the route that is there for it."""
    folder = place.folder
    tokens = {name: place.token() for name in _FILES}
    plant(place, "plant_files", f"{place.project}/{folder}", tokens)
    control = copies(_all(place.ask("GET", f"api/contents/{folder}/{_CONTROL}")), tokens[_CONTROL])
    for name, route in _ROUTES.items():
        path = route.format(path=f"{folder}/{_CONTROL}", port=place.outside.given["tcp4"])
        yield _closed(f"routes.{name}", [place.ask("GET", path)], tokens[_CONTROL], control)
    for name in _FILES:
        answers = [place.ask("GET", f"api/contents/{folder}/{name}{form}") for form in _FORMS]
        answers += [place.ask("HEAD", f"api/contents/{folder}/{name}")]
        answers += [place.ask("GET", f"api/contents/{folder}/{name}", headers={"Range": "bytes=0-99"})]
        if name != _CONTROL:
            yield _closed(f"files.{name.replace('.', '_')}", answers, tokens[name], control)
    yield from _carriers(place, folder)


def _closed(channel: str, answers: list[httpx.Response], token: str, control: int) -> Found:
    found = sum(copies(_all(one), token) for one in answers)
    said = " ".join(sorted({str(one.status_code) for one in answers}))
    if found:
        return Found(channel, Verdict.OPEN, f"came out, status {said}")
    verdict = Verdict.CLOSED if control else Verdict.NOT_PROVEN
    return Found(channel, verdict, f"status {said}; the text file comes out: {bool(control)}")


def _all(answer: httpx.Response) -> list[bytes]:
    """Everything of an answer and of those that led to it: status lines, headers, bodies."""
    parts: list[bytes] = []
    for one in (*answer.history, answer):
        parts += [one.reason_phrase.encode(), one.content]
        parts += [f"{name}: {value}".encode() for name, value in one.headers.items()]
    return parts


def _carriers(place: Place, folder: str) -> Iterator[Found]:
    """What comes out by rights, or as a by-product: is it paid for?"""
    meter = Meter(place.kernel)
    here = f"{place.project}/{folder}/c"

    def text(token: str) -> None:
        plant(place, "plant_files", here, {"a.txt": token * 20})

    def name(token: str) -> None:
        plant(place, "plant_files", f"{here}/n", {f"{token}.txt": ""})

    def size(token: str) -> None:
        plant(place, "shape", f"{here}/size.txt", int(token), 1)

    def moment(token: str) -> None:
        seconds = int(datetime.fromisoformat(f"{token}+00:00").timestamp())
        plant(place, "shape", f"{here}/moment.txt", 1, seconds)

    number = str(10_000_000 + secrets.randbelow(_MOST_SIZE - 10_000_000))
    stamp = datetime.fromtimestamp(10**9 + secrets.randbelow(5 * 10**8), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for channel, write, token, path in (
        ("text", text, place.token(), "c/a.txt"),
        ("name", name, place.token(), "c/n"),
        ("size", size, number, "c"),
        ("size_alone", size, str(int(number) + 1), "c/size.txt?content=0"),
        ("moment", moment, stamp, "c"),
        ("moment_alone", moment, stamp.replace("T1", "T0").replace("T2", "T0"), "c/moment.txt?content=0"),
    ):
        yield _paid(place, meter, f"carriers.{channel}", write, token, f"api/contents/{folder}/{path}")


def _paid(
    place: Place, meter: Meter, channel: str, write: Callable[[str], None], token: str, path: str
) -> Found:
    place.ask("GET", path)  # what is known already costs nothing
    write(token)
    reading, before = meter.price_of_reading(), meter.used()
    answer = place.ask("GET", path)
    charged = meter.used() - before - reading
    out = copies(_all(answer), token)
    if not out:
        return Found(channel, Verdict.CLOSED, f"status {answer.status_code}, did not come out")
    carried = 4 if token[0].isdigit() else out * len(token)  # a number says less than four bytes
    verdict = Verdict.METERED if charged >= carried else Verdict.OPEN
    day = meter.day_bytes() if verdict is Verdict.METERED else None
    return Found(channel, verdict, f"{carried} bytes out, {charged} charged", bytes_a_day=day)
