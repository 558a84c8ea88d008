"""What the browser may send to a kernel, and what the gate remembers of it.

Guarantees: only message types in `FORWARDED` pass, each on its channel, rebuilt from known keys; a kernel's
answer is believed to belong to a cell only if its parent is one of these requests. Requests come from the
researcher's browser and are not secret from the compute, so their text is not metered here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from egress_review.display.budget import Budget
from egress_review.display.values import plain_json

MAX_ID_CHARACTERS = 128
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")  # it stands in the audit log
MAX_CODE_CHARACTERS = 1024 * 1024

FORWARDED: Mapping[str, frozenset[str]] = {
    "shell": frozenset(
        {
            "comm_close",
            "comm_info_request",
            "comm_msg",
            "comm_open",
            "complete_request",
            "execute_request",
            "history_request",
            "inspect_request",
            "is_complete_request",
            "kernel_info_request",
        }
    ),
    "control": frozenset({"interrupt_request", "kernel_info_request"}),
    "stdin": frozenset({"input_reply"}),
}


@dataclass(slots=True)
class Request:
    """A message that the gate forwarded to the kernel.

    `header` is what the browser sent, rebuilt; answers carry it as their parent. `answered`, `busy`, `idle`
    and `echoed` say which of the messages that a request has exactly once were already passed on. `number` is
    the cell's number, which the gate counts itself: a kernel's own could say four bytes a cell.
    """

    kind: str
    channel: str
    header: dict[str, str]
    content: dict[str, Any]
    budget: Budget | None = None
    answered: bool = False
    busy: bool = False
    idle: bool = False
    echoed: bool = False
    number: int | None = None
    packed: bytes = field(default=b"")


def rebuild_header(header: object, kind: str) -> dict[str, str] | None:
    """A browser's header reduced to the keys of the protocol; None if it has no usable id."""
    if not isinstance(header, Mapping):
        return None
    msg_id = header.get("msg_id")
    if not isinstance(msg_id, str) or not _ID.fullmatch(msg_id):
        return None
    kept = {"msg_id": msg_id, "msg_type": kind}
    for name in ("session", "username", "date", "version"):
        value = header.get(name)
        kept[name] = value if isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS else ""
    return kept


def rebuild_request(kind: str, content: object) -> dict[str, Any] | None:
    """A request's content from known keys and types only; None if something is not as the protocol says."""
    if not isinstance(content, Mapping):
        return None
    return _CONTENTS[kind](content)


def _code(content: Mapping[str, Any]) -> str | None:
    code = content.get("code")
    return code if isinstance(code, str) and len(code) <= MAX_CODE_CHARACTERS else None


def _execute(content: Mapping[str, Any]) -> dict[str, Any] | None:
    code = _code(content)
    if code is None:
        return None
    return {
        "code": code,
        "silent": content.get("silent") is True,
        "store_history": content.get("store_history") is not False,
        "user_expressions": {},
        "allow_stdin": content.get("allow_stdin") is True,
        "stop_on_error": content.get("stop_on_error") is not False,
    }


def _at_cursor(content: Mapping[str, Any]) -> dict[str, Any] | None:
    code = _code(content)
    position = content.get("cursor_pos")
    if code is None or not isinstance(position, int) or not 0 <= position <= MAX_CODE_CHARACTERS:
        return None
    kept: dict[str, Any] = {"code": code, "cursor_pos": position}
    if isinstance(content.get("detail_level"), int) and content["detail_level"] in {0, 1}:
        kept["detail_level"] = int(content["detail_level"])
    return kept


def _is_complete(content: Mapping[str, Any]) -> dict[str, Any] | None:
    code = _code(content)
    return None if code is None else {"code": code}


def _nothing(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _input(content: Mapping[str, Any]) -> dict[str, Any] | None:
    value = content.get("value")
    if not isinstance(value, str) or len(value) > MAX_CODE_CHARACTERS:
        return None
    return {"status": "ok", "value": value}


def _history(_: Mapping[str, Any]) -> dict[str, Any]:
    """Answered with nothing, so it asks for nothing."""
    return {"output": False, "raw": True, "hist_access_type": "tail", "n": 0}


def _comm(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Its name and target are looked up by the gate; its data go from the page to the kernel."""
    comm_id, name, data = content.get("comm_id"), content.get("target_name"), content.get("data", {})
    try:
        plain = plain_json(data) if isinstance(data, dict) else None
    except ValueError:
        return None
    if not isinstance(comm_id, str) or plain is None:
        return None
    opened = {"target_name": name} if isinstance(name, str) else {}
    return {"comm_id": comm_id, "data": plain} | opened


_CONTENTS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
    "comm_close": _comm,
    "comm_msg": _comm,
    "comm_open": _comm,
    "comm_info_request": _nothing,
    "complete_request": _at_cursor,
    "execute_request": _execute,
    "history_request": _history,
    "input_reply": _input,
    "inspect_request": _at_cursor,
    "interrupt_request": _nothing,
    "is_complete_request": _is_complete,
    "kernel_info_request": _nothing,
}
