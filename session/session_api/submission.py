"""Files on their way from the project folder to egress review.

Guarantees: every file is copied through `onggi.safe_files` into the server's own folder before anything looks
at it; what review receives are the bytes of that copy, and its answer must name their hash; no file and no
request is larger than `onggi.submission` says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from onggi.claim import CLAIM_SUFFIX, MAX_CLAIM_BYTES
from onggi.errors import Invalid, NotFound, OnggiError, Unavailable
from onggi.reasons import Reason
from onggi.safe_files import copy_beneath, read_beneath, shown
from onggi.submission import MAX_FILE_BYTES, MAX_REQUEST_BYTES
from session.services import Service

_CHUNK_BYTES = 256 * 1024
_PUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Output:
    """One copied file."""

    name: str
    copy: Path
    size: int
    sha256: str
    claim: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Outputs:
    """The copied files of one request; the copies are removed on exit."""

    folder: Path
    items: tuple[Output, ...]

    async def __aenter__(self) -> tuple[Output, ...]:
        return self.items

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def collect(project: Path, staging: Path, names: list[str]) -> Outputs:
    """Copy files out of the project folder; blocks.

    Raises:
        OnggiError: the reason why one of them cannot be accepted; then no copy stays.
    """
    folder = staging / secrets.token_hex(8)
    folder.mkdir(mode=0o700, parents=True)
    outputs: list[Output] = []
    left = MAX_REQUEST_BYTES
    try:
        for number, name in enumerate(names):
            output = _copy(project, folder / str(number), name, left)
            left -= output.size
            outputs.append(output)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Outputs(folder, tuple(outputs))


def _copy(project: Path, target: Path, name: str, left: int) -> Output:
    try:
        copied = copy_beneath(project, name, target, max_bytes=min(MAX_FILE_BYTES, left))
    except Invalid as error:
        if error.reason is Reason.FILE_TOO_LARGE and left < MAX_FILE_BYTES:
            raise Invalid(Reason.REQUEST_TOO_LARGE, limit=MAX_REQUEST_BYTES) from None
        raise
    return Output(name, target, copied.size, copied.sha256, _claim(project, name))


def _claim(project: Path, name: str) -> dict[str, Any] | None:
    try:
        raw = read_beneath(project, name + CLAIM_SUFFIX, max_bytes=MAX_CLAIM_BYTES)
        claim = json.loads(raw)
    except NotFound:
        return None
    except (ValueError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="claim", value=shown(name)) from None
    if not isinstance(claim, dict):
        raise Invalid(Reason.FIELD_INVALID, field="claim", value=shown(name))
    return claim


class Submission:
    """Hands copied files to review."""

    def __init__(self, review: Service) -> None:
        self._review = review

    async def send(
        self, outputs: tuple[Output, ...], purpose: str, context: str, revises: str | None = None
    ) -> dict[str, Any]:
        """Make a request, put each file, submit it; a request that cannot be completed is withdrawn.

        Args:
            revises: the returned request of which this is the next version.

        Raises:
            OnggiError: what review says; Unavailable if it stored something else than was sent.
        """
        announced = [
            {"name": item.name, "size": item.size, "sha256": item.sha256, "claim": item.claim}
            for item in outputs
        ]
        body = {"purpose": purpose, "context": context, "outputs": announced}
        if revises is not None:
            body["revises"] = revises
        draft = await self._review.post("/internal/requests", body)
        address = f"/internal/requests/{_id(draft)}"
        try:
            for number, item in enumerate(outputs, start=1):
                await self._put(f"{address}/outputs/{number}", item)
            return await self._review.post(f"{address}/submit", {})
        except OnggiError:
            with contextlib.suppress(OnggiError):
                await self._review.post(f"{address}/withdraw", {})
            raise

    async def _put(self, address: str, item: Output) -> None:
        stored = await self._review.put_stream(address, item.size, _producer(item.copy), _PUT_SECONDS)
        if stored.get("sha256") != item.sha256:
            raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200)


def _id(draft: dict[str, Any]) -> str:
    request_id = draft.get("id")
    if not isinstance(request_id, str):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=201)
    return request_id


def _producer(path: Path) -> Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]:
    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                await write(chunk)

    return produce
