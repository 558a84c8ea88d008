"""What the session API does: answers what the desk said, makes requests on behalf of the session's member."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from onggi.errors import Conflict, Invalid, Refused
from onggi.reasons import Reason
from onggi.submission import (
    FINDINGS_BYTES,
    MAX_CONTEXT_BYTES,
    MAX_FILES,
    MAX_NAME_BYTES,
    MAX_PURPOSE_BYTES,
    fits,
)
from session.context import SessionContext
from session.session_api.submission import Submission, collect

MAX_WORD_BYTES = 40
PROTECT_SECONDS = 150.0
"""Twice the time that the box may take, and its start."""
REQUEST_ID = r"r-[0-9a-z-]{1,40}"


class SessionActions:
    """The verbs of the compute's door. Who and which project come from the plan, never from the caller."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._submitting = asyncio.Lock()

    def session(self) -> dict[str, Any]:
        """Session, member, project, end and language."""
        plan = self._context.settings.plan
        facts = self._context.facts
        return {
            "session_id": plan.session_id,
            "member": plan.member,
            "project": plan.project,
            "until": facts.get("until", plan.until),
            "language": plan.language,
        }

    def datasets(self) -> dict[str, Any]:
        """The data sets that are mounted, with what the desk says of them."""
        said = {
            (item.get("name"), item.get("version")): item for item in self._context.facts.get("datasets", [])
        }
        datasets = []
        for mount in self._context.settings.plan.datasets:
            item = said.get((mount.name, mount.version), {})
            datasets.append(
                {
                    "name": mount.name,
                    "version": mount.version,
                    "titles": item.get("titles", {}),
                    "until": item.get("until"),
                    "path": mount.path,
                }
            )
        return {"datasets": datasets}

    def budget(self) -> dict[str, Any]:
        """What cell, session and the member's day may show, have shown, and why nothing is shown."""
        return self._context.meter.state()

    async def requests(self) -> dict[str, Any]:
        """The member's requests, as review lists them.

        Raises:
            OnggiError: what review says.
        """
        return await self._context.review.get("/internal/requests")

    async def withdraw(self, request_id: str) -> dict[str, Any]:
        """Take a request back.

        Raises:
            OnggiError: what review says.
        """
        return await self._context.review.post(f"/internal/requests/{request_id}/withdraw", {})

    async def protect(
        self, claim: object, way: object, base: object = 5, profile: object = ""
    ) -> dict[str, Any]:
        """Have the table of a claim protected by egress review.

        Raises:
            Invalid: for malformed input.
            OnggiError: what review says.
        """
        if not isinstance(claim, dict):
            raise Invalid(Reason.FIELD_INVALID, field="claim", value="")
        way, profile = _text(way, "way", MAX_WORD_BYTES), _text(profile, "profile", MAX_WORD_BYTES)
        if isinstance(base, bool) or not isinstance(base, int):
            raise Invalid(Reason.FIELD_INVALID, field="base", value="")
        body = {"claim": claim, "way": way, "base": base, "profile": profile}
        return await self._context.review.post_slow("/internal/protect", body, PROTECT_SECONDS)

    async def submit(
        self,
        paths: object,
        purpose: object,
        context: object,
        revises: object = None,
        *,
        typed: bool = False,
    ) -> dict[str, Any]:
        """Copy files out of the project folder and hand them to review.

        Args:
            revises: the returned request of which this is the next version; None for a new one.
            typed: whether a person typed the texts into the session's page, which has seen them then.

        Raises:
            Invalid: for malformed input, and for files that cannot be accepted, each with its reason.
            Refused: if what the member will read of the request goes over what the session may show.
            Conflict: SUBMIT_RUNNING while another submission is being copied.
            OnggiError: what review says.
        """
        names = _names(paths)
        purpose = _text(purpose, "purpose", MAX_PURPOSE_BYTES)
        context = _text(context, "context", MAX_CONTEXT_BYTES)
        revises = _request_id(revises)
        if self._submitting.locked():
            raise Conflict(Reason.SUBMIT_RUNNING)
        async with self._submitting:
            self._pay(len(names), "" if typed else "".join([purpose, context, *names]))
            settings = self._context.settings
            outputs = await asyncio.to_thread(
                collect, settings.project_dir, settings.state_dir / "submissions", names
            )
            async with outputs as copied:
                return await Submission(self._context.review).send(copied, purpose, context, revises)

    def _pay(self, outputs: int, texts: str) -> None:
        """Charge what the member's pages outside the session will show of this request.

        Texts that the compute made count as output; findings on a request that a person typed are paid from
        what the page needs, so that a used-up day does not stop a submission.
        """
        findings = outputs * FINDINGS_BYTES
        meter = self._context.meter
        paid = meter.take(len(texts.encode()) + findings) if texts else meter.page(findings)
        if not paid:
            raise Refused(meter.refusal.reason, **meter.refusal.params)


def _names(paths: object) -> list[str]:
    if not isinstance(paths, list) or not paths:
        raise Invalid(Reason.FIELD_MISSING, field="paths")
    if len(paths) > MAX_FILES:
        raise Invalid(Reason.TOO_MANY_FILES, limit=MAX_FILES)
    if not all(isinstance(path, str) and 0 < len(path) <= MAX_NAME_BYTES for path in paths):
        raise Invalid(Reason.FIELD_INVALID, field="paths", value="")
    if len(set(paths)) != len(paths):
        raise Invalid(Reason.FIELD_INVALID, field="paths", value="twice")
    return list(paths)


def _text(value: object, field: str, max_bytes: int) -> str:
    if not isinstance(value, str) or not fits(value, max_bytes):
        raise Invalid(Reason.FIELD_INVALID, field=field, value="")
    return value


def _request_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(REQUEST_ID, value):
        raise Invalid(Reason.FIELD_INVALID, field="revises", value="")
    return value
