"""The page key: what a request of this session's own page carries, and no other page knows.

All of a person's sessions share one origin, so a browser says `same-origin` of a request from another
session's page too. The key stands in this session's page alone; its script puts it on every request and
websocket. Guarantees that another session's page cannot speak for this one even if a script ran in it, as
long as it cannot read this one's page (`session.http.origin` and the headers see to that).

It is no credential: without the person's cookie it opens nothing. It is made of the session's own key, so
that a page survives a restart of the server and not the end of the session.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from onggi.plan import SessionPlan

HEADER = "X-Onggi-Page"
SUBPROTOCOL = "onggi.page."
_CHARACTERS = 32


def page_key(plan: SessionPlan) -> str:
    """The key of the pages of one session: 32 hex digits."""
    what = f"onggi page {plan.session_id}".encode()
    return hmac.new(plan.session_key.encode(), what, hashlib.sha256).hexdigest()[:_CHARACTERS]


def carries(headers: Mapping[str, str], key: str) -> bool:
    """Whether a request carries the key, in its header or (a websocket) among the protocols it offers."""
    shown = headers.get(HEADER, "")
    for offered in headers.get("Sec-WebSocket-Protocol", "").split(","):
        if offered.strip().startswith(SUBPROTOCOL):
            shown = offered.strip().removeprefix(SUBPROTOCOL)
    return hmac.compare_digest(shown.encode("utf-8", "replace"), key.encode())
