"""The messages of comms that a kernel may send, for targets that the policy names; charged like text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from egress_review.display.comms import target
from egress_review.display.scope import Answer, Scope
from egress_review.display.values import plain_json

Content = Mapping[str, Any]
_KIND = "application/x-comm"


def _open(scope: Scope, content: Content) -> Answer | None:
    name = target(content, scope.policy.comm_targets)
    if name is None:
        return None
    paid = _paid(scope, content)
    page_name = scope.comms.opened_by_kernel(content.get("comm_id")) if paid is not None else None
    if paid is None or page_name is None:
        return None
    return Answer("comm_open", {"comm_id": page_name, "target_name": name, "data": paid}, {}, scope.buffers)


def _message(scope: Scope, content: Content) -> Answer | None:
    page_name = scope.comms.page_name(content.get("comm_id"))
    paid = _paid(scope, content) if page_name is not None else None
    if paid is None:
        return None
    return Answer("comm_msg", {"comm_id": page_name, "data": paid}, {}, scope.buffers)


def _close(scope: Scope, content: Content) -> Answer | None:
    page_name = scope.comms.page_name(content.get("comm_id"))
    if page_name is None or not scope.flat():
        return None
    scope.comms.close(page_name)
    return Answer("comm_close", {"comm_id": page_name, "data": {}})


def _paid(scope: Scope, content: Content) -> dict[str, Any] | None:
    """The data of a message after it and its buffers were charged whole; None if they are not shown."""
    data = content.get("data", {})
    try:
        plain = plain_json(data) if isinstance(data, dict) else None
        written = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    raw = written.encode("utf-8", "replace") + b"".join(scope.buffers)
    if plain is None or not scope.flat():
        return None
    return plain if scope.raw(raw, _KIND) else None


COMM_BUILDERS: Mapping[str, Callable[[Scope, Content], Answer | None]] = {
    "comm_close": _close,
    "comm_msg": _message,
    "comm_open": _open,
}
