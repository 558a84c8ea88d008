"""The steps of the tour, in order: what a researcher, two reviewers and an administrator do.

Each step takes the tour's `Journey`, does one thing as a person would, and raises `StepFailed` when it does
not come out as promised.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2 as httpx
import websocket

from hub.tour.installation import Running
from hub.tour.kernel import Kernel
from hub.tour.visitor import Visitor

PROJECT = "nafld-study"
TABLE = (
    "SELECT p.gender_source_value AS sex, count(DISTINCT p.person_id) AS persons "
    "FROM nafld.person p GROUP BY p.gender_source_value ORDER BY sex"
)
SESSION_TIMEOUT_S, CHECK_TIMEOUT_S, EXPIRY_TIMEOUT_S = 60.0, 90.0, 60.0
PRESS_AGAIN_S = 3.0
"""Who waits for a session looks at the desk again after so long: it may have ended while it started."""


class StepFailed(Exception):
    """A step did not come out as promised."""


@dataclass(slots=True)
class Journey:
    """What the steps hand on to each other."""

    running: Running
    visitors: dict[str, Visitor] = field(default_factory=dict)
    kernel: Kernel | None = None
    request: str = ""
    release: str = ""
    certificate: bytes = b""
    file: bytes = b""

    def visitor(self, name: str) -> Visitor:
        """The person `name`, signed in."""
        if name not in self.visitors:
            visitor = Visitor(name, self.running.password(name), self.running.origin("hub_public"))
            try:
                visitor.sign_in()
            except BaseException:
                visitor.close()
                raise
            self.visitors[name] = visitor
        return self.visitors[name]

    def in_kernel(self) -> Kernel:
        """The researcher's kernel.

        Raises:
            StepFailed: if none is open.
        """
        if self.kernel is None:
            raise StepFailed("no kernel is open")
        return self.kernel

    def leave_kernel(self) -> None:
        """Close the connection to the kernel, if there is one; the kernel goes on."""
        if self.kernel is not None:
            self.kernel.close()
            self.kernel = None

    def close(self) -> None:
        """Leave everything."""
        self.leave_kernel()
        for visitor in self.visitors.values():
            visitor.close()


def expect(condition: object, otherwise: str) -> None:
    """Go on if `condition` holds.

    Raises:
        StepFailed: saying what was seen instead.
    """
    if not condition:
        raise StepFailed(otherwise)


def until(condition: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    """Wait until `condition` holds.

    Raises:
        StepFailed: if it does not within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.1)


def sign_in(journey: Journey) -> None:
    """The researcher signs in and sees their project."""
    page = journey.visitor("researcher1").get(journey.running.origin("desk") + "/")
    expect(PROJECT in page.text, "the desk does not show the researcher's project")


def open_session(journey: Journey) -> None:
    """One button opens the session, unless it is open; JupyterLab answers."""
    open_session_of(journey.visitor("researcher1"), PROJECT, journey.running.origin("desk"))


def open_session_of(visitor: Visitor, project: str, desk: str) -> None:
    """Open the session of a signed-in person in a project.

    Args:
        desk: its origin.

    Raises:
        StepFailed: if JupyterLab does not come up.
    """
    _press_open(visitor, project, desk)
    lab = f"{visitor.hub}/user/{visitor.name}/{project}/lab"
    pressed = time.monotonic()

    def is_open() -> bool:
        nonlocal pressed
        if _is_lab(visitor.get(lab)):
            return True
        if time.monotonic() - pressed > PRESS_AGAIN_S:
            _press_open(visitor, project, desk)
            pressed = time.monotonic()
        return False

    until(is_open, SESSION_TIMEOUT_S, "JupyterLab did not come up")


def run_cell(journey: Journey) -> None:
    """A kernel starts in the sandbox and answers."""
    journey.leave_kernel()
    journey.kernel = Kernel(journey.visitor("researcher1"), PROJECT)
    shown = journey.kernel.run("print(6 * 7)")
    expect(shown.text.strip() == "42", f"the cell showed {shown.text!r}")


def read_data(journey: Journey) -> None:
    """The granted data set can be read."""
    code = 'import onggi; print(len(onggi.read("nafld", "measurement")))'
    shown = journey.in_kernel().run(code)
    expect(shown.text.strip() == "400123", f"the cell showed {shown.text!r}")


