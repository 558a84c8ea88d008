"""What model is asked for: the part of a claim that the SQL does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from onggi.errors import Invalid
from onggi.models.formula import Formula, read_formula
from onggi.reasons import Reason

_KEYS = frozenset({"kind", "formula", "time", "event", "by", "events_per_step"})
MOST_BY = 3
LEAST_EVENTS, MOST_EVENTS = 1, 1000
EVENTS_PER_STEP = 10


class ModelKind(StrEnum):
    """The models that the gate computes again."""

    COX = "cox"
    KAPLAN_MEIER = "kaplan_meier"
    LOGIT = "logit"
    OLS = "ols"
    POISSON = "poisson"

    @property
    def survival(self) -> bool:
        """Whether it is about the time to an event."""
        return self in {ModelKind.COX, ModelKind.KAPLAN_MEIER}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model over the rows of the claim's SQL.

    Attributes:
        formula: as written; "" for Kaplan-Meier.
        time, event: columns of a survival model: time at risk, and 1 for an event or 0 for the end of
            observation.
        by: Kaplan-Meier: one curve for each combination of these columns.
        events_per_step: Kaplan-Meier: events that are gathered before the curve steps down.
    """

    kind: ModelKind
    formula: str = ""
    time: str = ""
    event: str = ""
    by: tuple[str, ...] = ()
    events_per_step: int = EVENTS_PER_STEP

    def __post_init__(self) -> None:
        survival = self.kind.survival
        if survival != bool(self.time) or survival != bool(self.event):
            raise _wrong("time" if survival != bool(self.time) else "event", self.time or self.event)
        if self.kind is ModelKind.KAPLAN_MEIER:
            if self.formula or len(self.by) > MOST_BY:
                raise _wrong("formula" if self.formula else "by", self.formula or ", ".join(self.by))
        elif self.by:
            raise _wrong("by", ", ".join(self.by))
        elif bool(self.read().response) == survival:
            raise _wrong("formula", self.formula)
        if not LEAST_EVENTS <= self.events_per_step <= MOST_EVENTS:
            raise _wrong("events_per_step", self.events_per_step)

    def read(self) -> Formula:
        """The formula's parts.

        Raises:
            Invalid: if it cannot be read.
        """
        return read_formula(self.formula)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the model reads, each once."""
        own = [name for name in (self.time, self.event, *self.by) if name]
        named = self.read().columns if self.formula else ()
        return tuple(dict.fromkeys([*own, *named]))

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "kind": self.kind.value,
            "formula": self.formula,
            "time": self.time,
            "event": self.event,
            "by": list(self.by),
            "events_per_step": self.events_per_step,
        }


def spec_defaults() -> dict[str, Any]:
    """The wire form's keys that a kind of model may have no use for, as they are then."""
    return {"formula": "", "time": "", "event": "", "by": [], "events_per_step": EVENTS_PER_STEP}


def spec_from_json(body: object) -> ModelSpec:
    """Read the wire form, refusing unknown and missing keys.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if not isinstance(body, Mapping) or set(body) != _KEYS:
        raise _wrong("model", "keys")
    by = body["by"]
    if not isinstance(by, list) or not all(isinstance(one, str) and one for one in by):
        raise _wrong("by", by)
    events = body["events_per_step"]
    if not isinstance(events, int) or isinstance(events, bool):
        raise _wrong("events_per_step", events)
    texts = {name: body[name] for name in ("formula", "time", "event")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise _wrong(name, value)
    return ModelSpec(model_kind(body["kind"]), **texts, by=tuple(by), events_per_step=events)


def model_kind(value: object) -> ModelKind:
    """A kind of model by its name.

    Raises:
        Invalid: with the names that there are.
    """
    try:
        return ModelKind(str(value))
    except ValueError:
        known = ", ".join(kind.value for kind in ModelKind)
        raise _wrong("model", f"{str(value)[:20]} ({known})") from None


def _wrong(name: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=name, value=str(value)[:60])
