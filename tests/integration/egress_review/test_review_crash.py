"""SIGKILL between any two steps of a request, on a real SQLite file: nothing is lost or done twice."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from egress_review.actions import releasing
from egress_review.actions.submitting import Announced, open_request, submit
from egress_review.app import Parts
from egress_review.audit.note import read_verifier
from egress_review.audit.verify import verify_export
from egress_review.certificates.verify import verify_certificate
from egress_review.domain import State
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from egress_review.wiring import parts_of
from onggi.clock import SystemClock
from onggi.errors import OnggiError, Tampered, Unavailable
from onggi.reasons import Reason
from tests.support import review
from tests.support.review_site import Site, post

ROOT = Path(__file__).resolve().parents[3]

# Each line is done, and said so on stdout; the parent kills at a random moment after any of them.
CHILD = """
import sys
import time
from pathlib import Path
from egress_review.actions import releasing
from egress_review.actions.submitting import Announced, open_request, submit
from egress_review.settings import ReviewSettings
from egress_review.wiring import parts_of
from tests.support import review

room = parts_of(ReviewSettings(state=Path(sys.argv[1])), desk=review.demo_desk()).room
def done(step, value=""):
    print(step, value, flush=True)
while True:
    request = open_request(room, review.RESEARCHER, "p", "", [Announced("a.csv", len(review.CSV))])
    done("opened", request.id)
    review.hand_in(room, request, {1: review.CSV})
    done("received", request.id)
    request = submit(room, review.RESEARCHER, request.id)
    done("submitted", request.id)
    request = review.checked(room, request)
    done("checked", request.id)
    review.cast(room, request, "reviewer1")
    done("voted1", request.id)
    review.cast(room, request, "reviewer2")
    done("voted2", request.id)
    releasing.release(room, request.id)
    done("released", request.id)
