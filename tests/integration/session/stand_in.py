"""Stands in for hub, desk and review towards one session server, over real HTTP.

Run as a process of its own: `python stand_in.py PORT`. A browser is signed in as the member without a form,
by the OAuth dance that JupyterHub would do. What arrives is kept, and `/control` shows and changes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any
from urllib.parse import urlencode

from tornado.web import Application, RequestHandler, stream_request_body

from egress_review.display.policy import DisplayPolicy

TOKEN = "person-token"
STATE: dict[str, Any] = {
    "desk": 200,
    "review": 201,
    "events": [],
    "requests": {},
    "facts": {},
    "lend": 200,
    "day": {
        "day": "2026-11-21",
        "zone": "Asia/Seoul",
        "lent": 0,
        "limit": 64 * 1024 * 1024,
        "soft": 48 * 1024 * 1024,
        "ends": "2099-01-01T00:00:00.000Z",
    },
    "policy": {"label": "standard-1@0", "document": DisplayPolicy().to_json()},
    "leases": [],
    "returned": [],
    "record": [],
    "tokens": [TOKEN],
}


class Json(RequestHandler):
    def answer(self, body: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        _ = self.finish(json.dumps(body))  # Tornado keeps the future and waits for it


class Version(Json):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", "6.1.1")
        self.answer({"version": "6.1.1"})


class User(Json):
    def get(self) -> None:
        token = self.request.headers.get("Authorization", "").rpartition(" ")[2]
        if token not in STATE["tokens"]:
            self.answer({}, 403)
            return
        self.answer(
            {"name": "researcher1", "kind": "user", "scopes": ["access:servers!server=researcher1/nafld"]}
        )


class Activity(Json):
    def post(self) -> None:
        self.answer({})


class Authorize(RequestHandler):
    def get(self) -> None:
        query = urlencode({"code": "c", "state": self.get_query_argument("state")})
        self.redirect(f"{self.get_query_argument('redirect_uri')}?{query}")


class Token(Json):
    def post(self) -> None:
        self.answer({"access_token": TOKEN, "token_type": "Bearer"})


class DeskSession(Json):
    def get(self) -> None:
        if self.request.headers.get("Authorization") != "Bearer session-key":
            self.answer({"error": {"reason": "sign_in_required", "params": {}}}, 403)
        elif STATE["desk"] == 403:
            self.answer({"error": {"reason": "membership_ended", "params": {"project": "nafld"}}}, 403)
        elif STATE["desk"] != 200:
            self.answer({}, STATE["desk"])
        else:
            self.answer(
                {"session_id": "s-0123456789abcdef", "until": None, "language": "en"} | STATE["facts"]
            )


class Events(Json):
    def post(self) -> None:
        if STATE["review"] != 201:
            self.answer({}, STATE["review"])
            return
        STATE["events"].append(json.loads(self.request.body))
        self.answer({"index": len(STATE["events"])}, 201)


class EventBatch(Json):
    def post(self) -> None:
        if STATE["review"] != 201:
            self.answer({}, STATE["review"])
            return
        batch = json.loads(self.request.body)["events"]
        STATE["events"].extend(batch)
        self.answer({"count": len(batch)}, 201)


class Requests(Json):
    def get(self) -> None:
        self.answer({"requests": list(STATE["requests"].values())})

    def post(self) -> None:
        body = json.loads(self.request.body)
        request = {"id": f"r-{len(STATE['requests']):016x}", "state": "draft", **body}
        STATE["requests"][request["id"]] = request
        self.answer(request, 201)


class Lease(Json):
    """Lends what is asked for, while the day has as much; `lend` 503 is a meter that is away."""

    def post(self) -> None:
        asked = json.loads(self.request.body)
        if STATE["lend"] != 200:
            self.answer({}, STATE["lend"])
            return
        day, policy = STATE["day"], STATE["policy"]
        output = min(asked["output"], day["limit"] - day["lent"])
        day["lent"] += output
        STATE["leases"].append({**asked, "output": output})
        self.answer({"id": asked["id"], "output": output, "page": asked["page"], **_day(), "policy": policy})


def _day() -> dict[str, Any]:
    day = STATE["day"]
    return {
        "ends": day["ends"],
        "day": {name: day[name] for name in ("day", "zone", "lent", "limit", "soft")},
    }


class LeaseReturn(Json):
    def post(self) -> None:
        STATE["returned"].append(json.loads(self.request.body))
        self.answer({})


class Policy(Json):
    def get(self) -> None:
        self.answer({"label": STATE["policy"]["label"], "document": STATE["policy"]["document"]})


class Record(Json):
    def post(self) -> None:
        STATE["record"].append(json.loads(self.request.body))
        self.answer({"kept": True})


class Records(Json):
    def post(self) -> None:
        showings = json.loads(self.request.body)["showings"]
        STATE["record"].extend(showings)
        self.answer({"kept": [True] * len(showings)})


@stream_request_body
class Output(Json):
    def prepare(self) -> None:
        self.digest, self.size = hashlib.sha256(), 0
        connection: Any = self.request.connection  # its declared type lacks what each connection has
        connection.set_max_body_size(2**30)

    def data_received(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size += len(chunk)

    def put(self, request_id: str, number: str) -> None:
        self.answer({"sha256": self.digest.hexdigest(), "size": self.size})


class Step(Json):
    def post(self, request_id: str, step: str) -> None:
        STATE["requests"][request_id]["state"] = {"submit": "submitted", "withdraw": "withdrawn"}[step]
        self.answer(STATE["requests"][request_id])


class Control(Json):
    def get(self) -> None:
        self.answer(STATE)

    def post(self) -> None:
        STATE.update(json.loads(self.request.body))
        self.answer({})


async def main() -> None:
    Application(
        [
            ("/hub/api/?", Version),
            ("/hub/api/user", User),
            ("/hub/api/users/.*/activity", Activity),
            ("/hub/api/oauth2/authorize", Authorize),
            ("/hub/api/oauth2/token", Token),
            ("/internal/session", DeskSession),
            ("/internal/events", Events),
            ("/internal/events/batch", EventBatch),
            ("/internal/display/lease", Lease),
            ("/internal/display/return", LeaseReturn),
            ("/internal/display/policy", Policy),
            ("/internal/display/record", Record),
            ("/internal/display/records", Records),
            ("/internal/requests", Requests),
            ("/internal/requests/([^/]+)/outputs/(\\d+)", Output),
            ("/internal/requests/([^/]+)/(submit|withdraw)", Step),
            ("/control", Control),
        ],
        cookie_secret="x" * 32,
        log_function=lambda _: None,
    ).listen(int(sys.argv[1]), "127.0.0.1", max_buffer_size=2**30)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
