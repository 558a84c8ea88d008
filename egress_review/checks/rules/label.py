"""What a measure is called by its content, whatever its column is called: `mean(cost)`, `count(*)`."""

from __future__ import annotations

import re
from functools import lru_cache

from egress_review.checks.reading.query import Kind, Measure

_WORDS = {
    Kind.AVERAGE: "mean",
    Kind.STDDEV: "std",
    Kind.VARIANCE: "var",
    Kind.MINIMUM: "min",
    Kind.MAXIMUM: "max",
}
_QUALIFIED = re.compile(r'(?:"(?:[^"]|"")*"\.)?"((?:[^"]|"")*)"')


@lru_cache(maxsize=256)
def label(measure: Measure) -> str:
    """The statistic and what it is of, with plain column names."""
    if measure.parts:
        return f"{label(measure.parts[0])} / {label(measure.parts[1])}"
    word = _WORDS.get(measure.kind, measure.kind.value)
    of = _QUALIFIED.sub(lambda found: found[1].replace('""', '"'), measure.argument) or "*"
    numbers = "".join(f", {number:g}" for number in measure.parameters)
    return f"{word}({of}{numbers})"