"""
REACHED = {
    "opened": set(State) - {State.WITHDRAWN},
    "received": {State.DRAFT, State.CHECKING},
    "submitted": {State.CHECKING, State.IN_REVIEW},
    "checked": {State.IN_REVIEW},
    "voted1": {State.IN_REVIEW, State.APPROVED},
    "voted2": {State.APPROVED, State.RELEASED},
    "released": {State.RELEASED},
}


def real(state: Path) -> Parts:
    return parts_of(ReviewSettings(state=state), desk=review.demo_desk())


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 6, 13])
def test_a_kill_at_any_step_loses_nothing(tmp_path: Path, lines: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = [child.stdout.readline().split() for _ in range(lines)]  # type: ignore[union-attr]
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().splitlines()  # type: ignore[union-attr]
    child.stdout.close()  # type: ignore[union-attr]
    child.wait()
    said += [line.split() for line in rest if len(line.split()) == 2]
    room = real(tmp_path).room
    last = {request_id: step for step, request_id in said}
    for request_id, step in last.items():
        request = room.store.request(request_id)
        assert request.state in REACHED[step], (step, request.state)
        for output in request.outputs:
            if output.sha256:
                room.vault.verify(output.sha256)
    assert list((tmp_path / "review" / "store" / "incoming").iterdir()) == []
    releasing.finish(room)
    assert not room.store.requests_in({State.APPROVED})
    assert not room.store.uncertified()
    for made in room.store.releases_of({review.PROJECT}):
        assert json.loads(made.certificate or "")["payloadType"]
    released = room.store.requests_in({State.RELEASED})
    assert len(released) == len(room.store.releases_of({review.PROJECT}))
    assert releasing.finish(room) == 0


def test_an_event_answered_for_survives_a_kill(tmp_path: Path) -> None:
    script = CHILD.partition("def done")[0] + (
        "event = room.event('x', 'a.b', 's', None)\n"
        "with room.store.unit() as unit: print(unit.append(event), event.id, end=' ')\n"
        "print('durable', flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    index, event_id, word = child.stdout.readline().split()  # type: ignore[union-attr]
    child.send_signal(signal.SIGKILL)
    child.stdout.close()  # type: ignore[union-attr]
    child.wait()
    assert word == "durable"
    assert real(tmp_path).room.store.last_events("review", 1)[0].id == event_id
    assert index == "0"


def test_a_request_left_in_checking_is_checked_by_the_next_start(tmp_path: Path) -> None:
    room: Room = real(tmp_path).room
    made = open_request(room, review.RESEARCHER, "p", "", [Announced("a.csv", len(review.CSV))])
    review.hand_in(room, made, {1: review.CSV})
    submit(room, review.RESEARCHER, made.id)
    parts = real(tmp_path)
    parts.background.start()
    try:
        for _ in range(300):
            if parts.room.store.request(made.id).state is State.IN_REVIEW:
                break
            time.sleep(0.1)
    finally:
        parts.background.stop()
    output = parts.room.store.request(made.id).outputs[0]
    assert output.verdict == "not_proven"


def test_a_database_that_was_rolled_back_refuses_to_start(tmp_path: Path) -> None:
    room = real(tmp_path).room
    review.submitted(room)
    real(tmp_path)
    database = tmp_path / "review" / "review.sqlite"
    for end in ("-wal", "-shm", ""):
        Path(f"{database}{end}").unlink(missing_ok=True)
    with pytest.raises(Tampered) as caught:
        real(tmp_path)
    assert caught.value.reason is Reason.AUDIT_TAMPERED


def test_a_clock_that_runs_behind_refuses_to_start(tmp_path: Path) -> None:
    review.submitted(real(tmp_path).room)
    with pytest.raises(Unavailable) as caught:
        parts_of(ReviewSettings(state=tmp_path), clock=review.StillClock(review.START.replace(year=2001)))
    assert caught.value.reason is Reason.CLOCK_WRONG
    assert SystemClock().now() > review.START


def test_refusing_to_start_says_why_in_both_languages_and_exits_78(tmp_path: Path) -> None:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "keys").mkdir()
    (tmp_path / "review" / "keys" / "audit.pem").write_text("no key")
    (tmp_path / "review" / "keys" / "audit.pem").chmod(0o644)
    ended = subprocess.run(
        [sys.executable, "-m", "egress_review"], capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=False,        env={**os.environ, "ONGGI_STATE": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 78
    assert "signing_key_exposed" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 3


def test_the_whole_path_over_the_real_parts_ends_in_a_verifiable_certificate(tmp_path: Path) -> None:
    parts = real(tmp_path)
    site, room = Site(tmp_path, parts=parts), parts.room
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        answer = post(
            site.browser(name),
            f"/requests/{request.id}/votes",
            {"version": "1", "ballot-1": "approve", "reason-1": ""},
        )
        assert answer.status_code == 303
    made = room.store.release_of(room.store.request(request.id))
    assert made is not None
    browser = site.browser("researcher1")
    certificate = browser.get(f"/releases/{made.id}/certificate").content
    verifier = read_verifier(browser.get("/key").text)
    downloaded = browser.get(f"/releases/{made.id}/files/1").content
    files = {"table1.csv": hashlib.sha256(downloaded).hexdigest()}
    assert verify_certificate(certificate, verifier, files).findings == ()
    assert verify_certificate(certificate, verifier, {"table1.csv": "0" * 64}).findings
    auditor = site.browser("auditor1")
    page = auditor.get("/audit")
    assert page.status_code == 200
    for action in ("request.create", "vote.cast", "request.approve", "release.create", "release.download"):
        assert action in page.text
    export = auditor.get("/audit/export")
    lines = export.content.splitlines()
    assert len(lines) > 10
    assert b"audit.export" in export.content
    assert verify_export(io.BytesIO(export.content), verifier).findings == ()
    for name in ("reviewer1", "researcher1", "admin"):
        assert site.browser(name).get("/audit").status_code == 403
        assert site.browser(name).get("/audit/export").status_code == 403
    assert auditor.get("/audit?before=2").status_code == 200
    assert auditor.get("/audit?before=x").status_code == 422


def test_release_waits_for_a_vault_that_was_changed(tmp_path: Path) -> None:
    room = real(tmp_path).room
    request = review.in_review(room)
    path = room.vault.path(request.outputs[0].sha256 or "")
    path.chmod(0o600)
    path.write_bytes(b"other")
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)
    with pytest.raises(OnggiError):
        releasing.release(room, request.id)
    assert releasing.finish(room) == 0
    assert room.store.request(request.id).state is State.APPROVED
    path.write_bytes(review.CSV)
    assert releasing.finish(room) == 1
    assert room.store.request(request.id).state is State.RELEASED
