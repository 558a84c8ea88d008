"""What is ordered of the box that remembers and compares, and what it answers: values and their wire form.

The box sees claims and data, never a submitted file: what the ledger holds rests on the source alone. Its
answer is read as strictly as any answer from a box.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from egress_review.checks.differencing.hits import Hit, Number
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow, hidden_row_from_json
from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy, policy_from_json
from egress_review.checks.reading.query import Kind
from egress_review.checks.report import Finding
from egress_review.checks.text import MAX_TEXT, is_sound
from onggi.errors import Invalid
from onggi.reasons import Reason

MOST_KEYS = 64


@dataclass(frozen=True, slots=True)
class TableToRemember:
    """A table by its claim.

    Attributes:
        claim: its JSON, unread and hostile.
        hidden: the numbers that its file hides.
    """

    claim: Mapping[str, Any]
    hidden: tuple[HiddenRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """A released table.

    Attributes:
        sha256: of its sets, as the ledger holds it.
        path: where they lie.
        name: of the release, for witnesses.
        claim: its JSON; None if it is not known.
        hidden: the numbers that its file hides.
    """

    sha256: str
    path: str
    name: str = ""
    claim: Mapping[str, Any] | None = None
    hidden: tuple[HiddenRow, ...] = ()


@dataclass(frozen=True, slots=True)
class DifferencingJob:
    """One run: the tables of a request against the ledger.

    Attributes:
        ledger: released tables of the same data sets, oldest first.
        keep: whether the sets are wanted, for a release.
    """

    tables: tuple[TableToRemember, ...]
    datasets: tuple[DatasetFolder, ...]
    ledger: tuple[LedgerTable, ...]
    policy: CheckPolicy
    keep: bool = False
    scratch: str = ""

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "tables": [
                {"claim": dict(one.claim), "hidden": [row.to_json() for row in one.hidden]}
                for one in self.tables
            ],
            "datasets": [asdict(one) for one in self.datasets],
            "ledger": [
                {**asdict(one), "hidden": [row.to_json() for row in one.hidden]} for one in self.ledger
            ],
            "policy": self.policy.to_json(),
            "keep": self.keep,
            "scratch": self.scratch,
        }


def job_from_json(body: Mapping[str, Any]) -> DifferencingJob:
    """Read the wire form; it comes from the runner, which is trusted."""
    return DifferencingJob(
        tables=tuple(TableToRemember(one["claim"], _hidden(one["hidden"])) for one in body["tables"]),
        datasets=tuple(DatasetFolder(**one) for one in body["datasets"]),
        ledger=tuple(LedgerTable(**{**one, "hidden": _hidden(one["hidden"])}) for one in body["ledger"]),
        policy=policy_from_json(body["policy"]),
        keep=body["keep"],
        scratch=body["scratch"],
    )


def _hidden(body: Iterable[object]) -> tuple[HiddenRow, ...]:
    return tuple(map(hidden_row_from_json, body))


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """One number of a table, as the source gives it.

    Attributes:
        key: texts of the group keys by column; a margin's key is absent.
        value: before rounding.
        persons: distinct persons who contribute to it; of several kinds of unit the fewest.
    """

    key: Mapping[str, str]
    measure: str
    kind: str
    value: str
    persons: int

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {**asdict(self), "key": dict(self.key)}


def cell_text(number: PublishedNumber) -> str:
    """A cell, its column and how many persons stand behind it."""
    cell = ", ".join(f"{name} {value}" for name, value in number.key.items())
    return f"({cell}) {number.measure} [{number.persons}]"


@dataclass(frozen=True, slots=True)
class TableAnswer:
    """What the box says of one table.

    Attributes:
        stopped: why there are no sets, or None.
        numbers: all published numbers, by place.
        rounded_to: the base to which counts are published rounded; 0 if they are not.
        sets: their bytes, if they were wanted; opaque.
        findings: what the table gives away together with the others of the request and with releases.
    """

    stopped: FindingCode | None
    numbers: tuple[PublishedNumber, ...] = ()
    rounded_to: int = 0
    sets: bytes = b""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class DifferencingAnswer:
    """What the box says: the tables in the order of the job, what it found, whether it could look at all."""

    tables: tuple[TableAnswer, ...]
    hits: tuple[Hit, ...]
    complete: bool


def hit_to_json(hit: Hit) -> dict[str, Any]:
    """The wire form."""
    return {
        "new": [hit.new.table, hit.new.place],
        "whole": [hit.whole.table, hit.whole.place],
        "parts": [[one.table, one.place] for one in hit.parts],
        "difference": hit.difference,
        "alike": hit.alike,
        "of_rows": hit.of_rows,
    }


def number_from_json(body: object) -> PublishedNumber:
    """Read a number.

    Raises:
        Invalid: if it is not one.
    """
    read = mapping(body, {"key", "measure", "kind", "value", "persons"})
    key = read["key"]
    if not isinstance(key, dict) or len(key) > MOST_KEYS:
        raise refuse("key")
    kind = text(read["kind"])
    if kind not in set(Kind):
        raise refuse("kind")
    return PublishedNumber(
        key={text(name): text(one) for name, one in key.items()},
        measure=text(read["measure"]),
        kind=kind,
        value=text(read["value"]),
        persons=whole(read["persons"]),
    )


def hit_from_json(body: object) -> Hit:
    """Read a hit; whether its places exist is for the caller to see.

    Raises:
        Invalid: if it is not one.
    """
    read = mapping(body, {"new", "whole", "parts", "difference", "alike", "of_rows"})
    if not isinstance(read["parts"], list) or not read["parts"]:
        raise refuse("hit")
    if not isinstance(read["alike"], bool) or not isinstance(read["of_rows"], bool):
        raise refuse("hit")
    return Hit(
        new=_place(read["new"]),
        whole=_place(read["whole"]),
        parts=tuple(map(_place, read["parts"])),
        difference=whole(read["difference"]),
        alike=read["alike"],
        of_rows=read["of_rows"],
    )


def _place(value: object) -> Number:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - table and place
        raise refuse("number")
    return Number(whole(value[0], -(2**31)), whole(value[1]))


def refuse(where: str) -> Invalid:
    """The answer is not one."""
    return Invalid(Reason.FIELD_INVALID, field="differencing_answer", value=where)


def mapping(body: object, names: set[str]) -> dict[str, Any]:
    """An object with exactly these keys.

    Raises:
        Invalid: if it is not one.
    """
    if not isinstance(body, dict) or set(body) != names:
        raise refuse("keys")
    return body


def text(value: object) -> str:
    """A short sound text.

    Raises:
        Invalid: if it is not one.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT or not is_sound(value):
        raise refuse("text")
    return value


def whole(value: object, least: int = 0) -> int:
    """A whole number from `least` to 2**53 - 1.

    Raises:
        Invalid: if it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**53:
        raise refuse("number")
    return value
