"""The rows behind each step of a survival curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onggi.models.fit import Fitted, curves
from onggi.models.spec import ModelSpec

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Step:
    """A step down.

    Attributes:
        at: its time, as published.
        rows: with an event since the last step.
        here: whose own time is the published one.
    """

    at: float
    rows: Chosen
    here: Chosen


@dataclass(frozen=True, slots=True)
class Curve:
    """A published curve.

    Attributes:
        key: values of the columns that it is by.
        rows: all that it is about.
        steps: in order.
        left: rows that are under observation after the last step.
    """

    key: tuple[Any, ...]
    rows: Chosen
    steps: tuple[Step, ...]
    left: Chosen


def published_curves(spec: ModelSpec, fitted: Fitted) -> Iterator[Curve]:
    """The curves of a Kaplan-Meier table, in order."""
    times = fitted.frame[spec.time].to_numpy(dtype=np.float64)
    for key, chosen in curves(spec, fitted.frame):
        steps: list[Step] = []
        since = -np.inf
        for at in (row[len(key)] for row in fitted.rows if row[: len(key)] == key):
            until = at + _slack(at)
            rows = chosen & (times <= until) & (times > since) & (fitted.response > 0)
            steps.append(Step(at, rows, chosen & (np.abs(times - at) <= _slack(at))))
            since = until
        yield Curve(key, chosen, tuple(steps), chosen & (times > since))


def _slack(at: float) -> float:
    """Half of the last digit that a published time has."""
    return abs(at) * 5e-6
