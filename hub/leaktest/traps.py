"""Links, pipes and configuration that a cell plants, and doors that are not for this session's page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import websocket

from hub.leaktest.inside.planting import MARKER
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.planted import plant
from hub.leaktest.values import Found, Verdict
from hub.tour.steps import open_session_of, until
from hub.tour.visitor import Visitor

_SECONDS = 8.0
_REOPEN_S = 40.0
_INSIDE_SERVER = {
    "plan.txt": "/run/onggi/server/plan.json",
    "server.txt": "/run/onggi/server",
    "environ.txt": "/proc/self/environ",
    "passwd.txt": "/etc/passwd",
    "descriptor.txt": "/proc/self/fd/0",
    "root.txt": "/",
    "up.txt": "../..",
}
_SOCKETS = (
    "api/events/subscribe",
    "terminals/websocket/1",
    "lsp/ws/pyright",
    "api/collaboration/room/x",
    "proxy/1/",
)


def links(place: Place) -> Iterator[Found]:
    """Links and other things that are no files: opened in the browser, and submitted for release."""
    folder = f"{place.folder}/links"
    plant(place, "plant_files", f"{place.project}/{folder}", {"file.txt": place.outside.mark})
    targets = _INSIDE_SERVER | {"host.txt": place.outside.given["planted"][0]}
    plant(place, "plant_links", f"{place.project}/{folder}", targets)
    control = place.ask("GET", f"api/contents/{folder}/file.txt").status_code == httpx.codes.OK
    submitted = _submit(place, f"{folder}/file.txt")
    listed = place.ask("GET", f"api/contents/{folder}").text
    for name in (*targets, "pipe.txt", "socket.txt", "folder.txt"):
        yield _opened(place, f"{folder}/{name}", listed, control=control)
        said = _submit(place, f"{folder}/{name}")
        verdict = Verdict.NOT_PROVEN if submitted != "submitted" else Verdict.CLOSED
        verdict = Verdict.OPEN if said == "submitted" else verdict
        yield Found(f"submitting.{Path(name).stem}", verdict, f"{said}; a file: {submitted}")


def _opened(place: Place, path: str, listed: str, *, control: bool) -> Found:
    name = Path(path).name
    try:
        answer = place.ask("GET", f"api/contents/{path}", timeout=_SECONDS)
    except httpx.HTTPError as error:
        return Found(f"links.{Path(name).stem}", Verdict.NOT_PROVEN, type(error).__name__)
    is_open = answer.status_code == httpx.codes.OK and answer.json().get("content")
    verdict = Verdict.OPEN if is_open else Verdict.CLOSED if control else Verdict.NOT_PROVEN
    said = f"status {answer.status_code}, listed {name in listed}; a file opens: {control}"
    return Found(f"links.{Path(name).stem}", verdict, said)


def _submit(place: Place, path: str) -> str:
    """Submit a file and take the request back; what was said."""
    shown = place.kernel.run(f"""
from onggi.notebook.client import call as _c
try:
    _r = _c("POST", "/v1/requests", {{"paths": [{path!r}], "purpose": "leaktest", "context": ""}})
    _c("POST", f"/v1/requests/{{_r['id']}}/withdraw", {{}})
    print("submitted")
except Exception as _e:
    print(getattr(_e, "reason", _e))
""")
    return shown.text.strip()[:80]


def doors(place: Place) -> Iterator[Found]:
    """Websockets that are not the kernel's, other origins, other pages, other persons."""
    kernel = f"api/kernels/{place.kernel.id}/channels"
    control = _socket(place, kernel)
    for path in _SOCKETS:
        said = _socket(place, path)
        yield _refused(f"doors.{path.split('/')[0]}_{path.split('/')[1]}", said, control)
    for name, headers in (
        ("foreign_origin", {"Origin": "http://127.0.0.1:9"}),
        (
            "foreign_page",
            {
                "Referer": f"{place.visitor.hub}/user/{place.member.name}/other/lab",
                "Sec-Fetch-Dest": "empty",
                "Sec-Fetch-Mode": "cors",
                "Sec-Fetch-Site": "same-origin",
            },
        ),
        ("foreign_site", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
    ):
        answer = place.ask("GET", "api/contents", headers=headers)
        own = place.ask("GET", "api/contents")
        yield _refused(f"doors.{name}", str(answer.status_code), str(own.status_code))
    yield _refused("doors.foreign_socket", _socket(place, kernel, origin="http://127.0.0.1:9"), control)
    for name, person in _others(place):
        answer = person.get(f"{place.base}api/contents")
        came = answer.status_code == httpx.codes.OK and "application/json" in answer.headers.get(
            "content-type", ""
        )
        yield _refused(f"doors.{name}", "200" if came else f"{answer.status_code}", "200")
        yield _refused(f"doors.{name}_socket", _socket(place, kernel, visitor=person), control)
        person.close()


def _others(place: Place) -> Iterator[tuple[str, Visitor]]:
    yield "nobody", Visitor("nobody", "", place.visitor.hub)
    for name, password in place.others.items():
        person = Visitor(name, password, place.visitor.hub)
        person.sign_in()
        yield "another_person", person
        return


def _socket(place: Place, path: str, *, origin: str | None = None, visitor: Visitor | None = None) -> str:
    url = place.base + path
    try:
        link = websocket.create_connection(
            url.replace("http", "ws", 1),
            timeout=_SECONDS,
            origin=origin or place.visitor.hub,
            cookie=(visitor or place.visitor).cookies_for(url),
        )
    except websocket.WebSocketBadStatusException as error:
        return str(error.status_code)
    link.close()
    link.shutdown()  # type: ignore[no-untyped-call]  # the library's, not annotated
    return "200"


def _refused(channel: str, said: str, control: str) -> Found:
    if said == "200":
        return Found(channel, Verdict.OPEN, "let in")
    verdict = Verdict.CLOSED if control == "200" else Verdict.NOT_PROVEN
    return Found(channel, verdict, f"status {said}; where it is meant: {control}")


def reopening(place: Place) -> Iterator[Found]:
    """The session is stopped and opened again, with configuration planted: nothing of it runs."""
    plant(place, "plant_configuration", place.project, place.project)
    before = Meter(place.kernel).used_today()
    desk = place.installation.origin("desk")
    page = place.visitor.get(desk + "/")
    place.kernel.close()
    place.visitor.submit(page, f"/projects/{place.member.project}/session/stop", {})
    stop = f"/projects/{place.member.project}/session/stop"
    until(lambda: stop not in place.visitor.get(desk + "/").text, _REOPEN_S, "the session does not stop")
    open_session_of(place.visitor, place.member.project, desk)
    ran = (place.project_folder / MARKER).exists()
    specs = sorted(place.ask("GET", "api/kernelspecs").json().get("kernelspecs", {}))
    yield Found("reopening.code", Verdict.OPEN if ran else Verdict.CLOSED, f"ran: {ran}")
    verdict = Verdict.CLOSED if specs == ["python3"] else Verdict.OPEN
    yield Found("reopening.kernelspecs", verdict, " ".join(specs))
    lab = place.ask("GET", "lab").text + place.ask("GET", "custom/custom.css").text
    yield Found(
        "reopening.pages", Verdict.OPEN if MARKER in lab else Verdict.CLOSED, f"in a page: {MARKER in lab}"
    )
    place.new_kernel()
    plant(place, "take_away", place.project, place.folder)
    after = Meter(place.kernel).used_today()
    verdict = Verdict.CLOSED if after >= before else Verdict.OPEN
    yield Found("reopening.budget", verdict, f"shown today: {before} before, {after} after")
