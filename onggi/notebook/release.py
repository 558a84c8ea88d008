"""Requests for release: `onggi.submit`, `onggi.requests`, `onggi.withdraw`, and `onggi.budget`."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

from onggi.errors import Invalid, Unavailable
from onggi.notebook.client import call
from onggi.notebook.settings import settings
from onggi.notebook.speech import html_table, known, say, speaking
from onggi.reasons import Reason

_MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check said about an output.

    Attributes:
        code: the reason code.
        params: the values of its sentence; never a value of the data.
        cell: the cell of the table that it is about, or None.
    """

    code: str
    params: Mapping[str, str]
    cell: Mapping[str, str] | None = None

    @property
    def sentence(self) -> str:
        """What was found, where, and what to do about it, in the session's language."""
        return " ".join(part for part in (f"[{self.where}]" if self.where else "", self.remark) if part)

    @property
    def where(self) -> str:
        """The cell that it is about; empty if it is about the file."""
        return ", ".join(f"{name}={value}" for name, value in (self.cell or {}).items())

    @property
    def remark(self) -> str:
        """What was found and what to do about it, without where."""
        key = f"findings.{self.code}"
        said = say(key, **self.params) if known(key) else self.code
        todo = say(f"{key}_todo", **self.params) if known(f"{key}_todo") else ""
        return " ".join(part for part in (said, todo) if part)


@dataclass(frozen=True, slots=True)
class Output:
    """A submitted file: its name, where it stands, and what the checks say."""

    name: str
    state: str
    verdict: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """Files submitted together. `state` is a code; the representation speaks the session's language."""

    id: str
    state: str
    purpose: str
    submitted: str | None
    outputs: tuple[Output, ...]

    def __repr__(self) -> str:
        lines = [f"{self.id} · {_word('notebook.state', self.state)} · {self.purpose}"]
        for one in self.outputs:
            lines.append(f"  {one.name} · {_standing(one)}")
            lines += [f"    {said}" for said in _said(one)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        state, purpose = html.escape(_word("notebook.state", self.state)), html.escape(self.purpose)
        head = f"<p><b>{html.escape(self.id)}</b> · {state} · {purpose}</p>"
        rows = [(one.name, _standing(one), " ".join(_said(one))) for one in self.outputs]
        return head + html_table([say(f"notebook.{name}") for name in ("output", "state", "findings")], rows)


class Requests(Sequence[Request]):
    """My requests in this project, newest as the service orders them."""

    def __init__(self, members: Sequence[Request]) -> None:
        self._members = tuple(members)

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | Sequence[Request]:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._members)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._members)) or say("notebook.no_requests")

    def _repr_html_(self) -> str:
        return (
            "".join(one._repr_html_() for one in self._members)
            or f"<p>{html.escape(say('notebook.no_requests'))}</p>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Budget:
    """What this session may still show on the screen, in bytes."""

    cell_bytes: int
    session_bytes: int
    session_bytes_used: int

    @property
    def session_bytes_left(self) -> int:
        """What is left for the whole session."""
        return max(0, self.session_bytes - self.session_bytes_used)

    def __repr__(self) -> str:
        amounts = {
            name: f"{getattr(self, name) / _MEBIBYTE:,.2f}" for name in ("cell_bytes", "session_bytes")
        }
        return say("notebook.budget", left=f"{self.session_bytes_left / _MEBIBYTE:,.2f}", **amounts)


@speaking
def submit(
    paths: str | Path | Sequence[str | Path], *, purpose: str, context: str = "", revises: str | None = None
) -> Request:
    """Ask for files to be released. A table's claim is taken along by itself.

    Args:
        paths: files of the project folder.
        purpose: what they are for, for the reviewers.
        context: what a reviewer should know to understand them.
        revises: the id of a request that came back for a change; this is its next version, with all its
            files, new checks and new votes.

    Raises:
        Invalid: nothing was given, or a path leads out of the project folder.
        OnggiError: what the session or the egress review says against it.
    """
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not listed:
        raise Invalid(Reason.FIELD_MISSING, field="paths")
    if not purpose.strip():
        raise Invalid(Reason.FIELD_MISSING, field="purpose")
    body: dict[str, Any] = {
        "paths": [_below_project(one) for one in listed],
        "purpose": purpose,
        "context": context,
    }
    if revises is not None:
        body["revises"] = str(revises)
    return _request(call("POST", "/v1/requests", body))


@speaking
def requests() -> Requests:
    """My requests in this project, and where they stand."""
    return Requests([_request(one) for one in call("GET", "/v1/requests").get("requests", [])])


@speaking
def withdraw(id: str) -> Request:  # noqa: A002 - the word of the contract
    """Take back a request that is not decided yet.

    Raises:
        OnggiError: it is not there, not mine, or already decided.
    """
    return _request(call("POST", f"/v1/requests/{quote(str(id), safe='')}/withdraw", {}))


@speaking
def budget() -> Budget:
    """What this session may still show on the screen."""
    answer = call("GET", "/v1/budget")
    try:
        return Budget(*(int(answer[name]) for name in (one.name for one in fields(Budget))))
    except (KeyError, TypeError, ValueError):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200) from None


def _below_project(path: str | Path) -> str:
    """The path as the session API wants it: POSIX, relative to the project folder.

    Raises:
        Invalid: it is not below the project folder. (The trusted side looks again, and better.)
    """
    root = Path(settings().project)
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links are the trusted side's affair, so not resolve()
    if not absolute.is_relative_to(root):
        raise Invalid(Reason.FILE_OUTSIDE_PROJECT, name=path)
    return absolute.relative_to(root).as_posix()


def _request(body: Mapping[str, Any]) -> Request:
    try:
        outputs = tuple(_output(one) for one in body.get("outputs", ()))
        return Request(body["id"], body["state"], body.get("purpose", ""), body.get("submitted"), outputs)
    except (KeyError, TypeError, AttributeError):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200) from None


def _output(body: Mapping[str, Any]) -> Output:
    findings = tuple(
        Finding(one["code"], one.get("params") or {}, one.get("cell")) for one in body.get("findings", ())
    )
    return Output(body["name"], body.get("state") or "", body.get("verdict"), findings)


def _said(output: Output) -> list[str]:
    """Each remark once, behind the cells that it is about."""
    places: dict[str, list[str]] = {}
    for finding in output.findings:
        places.setdefault(finding.remark, []).append(finding.where)
    return [
        f"[{'; '.join(cells)}] {remark}" if (cells := [one for one in found if one]) else remark
        for remark, found in places.items()
    ]


def _standing(output: Output) -> str:
    return (
        _word("findings.verdict", output.verdict)
        if output.verdict
        else _word("notebook.output_state", output.state)
    )


def _word(kind: str, code: str) -> str:
    """The word for a code; a code without one is shown as it is."""
    key = f"{kind}_{code}"
    return say(key) if known(key) else code