def try_network(journey: Journey) -> None:
    """From the cell, the hub on the same machine cannot be reached, nor any name be looked up."""
    port = journey.running.installation.port("hub_public")
    hub = journey.in_kernel().run(f'import socket; socket.create_connection(("127.0.0.1", {port}), 2)')
    expect(hub.error in {"ConnectionRefusedError", "OSError", "TimeoutError"}, f"network: {hub}")
    name = journey.in_kernel().run('socket.getaddrinfo("onggi.invalid", 443)')
    expect(name.error == "gaierror", f"name look-up: {name}")


def make_table(journey: Journey) -> None:
    """A table is computed and written with its claim."""
    shown = journey.in_kernel().run(f'onggi.table("""{TABLE}""", to="persons-by-sex.csv")')
    expect(shown.error is None, f"onggi.table: {shown.text}")


def submit(journey: Journey) -> None:
    """The table is submitted for release."""
    code = 'print(onggi.submit(["persons-by-sex.csv"], purpose="Persons by sex", context="Tour").id)'
    shown = journey.in_kernel().run(code)
    found = re.search(r"r-[0-9a-f]{16}", shown.text)
    expect(shown.error is None and found, f"onggi.submit: {shown.text}")
    journey.request = found[0] if found else ""


def checks_done(journey: Journey) -> None:
    """Egress review recomputes the table and finds it proven."""
    code = f'print([r.state for r in onggi.requests() if r.id == "{journey.request}"][0])'
    until(
        lambda: journey.in_kernel().run(code).text.strip() == "in_review",
        CHECK_TIMEOUT_S,
        "the checks did not end",
    )


def first_vote(journey: Journey) -> None:
    """A reviewer approves."""
    _approve(journey, "reviewer1")


def second_vote(journey: Journey) -> None:
    """The other reviewer approves, which releases."""
    _approve(journey, "reviewer2")


def released(journey: Journey) -> None:
    """The release is on the member's page."""
    page = journey.visitor("researcher1").get(journey.running.origin("review") + "/releases")
    found = re.search(r"/releases/([a-zA-Z0-9-]+)", page.text)
    expect(found, "no release is listed")
    journey.release = found[1] if found else ""


def download(journey: Journey) -> None:
    """The member downloads the file and its certificate outside the session."""
    base = f"{journey.running.origin('review')}/releases/{journey.release}"
    visitor = journey.visitor("researcher1")
    journey.file = _download(visitor, f"{base}/files/1")
    journey.certificate = _download(visitor, f"{base}/certificate")
    expect(journey.file.startswith(b"sex,persons"), f"the file begins {journey.file[:40]!r}")


def expire(journey: Journey) -> None:
    """An administrator ends the membership."""
    visitor = journey.visitor("admin")
    path = f"/admin/projects/{PROJECT}"
    page = visitor.get(journey.running.origin("desk") + path)
    answer = visitor.submit(page, f"{path}/members/end", {"person": "researcher1"})
    expect(answer.is_success, f"the desk answered {answer.status_code}")


def session_ends(journey: Journey) -> None:
    """Within a minute the session's websocket is closed and its pages refuse."""
    until(lambda: not _kernel_lives(journey), EXPIRY_TIMEOUT_S, "the session still runs")
    journey.leave_kernel()
    page = journey.visitor("researcher1").get(
        f"{journey.running.origin('review')}/releases/{journey.release}/files/1"
    )
    expect(page.status_code == httpx.codes.FORBIDDEN, f"the download still answers {page.status_code}")


def _approve(journey: Journey, reviewer: str) -> None:
    path = f"/requests/{journey.request}"
    visitor = journey.visitor(reviewer)
    page = visitor.get(journey.running.origin("review") + path)
    answer = visitor.submit(page, f"{path}/votes", {"ballot-1": "approve", "reason-1": ""})
    expect(answer.is_success, f"{reviewer}'s vote was answered with {answer.status_code}")


def _download(visitor: Visitor, url: str) -> bytes:
    answer = visitor.get(url)
    expect(answer.is_success, f"{url} answered {answer.status_code}")
    expect("attachment" in answer.headers.get("content-disposition", ""), f"{url} is not an attachment")
    return answer.content


def _press_open(visitor: Visitor, project: str, desk: str) -> None:
    """Press the button that opens the session, if the desk shows it."""
    page = visitor.get(desk + "/")
    button = f"/projects/{project}/session"
    if f'action="{button}"' in page.text:
        visitor.submit(page, button, {})


def _is_lab(page: httpx.Response) -> bool:
    return page.is_success and "jupyter-config-data" in page.text


def _kernel_lives(journey: Journey) -> bool:
    try:
        return journey.kernel is not None and journey.kernel.run("1").error is None
    except (websocket.WebSocketException, OSError):
        return False
