"""The other way out: what a request shows before anybody has voted; and the door of the session API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hub.leaktest.carrying import copies
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.planted import plant
from hub.leaktest.values import Found, Verdict

_CHECKED_S = 20
_REPEATED, _REPEATED_NAME = 40, 9
_TEXTS = ("purpose", "context", "name", "header", "claim")
_UNVOTED = (
    "/requests/{id}",
    "/requests/{id}/outputs/1",
    "/mine/{id}/files/1",
    "/mine/{id}/outputs/1",
    "/releases/{id}",
    "/releases/{id}/files/1",
    "/releases/{id}/certificate",
    "/internal/requests/{id}",
    "/audit",
    "/audit/export",
)
_HOSTILE = {
    "no_json": "b'{'",
    "deep_json": "b'[' * 100000",
    "huge": "b'x' * 4_000_000",
    "list": "b'[]'",
    "unknown_key": 'b\'{"paths":["a"],"purpose":"x","context":"","member":"admin"}\'',
    "other_folder": 'b\'{"paths":["../leaktest/x"],"purpose":"x","context":""}\'',
    "absolute": 'b\'{"paths":["/etc/passwd"],"purpose":"x","context":""}\'',
    "nul": 'b\'{"paths":["a\\\\u0000b"],"purpose":"x","context":""}\'',
    "revises_other": 'b\'{"paths":["a"],"purpose":"x","context":"","revises":"r-0000000000000000"}\'',
}


def release(place: Place) -> Iterator[Found]:
    """A file is submitted; nobody votes. Its content must not come out; what else does must be paid for."""
    content = place.token()
    texts = {name: place.token() for name in _TEXTS}
    name = f"{place.folder}/{texts['name'] * _REPEATED_NAME}.csv"
    columns = f"{texts['header']},n\n" + f"{content},1\n" * 3
    plant(place, "plant_files", place.project, {name: columns})
    meter = Meter(place.kernel)
    reading, before = meter.price_of_reading(), meter.used()
    request = _submit(place, name, texts["purpose"] * _REPEATED, texts["context"] * _REPEATED)
    charged = meter.used() - before - reading
    shown = _page(place, f"/mine/{request}") + _page(place, "/mine")
    control = copies(shown, request) > 0
    for path in _UNVOTED:
        seen = copies(_page(place, path.format(id=request)), content)
        channel = f"release.{re.sub(r'[^a-z]+', '_', path.replace('{id}', '')).strip('_')}"
        yield _found(channel, seen, control=control)
    yield _found("release.mine", copies(shown, content), control=control)
    for kind, token in texts.items():
        out = copies(shown, token) * len(token)
        if not out:
            yield _found(f"release.text_{kind}", 0, control=control)
            continue
        verdict = Verdict.METERED if charged >= out else Verdict.OPEN
        yield Found(f"release.text_{kind}", verdict, f"{out} bytes on the page, {charged} charged")
    place.kernel.run(f"_c('POST', '/v1/requests/{request}/withdraw', {{}})")


def _found(channel: str, seen: int, *, control: bool) -> Found:
    if seen:
        return Found(channel, Verdict.OPEN, f"{seen} times")
    verdict = Verdict.CLOSED if control else Verdict.NOT_PROVEN
    return Found(channel, verdict, f"did not come out; the request's own page does: {control}")


def _submit(place: Place, name: str, purpose: str, context: str) -> str:
    """Submit, wait for the checks; the request's id."""
    body = {"paths": [name], "purpose": purpose, "context": context}
    shown = place.kernel.run(f"""
import json as _j, time as _w
from onggi.notebook.client import call as _c
_r = _c("POST", "/v1/requests", _j.loads({json.dumps(body)!r}))
for _n in range({_CHECKED_S * 5}):
    _s = [_o["state"] for _o in _c("GET", "/v1/requests")["requests"] if _o["id"] == _r["id"]]
    if _s not in (["submitted"], ["checking"]):
        break
    _w.sleep(0.2)
print(_r["id"])
""")
    return shown.text.strip()


def _page(place: Place, path: str) -> list[bytes]:
    return [place.visitor.get(place.installation.origin("review") + path).content]


def session_api(place: Place) -> Iterator[Found]:
    """Hostile requests to the compute's one door; the control is a plain one, after all of them."""
    code = """
import json as _j, socket as _k
def _ask(body, path="/v1/requests", method="POST"):
    with _k.socket(_k.AF_UNIX) as link:
        link.settimeout(10)
        link.connect("/run/onggi/api/session.sock")
        head = f"{{method}} {{path}} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: {{len(body)}}\\r\\n"
        head += "Authorization: Bearer x\\r\\nX-Onggi-Person: admin\\r\\nConnection: close\\r\\n\\r\\n"
        try:
            link.sendall(head.encode() + body)
        except OSError:
            pass
        return link.recv(65536).split(b" ")[1].decode()
_bodies = {{{bodies}}}
_said = {{name: _ask(body) for name, body in _bodies.items()}}
_said["withdraw_other"] = _ask(b"{{}}", "/v1/requests/r-0000000000000000/withdraw")
_said["internal"] = _ask(b"{{}}", "/internal/requests")
_said["dots"] = _ask(b"{{}}", "/v1/../internal/session")
_said["control"] = _ask(b"", "/v1/session", "GET")
print(_j.dumps(_said))
""".format(bodies=", ".join(f"{name!r}: {body}" for name, body in _HOSTILE.items()))
    said = json.loads(place.kernel.run(code).text.splitlines()[-1])
    control = said.pop("control")
    for name, status in said.items():
        if status.startswith("2"):
            yield Found(f"session_api.{name}", Verdict.OPEN, f"status {status}")
            continue
        verdict = Verdict.CLOSED if control == "200" and status[:1] in {"4", "5"} else Verdict.NOT_PROVEN
        yield Found(f"session_api.{name}", verdict, f"status {status}; a plain request: {control}")
