"""What is ordered of the box that protects a table, and what it answers: values and their wire form.

The box sees a claim and the granted data, no file. What it answers goes to the researcher whose session
asked, who may read those data anyway; it holds no person, no evidence and nothing of any earlier release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from egress_review.checks.findings import FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy, policy_from_json
from egress_review.checks.protect.way import Way
from egress_review.checks.report import Finding
from egress_review.checks.text import MAX_TEXT, is_sound
from onggi.errors import Invalid
from onggi.reasons import Reason

MOST_ROWS = 10_000
MOST_COLUMNS = 64


def _sound(text: str) -> str:
    if not is_sound(text):
        raise ValueError("text")
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_sound)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


@dataclass(frozen=True, slots=True)
class ProtectJob:
    """One table to protect.

    Attributes:
        claim: its JSON, unread and hostile.
        datasets: those granted.
        policy: whose profile says which numbers are sensitive.
        scratch: a writable folder.
        way: how.
        base: of rounding.
    """

    claim: Mapping[str, Any]
    datasets: tuple[DatasetFolder, ...]
    policy: CheckPolicy
    way: Way
    base: int = 5
    scratch: str = ""

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "claim": dict(self.claim),
            "datasets": [asdict(one) for one in self.datasets],
            "policy": self.policy.to_json(),
            "way": self.way.value,
            "base": self.base,
            "scratch": self.scratch,
        }


def job_from_json(body: Mapping[str, Any]) -> ProtectJob:
    """Read the wire form; it comes from the runner, which is trusted."""
    job = ProtectJob(
        claim=body["claim"],
        datasets=tuple(DatasetFolder(**one) for one in body["datasets"]),
        policy=policy_from_json(body["policy"]),
        way=Way(body["way"]),
    )
    return replace(job, base=body["base"], scratch=body["scratch"])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LossAnswer(_Strict):
    """What one measure loses; see `loss.Loss`."""

    cells: Count
    primary: Count
    secondary: Count
    hidden_share: Amount
    changed: Count
    absolute_change: Amount
    merged_levels: Count
    merged_cells: Count


class FindingAnswer(_Strict):
    """A finding, without values of the data."""

    code: Text
    params: dict[Text, Text]
    cell: dict[Text, Text] | None

    def value(self) -> Finding:
        """As the checks know it, cut to what a researcher may see.

        Raises:
            ValueError: there is no such code.
        """
        return Finding(FindingCode(self.code), self.params, self.cell).for_researcher()


class BandsAnswer(_Strict):
    """Merged bands: the column, and level → band."""

    key: Text
    levels: dict[Text, Text]


class ProtectAnswer(_Strict):
    """A protected table.

    Attributes:
        safe: whether the attack found nothing; else `findings` say what.
        columns: the header.
        rows: texts by column, None where the value is missing; empty where bands are to be merged first.
        hidden: row and column of every number that is not shown; its text is "".
        losses: by column.
    """

    safe: bool
    columns: list[Text] = Field(max_length=MOST_COLUMNS)
    rows: list[list[Text | None]] = Field(max_length=MOST_ROWS)
    hidden: list[tuple[Count, Count]] = Field(max_length=MOST_ROWS * MOST_COLUMNS, strict=False)
    losses: dict[Text, LossAnswer]
    findings: list[FindingAnswer] = Field(max_length=200)
    bands: BandsAnswer | None = None


class Stopped(_Strict):
    """Why there is no protected table."""

    stopped: FindingAnswer


def answer_from_json(raw: bytes) -> ProtectAnswer | Stopped:
    """Read the box's answer, which is hostile.

    Raises:
        Invalid: it is not one.
    """
    for kind in (ProtectAnswer, Stopped):
        try:
            said = kind.model_validate_json(raw)
            for one in said.findings if isinstance(said, ProtectAnswer) else [said.stopped]:
                one.value()
        except (ValidationError, ValueError):
            continue
        if isinstance(said, Stopped) or _fits(said):
            return said
    raise Invalid(Reason.FIELD_INVALID, field="protect_answer", value="")


def _fits(said: ProtectAnswer) -> bool:
    width = len(said.columns)
    return all(len(row) == width for row in said.rows) and all(
        row < len(said.rows) and column < width for row, column in said.hidden
    )
