"""An entry of the ledger: one released output, and what is remembered of it. No SQL and no web in here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from egress_review.checks.differencing.job import PublishedNumber, number_from_json
from egress_review.checks.hidden import HiddenRow, hidden_row_from_json
from onggi.events import canonical_json

__all__ = ["Blind", "Entry", "PublishedNumber"]


class Blind(StrEnum):
    """Why nothing is known of the persons behind an output: where the ledger is blind."""

    NO_CLAIM = "no_claim"
    NO_SETS = "no_sets"


@dataclass(frozen=True, slots=True)
class Entry:
    """A released output.

    Attributes:
        release: its id.
        output: its number in the request.
        request, version: what was voted on.
        datasets: name and version of each data set that its claim names, in order.
        claim_sha256: of the claim's canonical JSON, or "" without one.
        output_sha256: of the released bytes.
        sets: SHA-256 of the sets of persons, or None where the ledger is blind.
        blind: why it is, or None.
        rounded_to: the base to which counts were published rounded, or 0; the numbers here are not.
        numbers: all numbers of the table, by place; those too that its file hides.
        claim: the JSON of its claim as it was read, or None where the ledger is blind.
        hidden: the numbers that its file hides.
        position: index of the entry's event in the audit log; -1 before it is written.
    """

    release: str
    output: int
    request: str
    version: int
    project: str
    datasets: tuple[tuple[str, str], ...]
    claim_sha256: str
    output_sha256: str
    sets: str | None
    blind: Blind | None
    rounded_to: int = 0
    numbers: tuple[PublishedNumber, ...] = ()
    claim: Mapping[str, Any] | None = None
    hidden: tuple[HiddenRow, ...] = ()
    position: int = -1

    def content(self) -> dict[str, Any]:
        """What the entry's hash is of: everything but its position."""
        return {
            "v": 1,
            "release": self.release,
            "output": self.output,
            "request": self.request,
            "version": self.version,
            "project": self.project,
            "datasets": [list(one) for one in self.datasets],
            "claim_sha256": self.claim_sha256,
            "output_sha256": self.output_sha256,
            "sets": self.sets,
            "blind": self.blind.value if self.blind else None,
            "rounded_to": self.rounded_to,
            "numbers": [number.to_json() for number in self.numbers],
            **self.question(),
        }

    def question(self) -> dict[str, Any]:
        """What it takes to make the table again."""
        claim = None if self.claim is None else dict(self.claim)
        return {"claim": claim, "hidden": [row.to_json() for row in self.hidden]}

    def sha256(self) -> str:
        """What the audit log says of the entry.

        The SHA-256 of the sets in it keeps anybody from guessing counts from the hash.
        """
        return hashlib.sha256(canonical_json(self.content())).hexdigest()


def claim_sha256(claim: Mapping[str, Any] | None) -> str:
    """The name of a claim by content; "" without one."""
    if claim is None:
        return ""
    return hashlib.sha256(json.dumps(claim, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def entry_from_content(body: Mapping[str, Any], position: int) -> Entry:
    """Read what `content` wrote; it comes from our own database.

    Raises:
        Invalid, KeyError, ValueError: if it is damaged.
    """
    return Entry(
        release=body["release"],
        output=body["output"],
        request=body["request"],
        version=body["version"],
        project=body["project"],
        datasets=tuple((name, version) for name, version in body["datasets"]),
        claim_sha256=body["claim_sha256"],
        output_sha256=body["output_sha256"],
        sets=body["sets"],
        blind=Blind(body["blind"]) if body["blind"] else None,
        rounded_to=body["rounded_to"],
        numbers=tuple(map(number_from_json, body["numbers"])),
        claim=body["claim"],
        hidden=tuple(map(hidden_row_from_json, body["hidden"])),
        position=position,
    )
