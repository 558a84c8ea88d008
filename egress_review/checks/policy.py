"""The policy of the checks: thresholds of disclosure control, and what a check may use of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from onggi.errors import Invalid
from onggi.reasons import Reason


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """The rules that one check run obeys. A report carries the version, so a later reader knows which.

    Attributes:
        version: names this set of numbers; change one number, change the version.
        min_persons: the *threshold*: persons that a published cell must count at least.
        time_s: wall-clock seconds for one output, start of the box included.
        memory_bytes: of one worker.
        max_file_bytes: larger outputs are not read by the checks.
        max_cells: rows of a table that are compared at most.
        relative_tolerance: how far a published decimal may lie from the recomputed one.
        max_answer_bytes: of the worker's answer.

    Source: 10 as threshold: Data without Boundaries, guidelines for output checking; ACRO's default.
    """

    version: str = "first-form-2"
    min_persons: int = 10
    time_s: float = 60.0
    memory_bytes: int = 2 * 1024**3
    max_file_bytes: int = 64 * 1024**2
    max_cells: int = 100_000
    relative_tolerance: float = 1e-9
    max_answer_bytes: int = 4 * 1024**2

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return asdict(self)


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
    for name in names - {"version"}:
        value = body[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise Invalid(Reason.FIELD_INVALID, field=name, value=str(value)[:40])
    if not isinstance(body["version"], str) or not body["version"]:
        raise Invalid(Reason.FIELD_INVALID, field="version", value="")
    return CheckPolicy(**body)
