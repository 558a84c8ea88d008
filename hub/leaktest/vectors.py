"""What a kernel can put into its messages: one way each, as a line that a lying kernel runs.

In each line `T` is the text or number that must not come out unpaid, `liar` is `inside.kernel_side.Liar`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Vector:
    """One way.

    Attributes:
        code: run in the cell.
        asks: a request that the browser sends after it, whose answer carries `T`: channel, type, content.
        number: whether `T` is a number.
        stdin: whether the cell may ask for input.
    """

    code: str
    asks: tuple[str, str, Mapping[str, Any]] | None = None
    number: bool = False
    stdin: bool = False
    waits_s: float = field(default=0.0)


def _shown(data: str, metadata: str = "None") -> Vector:
    return Vector(f"liar.show({data}, {metadata})")


def _changed(kind: str, change: str, then: str = "print('x')") -> Vector:
    return Vector(f"liar.change({kind!r}, lambda m: {change}); {then}")


def _replied(kind: str, change: str, **content: Any) -> Vector:
    channel = "control" if kind == "interrupt" else "shell"
    code = f"liar.change('{kind}_reply', lambda m: {change})"
    return Vector(code, (channel, f"{kind}_request", content))


_PLAIN = "'text/plain': 'x'"
_TYPES = {
    "svg": ("image/svg+xml", "f'<svg><text>{T}</text></svg>'"),
    "javascript": ("application/javascript", "f'//{T}'"),
    "json": ("application/json", "{'k': T}"),
    "geojson": ("application/geo+json", "{'k': T}"),
    "vega": ("application/vnd.vega.v5+json", "{'description': T}"),
    "vegalite": ("application/vnd.vegalite.v5+json", "{'description': T}"),
    "plotly": ("application/vnd.plotly.v1+json", "{'layout': {'title': T}}"),
    "bokeh": ("application/vnd.bokehjs_exec.v0+json", "T"),
    "widget": ("application/vnd.jupyter.widget-view+json", "{'model_id': T}"),
    "dataresource": ("application/vnd.dataresource+json", "{'k': T}"),
    "pdf": ("application/pdf", "T"),
    "gif": ("image/gif", "T"),
    "markdown": ("text/markdown", "T"),
    "audio": ("audio/wav", "T"),
    "video": ("video/mp4", "T"),
}
_HTML = {
    "text": "f'<b>{T}</b>'",
    "comment": "f'<!--{T}--><b>x</b>'",
    "attribute": "f'<b title={T}>x</b>'",
    "data_attribute": "f'<b data-x={T}>x</b>'",
    "identifier": "f'<b id={T}>x</b>'",
    "class": "f'<b class={T}>x</b>'",
    "style": "f'<b style=\"font-family:{T}\">x</b>'",
    "script": "f'<script>{T}</script><b>x</b>'",
    "style_sheet": "f'<style>.{T}{{}}</style><b>x</b>'",
    "link": "f'<a href=\"http://127.0.0.1/{T}\">x</a>'",
    "image": "f'<img src=\"data:image/png;base64,{T}\">x'",
    "template": "f'<template>{T}</template>x'",
    "unknown_tag": "f'<x-{T}>x</x-{T}>'",
    "dir": "f'<b dir={T}>x</b>'",
    "number": "f'<ol start={T}><li>x</ol>'",
}

SCREEN: Mapping[str, Vector] = {
    "stdout": Vector("print(T)"),
    "stderr": Vector("import sys; print(T, file=sys.stderr)"),
    "stream_name": Vector("liar.publish('stream', {'name': T, 'text': 'x'})"),
    "stream_extra": Vector("liar.publish('stream', {'name': 'stdout', 'text': 'x', 'more': T})"),
    "plain": _shown("{'text/plain': T}"),
    "latex": _shown("{'text/latex': f'${T}$', " + _PLAIN + "}"),
    "latex_link": _shown("{'text/latex': '$\\\\href{http://127.0.0.1/' + T + '}{x}$', " + _PLAIN + "}"),
    "png_text": _shown("{'image/png': png(T)}"),
    "png_trailing": _shown("{'image/png': png(T, trailing=True)}"),
    "png_type_lie": _shown("{'image/jpeg': png(T)}"),
    "type_name": _shown("{f'application/x-{T}': 'x'}"),
    "metadata_key": _shown("{" + _PLAIN + "}", "{T: 1}"),
    "metadata_value": _shown("{" + _PLAIN + "}", "{'text/plain': {'title': T}}"),
    "metadata_size": Vector("liar.show({'image/png': png('x')}, {'image/png': {'width': T}})", number=True),
    "display_id": Vector("liar.show({" + _PLAIN + "}, display_id=T)"),
    "update_unknown": Vector(
        "liar.publish('update_display_data', {'data': {'text/plain': 'x'}, 'metadata': {},"
        " 'transient': {'display_id': T}})"
    ),
    "result_count": Vector(
        "liar.publish('execute_result', {'data': {'text/plain': 'x'}, 'metadata': {}, 'execution_count': T})",
        number=True,
    ),
    "echo": Vector("liar.publish('execute_input', {'code': T, 'execution_count': 1})"),
    "echo_count": Vector("liar.publish('execute_input', {'code': '', 'execution_count': T})", number=True),
    "error_name": Vector("raise type(T, (Exception,), {})('x')"),
    "error_value": Vector("raise ValueError(T)"),
    "error_trace": Vector("liar.publish('error', {'ename': 'x', 'evalue': 'x', 'traceback': [T]})"),
    "status_state": Vector("liar.publish('status', {'execution_state': T})"),
    "status_extra": Vector("liar.publish('status', {'execution_state': 'busy', 'more': T})"),
    "clear_extra": Vector("liar.publish('clear_output', {'wait': False, 'more': T})"),
    "unknown_type": Vector("liar.publish('x' + T, {'text': T})"),
    "welcome": Vector("liar.publish('iopub_welcome', {'subscription': T})"),
    "debug_event": Vector("liar.publish('debug_event', {'type': 'event', 'event': T})"),
    "input_on_screen": Vector("liar.publish('input_request', {'prompt': T, 'password': False})"),
    "shutdown": Vector("liar.publish('shutdown_reply', {'restart': T})"),
    "topic": Vector("liar.publish('stream', {'name': 'stdout', 'text': 'x'}, topic=T)"),
    "comm_open": Vector("liar.publish('comm_open', {'comm_id': T, 'target_name': T, 'data': {'k': T}})"),
    "comm_message": Vector("liar.publish('comm_msg', {'comm_id': T, 'data': {'k': T}})"),
    "comm_buffers": Vector(
        "liar.publish('comm_open', {'comm_id': 'c', 'target_name': 'jupyter.widget', 'data': {}},"
        " buffers=[T.encode()])"
    ),
    "comm_close": Vector("liar.publish('comm_close', {'comm_id': T, 'data': {}})"),
    "buffers": Vector("liar.publish('stream', {'name': 'stdout', 'text': 'x'}, buffers=[T.encode()])"),
    "invented_parent": Vector(
        "liar.publish('stream', {'name': 'stdout', 'text': T}, parent={'header': {'msg_id': 'i' + T,"
        " 'msg_type': 'execute_request', 'username': T, 'session': T, 'version': T, 'date': T}})"
    ),
    "parent_extra": _changed("stream", "m['parent_header'].update(more=T, username=T)"),
    "header_extra": _changed("stream", "m['header'].update(more=T)"),
    "header_id": _changed("stream", "m['header'].update(msg_id=T)"),
    "header_user": _changed("stream", "m['header'].update(username=T)"),
    "header_session": _changed("stream", "m['header'].update(session=T)"),
    "header_date": _changed("stream", "m['header'].update(date=T)"),
    "header_version": _changed("stream", "m['header'].update(version=T)"),
    "message_metadata": _changed("stream", "m['metadata'].update(more=T)"),
    "late": Vector(
        "t = T; liar.later(0.3, lambda: liar.publish('stream', {'name': 'stdout', 'text': t}, parent={}))",
        waits_s=0.8,
    ),
    **{f"type_{name}": _shown(f"{{{kind!r}: {data}}}") for name, (kind, data) in _TYPES.items()},
    **{
        f"html_{name}": Vector(f"liar.show({{'text/html': {html}}})", number=name == "number")
        for name, html in _HTML.items()
    },
}

ANSWERS: Mapping[str, Vector] = {
    "page_payload": Vector(
        "liar.shell.payload_manager.write_payload({'source': 'page', 'data': {'text/plain': T}, 'start': 0})"
    ),
    "next_cell": Vector("liar.shell.set_next_input(T)"),
    "reply_extra": _changed("execute_reply", "m['content'].update(more=T, user_expressions={'k': T})"),
    "reply_status": _changed("execute_reply", "m['content'].update(status=T)"),
    "reply_count": Vector(
        "liar.change('execute_reply', lambda m: m['content'].update(execution_count=T))", number=True
    ),
    "reply_error": _changed(
        "execute_reply", "m['content'].update(status='error', ename=T, evalue='', traceback=[])"
    ),
    "completion": _replied("complete", "m['content'].update(matches=[T])", code="a", cursor_pos=1),
    "completion_metadata": _replied(
        "complete", "m['content'].update(metadata={'_jupyter_types': [{'text': T}]})", code="a", cursor_pos=1
    ),
    "completion_position": Vector(
        "liar.change('complete_reply', lambda m: m['content'].update(matches=['a'], cursor_start=T))",
        ("shell", "complete_request", {"code": "a", "cursor_pos": 1}),
        number=True,
    ),
    "inspection": _replied(
        "inspect", "m['content'].update(found=True, data={'text/plain': T})", code="a", cursor_pos=1
    ),
    "inspection_html": _replied(
        "inspect", "m['content'].update(found=True, data={'text/html': T})", code="a", cursor_pos=1
    ),
    "inspection_metadata": _replied(
        "inspect", "m['content'].update(found=True, metadata={'k': T})", code="a", cursor_pos=1
    ),
    "completeness_indent": _replied(
        "is_complete", "m['content'].update(status='incomplete', indent=T)", code="a"
    ),
    "completeness_status": _replied("is_complete", "m['content'].update(status=T)", code="a"),
    "history": _replied(
        "history",
        "m['content'].update(history=[(1, 1, T)])",
        output=False,
        raw=True,
        hist_access_type="tail",
        n=1,
    ),
    "comms": _replied("comm_info", "m['content'].update(comms={T: {'target_name': T}})"),
    "banner": _replied("kernel_info", "m['content'].update(banner=T, implementation=T, help_links=[T])"),
    "language": _replied("kernel_info", "m['content'].update(language_info={'name': T, 'version': T})"),
    "interruption": _replied("interrupt", "m['content'].update(more=T, status=T)"),
    "prompt": Vector("input(T)", stdin=True),
}
