"""A policy profile: which rules of disclosure control are applied, with which numbers, and whose they are.

The values alone, without the library that reads documents: every check starts a process that needs them
(`document` reads and verifies them; what it must know of a field stands beside the field).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args, get_type_hints

from annotated_types import Interval, Len, Predicate

from onggi.errors import Invalid
from onggi.reasons import Reason


def _named(pattern: str) -> Predicate:
    """Must be written as the pattern says, from end to end."""
    return Predicate(lambda text: re.fullmatch(pattern, text) is not None)


_Part = Annotated[float, Interval(gt=0, le=1)]
_EXACT = {"extra": "forbid", "strict": True}
"""How `document` reads each of them (`pydantic.ConfigDict`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that is applied. `source` says who asks for it and for its numbers."""

    __pydantic_config__ = _EXACT
    source: Annotated[str, Len(10, 300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Least(Rule):
    """At least so many; fewer break the rule."""

    least: Annotated[int, Interval(ge=2, le=10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom(Least):
    """At least so many degrees of freedom.

    Attributes:
        names_all: whether one cell that has fewer, or of which nobody is, gives its name to every cell of the
            column, as it does in ACRO. Their verdict stays that of the one.
    """

    names_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends(Rule):
    """A published minimum or maximum must be held by at least so many units."""

    least: Annotated[int, Interval(ge=2, le=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominance(Rule):
    """(n, k): the `n` largest units must make less than the part `k` of the absolute total."""

    n: Annotated[int, Interval(ge=1, le=3)]
    k: _Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PPercent(Rule):
    """p%: all but the two largest units must make at least the part `p` of the largest.

    Attributes:
        zero_breaks: whether a cell breaks the rule of which the largest value is zero. Nothing is left to
            estimate there; ACRO flags it all the same.
    """

    p: _Part
    zero_breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives(Rule):
    """Values below zero make dominance a matter of convention.

    Attributes:
        names_dominance: whether such a cell also carries the names of the rules of dominance, as it does in
            ACRO. Its verdict stays that of this rule.
    """

    names_dominance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding(Rule):
    """Published counts must be rounded: to the `nearest` multiple of a base, or to a step's `midpoint`."""

    form: Literal["nearest", "midpoint"]
    base: Annotated[int, Interval(ge=2, le=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a profile; what is absent is not applied.

    Attributes:
        threshold: units that contribute to every number.
        dominance_nk: each of them, on sums and averages, and on counts that are not one a unit.
        p_percent: likewise.
        degrees_of_freedom: contributing units less one, behind a deviation or variance.
        single_unit_ends: units that hold a published minimum or maximum.
        same_value: whether all values of a group are the same.
        zero_disclosive: whether a group of nobody says something.
        missing_values: whether values are missing behind a number.
        negative_values: whether values below zero make dominance a matter of convention.
        quantile_support: units on the thinner side of a quantile.
        percentage_without_denominator: whether a ratio stands without the count it is of.
        institution_dominance: (n, k) of the institutions that reported.
        rounding: of published counts.
    """

    __pydantic_config__ = _EXACT
    threshold: Least
    dominance_nk: Annotated[tuple[Dominance, ...], Len(0, 3)] = ()
    p_percent: PPercent | None = None
    degrees_of_freedom: Freedom | None = None
    single_unit_ends: Ends | None = None
    same_value: Rule | None = None
    zero_disclosive: Rule | None = None
    missing_values: Rule | None = None
    negative_values: Negatives | None = None
    quantile_support: Least | None = None
    percentage_without_denominator: Rule | None = None
    institution_dominance: Dominance | None = None
    rounding: Rounding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named, versioned set of rules.

    Attributes:
        name: of the profile.
        version: change one number, change the version.
        unit: whether persons are protected, or rows, as tools do that know no persons.
        zero_contributes: whether a unit whose values are all zero counts as a contributor to a sum or an
            average. Where it does, one person's value can hide among others' zeros.
        names_all_statistics: whether the threshold, zeros and dominance that one of several statistics of a
            group breaks, and degrees of freedom in any of its columns, give their names to all of its cells,
            as they do in ACRO. Their verdict stays that of the one.
        rules: those that are applied.
    """

    __pydantic_config__ = _EXACT
    name: Annotated[str, _named(r"[a-z0-9][a-z0-9-]{0,39}")]
    version: Annotated[str, _named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")]
    unit: Literal["person", "row"]
    zero_contributes: bool = False
    names_all_statistics: bool = False
    rules: Rules

    @property
    def label(self) -> str:
        """Name and version, as reports carry them."""
        return f"{self.name}/{self.version}"

    @property
    def counts_rows(self) -> bool:
        """Whether rows are the units."""
        return self.unit == "row"

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return asdict(self)


_KINDS = {name: (get_args(kind) or (kind,))[0] for name, kind in get_type_hints(Rules).items()}
"""What kind of rule stands, perhaps or several times, under each name."""


def profile_from_json(body: object) -> Profile:
    """Read the wire form of a profile that `document` verified when it was read.

    Raises:
        Invalid: if it is none.
    """
    try:
        given: Any = body
        rules: dict[str, Any] = {name: _rules(_KINDS[name], one) for name, one in given["rules"].items()}
        return Profile(**{**given, "rules": Rules(**rules)})
    except (AttributeError, KeyError, TypeError):
        raise Invalid(Reason.FIELD_INVALID, field="profile", value=str(body)[:60]) from None


def _rules(kind: Callable[..., Rule], value: Any) -> Rule | tuple[Rule, ...] | None:
    if isinstance(value, list | tuple):
        return tuple(kind(**one) for one in value)
    return None if value is None else kind(**value)
