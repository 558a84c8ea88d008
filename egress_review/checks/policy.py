"""The policy of the checks: the profile of rules, and what a check may use of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from egress_review.checks.rules.profile import Profile, profile_from_json
from onggi.errors import Invalid
from onggi.reasons import Reason


class Engine(StrEnum):
    """Where the queries of a recomputation run; what they say is the same."""

    DUCKDB = "duckdb"
    DASK = "dask"


def _default() -> Profile:
    # Workers are handed a profile; what reads documents takes a quarter of a second to load.
    from egress_review.checks.rules.document import DEFAULT, shipped

    return shipped(DEFAULT)


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """What one check run obeys. A report carries the profile's name and version: a later reader knows which.

    Attributes:
        profile: the rules of disclosure control and their numbers.
        time_s: wall-clock seconds for one output, start of the box included.
        memory_bytes: of one worker.
        cpus: of one worker.
        max_file_bytes: larger outputs are not read by the checks.
        max_cells: rows of a table that are compared at most.
        report_cells: cells of a report at most, those with findings first.
        relative_tolerance: how far a published decimal may lie from the recomputed one.
        canonical: whether the order of rows and the last digits must be those that `onggi.table` writes: in
            another order or other digits stands a message, if somebody put it there.
        max_answer_bytes: of the worker's answer.
        engine: where the queries of a recomputation run: `duckdb`, in the worker itself, or `dask`.
        workers: processes that Dask spreads them over, each with its part of the memory.
    """

    profile: Profile = field(default_factory=_default)
    time_s: float = 60.0
    memory_bytes: int = 2 * 1024**3
    cpus: int = 1
    max_file_bytes: int = 64 * 1024**2
    max_cells: int = 100_000
    report_cells: int = 500
    relative_tolerance: float = 1e-9
    canonical: bool = True
    max_answer_bytes: int = 4 * 1024**2
    engine: Engine = Engine.DUCKDB
    workers: int = 2

    @property
    def version(self) -> str:
        """Name and version of the profile."""
        return self.profile.label

    @property
    def min_persons(self) -> int:
        """The *threshold*: units that every published number is about at least."""
        return self.profile.rules.threshold.least

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        numbers = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "profile"}
        return {"profile": self.profile.to_json(), **numbers}


def policy_from_json(body: object) -> CheckPolicy:
    """Read the wire form; every number must be there and of the right kind.

    Raises:
        Invalid: naming the field.
    """
    if not isinstance(body, Mapping):
        raise Invalid(Reason.FIELD_INVALID, field="policy", value="")
    names = {one.name for one in fields(CheckPolicy)}
    if set(body) != names:
        raise Invalid(Reason.FIELD_INVALID, field="policy", value="keys")
    if not isinstance(body["canonical"], bool):
        raise Invalid(Reason.FIELD_INVALID, field="canonical", value=str(body["canonical"])[:40])
    if body["engine"] not in set(Engine):
        raise Invalid(Reason.FIELD_INVALID, field="engine", value=str(body["engine"])[:40])
    for name in names - {"profile", "canonical", "engine"}:
        value = body[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise Invalid(Reason.FIELD_INVALID, field=name, value=str(value)[:40])
    read = {"profile": profile_from_json(body["profile"]), "engine": Engine(body["engine"])}
    return CheckPolicy(**{**body, **read})
