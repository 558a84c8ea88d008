"""The messages of a kernel that may pass, each rebuilt from known keys and charged.

Guarantees: what comes out of here holds nothing of the kernel's message but values that were checked by type,
bounded and charged. A message that is not as the protocol says is None: dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from egress_review.display.budget import fit
from egress_review.display.bundle import prepare, show
from egress_review.display.comm_messages import COMM_BUILDERS
from egress_review.display.encoded import cut_runs
from egress_review.display.scope import Answer, Scope
from egress_review.display.values import one_of

Content = Mapping[str, Any]
Builder = Callable[[Scope, Content], Answer | None]

_STATES = frozenset({"busy", "idle", "starting"})
_STREAMS = frozenset({"stderr", "stdout"})
_COMPLETENESS = frozenset({"complete", "incomplete", "invalid", "unknown"})
_STATUSES = frozenset({"aborted", "error", "ok"})
_MAX_DISPLAY_IDS = 10_000
_MAX_NAME_CHARACTERS = 200
_MAX_INDENT = 32


def _stream(scope: Scope, content: Content) -> Answer | None:
    name, text = content.get("name"), content.get("text")
    if not one_of(name, _STREAMS) or not isinstance(text, str) or not (scope.joined or scope.flat()):
        return None
    kept = scope.text(text)
    return Answer("stream", {"name": name, "text": kept}) if kept else None


def _display(kind: str) -> Builder:
    def build(scope: Scope, content: Content) -> Answer | None:
        if not scope.flat():
            return None
        prepared = scope.prepared or (scope.prepare or prepare)(
            scope.policy, scope.redraw, scope.budget.images, content.get("data"), content.get("metadata")
        )
        data, metadata = show(scope, prepared)
        if not data:
            return None
        rebuilt: dict[str, Any] = {"data": data, "metadata": metadata}
        if kind == "execute_result":
            rebuilt["execution_count"] = _count(content) if scope.request is None else scope.number()
        else:
            rebuilt["transient"] = _transient(scope, content.get("transient"))
        return Answer(kind, rebuilt)

    return build


def _transient(scope: Scope, transient: object) -> dict[str, str]:
    """A display id under a name of ours, so that the id carries nothing."""
    given = transient.get("display_id") if isinstance(transient, Mapping) else None
    if not isinstance(given, str) or len(given) > _MAX_NAME_CHARACTERS:
        return {}
    if given not in scope.display_ids:
        if len(scope.display_ids) >= _MAX_DISPLAY_IDS:
            return {}
        scope.display_ids[given] = f"d{len(scope.display_ids)}"
    return {"display_id": scope.display_ids[given]}


def _error(scope: Scope, content: Content) -> Answer | None:
    traceback = content.get("traceback")
    lines = [line for line in traceback if isinstance(line, str)] if isinstance(traceback, list) else []
    if not scope.flat_for_error():
        return None
    return Answer(
        "error",
        {
            "ename": scope.error_text(fit(_string(content, "ename"), 200)),
            "evalue": scope.error_text(fit(_string(content, "evalue"), 2000)),
            "traceback": [kept for line in lines[:200] if (kept := scope.error_text(line))],
        },
    )


def _status(scope: Scope, content: Content) -> Answer | None:
    """`busy` and `idle` are free once for each request, because the page needs them; more cost."""
    state = content.get("execution_state")
    if not one_of(state, _STATES):
        return None
    request = scope.request
    if request is not None and state == "busy" and not request.busy:
        request.busy = True
    elif request is not None and state == "idle" and not request.idle:
        request.idle = True
        scope.outcome.finished = request.kind == "execute_request"
        request.content = {}  # many are remembered, and code can be long
    elif not scope.flat():
        return None
    return Answer("status", {"execution_state": state})


def _execute_input(scope: Scope, _: Content) -> Answer | None:
    """The echo of a cell's code: ours, never the kernel's wording of it."""
    request = scope.request
    if request is None or request.kind != "execute_request" or request.echoed or not request.content:
        return None
    request.echoed = True
    return Answer("execute_input", {"code": request.content["code"], "execution_count": scope.number()})


def _clear_output(scope: Scope, content: Content) -> Answer | None:
    return Answer("clear_output", {"wait": content.get("wait") is True}) if scope.flat() else None


def _execute_reply(scope: Scope, content: Content) -> Answer | None:
    reply: dict[str, Any] = {"status": _reply_status(content), "execution_count": None}
    scope.meter.take(scope.policy.message_bytes)
    if reply["status"] != "aborted":
        reply["execution_count"] = scope.number()
    if reply["status"] == "ok":
        reply |= {"user_expressions": {}, "payload": []}
    elif reply["status"] == "error":
        reply["ename"] = scope.error_text(fit(_string(content, "ename"), 200))
        reply["evalue"] = scope.error_text(fit(_string(content, "evalue"), 2000))
        reply["traceback"] = []
    return Answer("execute_reply", reply)


def _complete_reply(scope: Scope, content: Content) -> Answer | None:
    matches = content.get("matches")
    names = [name for name in matches if isinstance(name, str)] if isinstance(matches, list) else []
    left, kept = scope.policy.assist_bytes, []
    for name in names[:500]:
        left -= len(name.encode("utf-8", "replace")) + 4
        if left < 0 or len(name) > _MAX_NAME_CHARACTERS:
            break
        kept.append(name)
    encoded = cut_runs("\n".join(kept), scope.policy.encoded_run)[1]
    kept = kept if not encoded and _assist(scope, "\n".join(kept)) else []
    # Positions are the request's own unless there is something to put there, and then within its code.
    asked = scope.request.content if scope.request is not None else {}
    start = end = int(asked.get("cursor_pos", 0))
    if kept:
        longest = len(str(asked.get("code", "")))
        start, end = (min(_position(content, name), longest) for name in ("cursor_start", "cursor_end"))
    return Answer(
        "complete_reply",
        {"status": "ok", "matches": kept, "cursor_start": start, "cursor_end": end, "metadata": {}},
    )


def _inspect_reply(scope: Scope, content: Content) -> Answer | None:
    data = content.get("data")
    plain = data.get("text/plain") if isinstance(data, Mapping) else None
    kept = fit(plain, scope.policy.assist_bytes) if isinstance(plain, str) else ""
    kept, _ = cut_runs(kept, scope.policy.encoded_run)
    if not _assist(scope, kept):
        kept = ""
    shown = {"text/plain": kept} if kept else {}
    return Answer("inspect_reply", {"status": "ok", "found": bool(shown), "data": shown, "metadata": {}})


def _assist(scope: Scope, text: str) -> bool:
    """Charge help while typing to the session, apart from the cells."""
    raw = text.encode("utf-8", "replace")
    if not scope.meter.take(len(raw) + scope.policy.message_bytes):
        scope.budget.cuts += 1
        return False
    if raw:
        scope.budget.record("text/x-assist", len(raw))
    return bool(raw)


def _is_complete_reply(scope: Scope, content: Content) -> Answer | None:
    if not scope.meter.take(scope.policy.message_bytes):
        return Answer("is_complete_reply", {"status": "unknown", "indent": ""})
    status = content.get("status")
    if not one_of(status, _COMPLETENESS):
        return None
    indent = content.get("indent", "")
    usable = isinstance(indent, str) and len(indent) <= _MAX_INDENT and not indent.strip(" ")
    return Answer("is_complete_reply", {"status": status, "indent": indent if usable else ""})


_LANGUAGE: dict[str, Any] = {
    "name": "python",
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": 3},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}


def _kernel_info_reply(_: Scope, __: Content) -> Answer | None:
    """One fixed answer: there is one kind of kernel, and what it says about itself is not needed."""
    return Answer(
        "kernel_info_reply",
        {
            "status": "ok",
            "protocol_version": "5.3",
            "implementation": "ipython",
            "implementation_version": "",
            "language_info": _LANGUAGE | {"version": "3"},
            "banner": "",
            "help_links": [],
            "debugger": False,
        },
    )


def _history_reply(_: Scope, __: Content) -> Answer | None:
    return Answer("history_reply", {"status": "ok", "history": []})


def _comm_info_reply(_: Scope, __: Content) -> Answer | None:
    return Answer("comm_info_reply", {"status": "ok", "comms": {}})


def _interrupt_reply(_: Scope, content: Content) -> Answer | None:
    return Answer("interrupt_reply", {"status": _reply_status(content)})


def _input_request(scope: Scope, content: Content) -> Answer | None:
    if scope.request is None or not scope.flat():
        return None
    prompt = scope.text(fit(_string(content, "prompt"), 1000))
    return Answer("input_request", {"prompt": prompt, "password": content.get("password") is True})


def _string(content: Content, name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _count(content: Content) -> int | None:
    value = content.get("execution_count")
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if usable else None


def _position(content: Content, name: str) -> int:
    value = content.get(name)
    return value if isinstance(value, int) and 0 <= value < 2**24 else 0


def _reply_status(content: Content) -> str:
    status = content.get("status")
    return str(status) if one_of(status, _STATUSES) else "error"


BUILDERS: Mapping[str, Mapping[str, Builder]] = {
    "iopub": {
        **COMM_BUILDERS,
        "clear_output": _clear_output,
        "display_data": _display("display_data"),
        "error": _error,
        "execute_input": _execute_input,
        "execute_result": _display("execute_result"),
        "status": _status,
        "stream": _stream,
        "update_display_data": _display("update_display_data"),
    },
    "shell": {
        "comm_info_reply": _comm_info_reply,
        "complete_reply": _complete_reply,
        "execute_reply": _execute_reply,
        "history_reply": _history_reply,
        "inspect_reply": _inspect_reply,
        "is_complete_reply": _is_complete_reply,
        "kernel_info_reply": _kernel_info_reply,
    },
    "control": {"interrupt_reply": _interrupt_reply, "kernel_info_reply": _kernel_info_reply},
    "stdin": {"input_request": _input_request},
}
