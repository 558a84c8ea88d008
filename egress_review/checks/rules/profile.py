"""A policy profile: which rules of disclosure control are applied, with which numbers, and whose they are.

A profile is a YAML document. Every rule names its source; unknown keys, keys given twice and rules without a
number refuse. A number that is not set (`kr-template`) refuses too: no rule is applied that nobody set.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onggi.errors import Invalid
from onggi.reasons import Reason

PROFILES = ("acro-default", "opensafely", "opensafely-midpoint6", "sdap", "strict", "kr-template")
"""The shipped profiles. `kr-template` must be filled in first."""
DEFAULT = "sdap"
_MAX_CHARACTERS = 64 * 1024
_Part = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Rule(BaseModel):
    """A rule that is applied. `source` says who asks for it and for its numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    source: str = Field(min_length=10, max_length=300)


class Least(Rule):
    """At least so many; fewer break the rule."""

    least: int = Field(ge=2, le=10_000)


class Freedom(Least):
    """At least so many degrees of freedom.

    Attributes:
        names_all: whether one cell that has fewer, or of which nobody is, gives its name to every cell of the
            column, as it does in ACRO. Their verdict stays that of the one.
    """

    names_all: bool = False


class Ends(Rule):
    """A published minimum or maximum must be held by at least so many units."""

    least: int = Field(ge=2, le=20)


class Dominance(Rule):
    """(n, k): the `n` largest units must make less than the part `k` of the absolute total."""

    n: int = Field(ge=1, le=3)
    k: _Part


class PPercent(Rule):
    """p%: all but the two largest units must make at least the part `p` of the largest.

    Attributes:
        zero_breaks: whether a cell breaks the rule of which the largest value is zero. Nothing is left to
            estimate there; ACRO flags it all the same.
    """

    p: _Part
    zero_breaks: bool = False


class Negatives(Rule):
    """Values below zero make dominance a matter of convention.

    Attributes:
        names_dominance: whether such a cell also carries the names of the rules of dominance, as it does in
            ACRO. Its verdict stays that of this rule.
    """

    names_dominance: bool = False


class Rounding(Rule):
    """Published counts must be rounded: to the `nearest` multiple of a base, or to a step's `midpoint`."""

    form: Literal["nearest", "midpoint"]
    base: int = Field(ge=2, le=1000)


class Rules(BaseModel):
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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    threshold: Least
    dominance_nk: tuple[Dominance, ...] = Field(default=(), max_length=3, strict=False)
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


class Profile(BaseModel):
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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
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


def profile_from_yaml(text: str) -> Profile:
    """The profile that a document describes.

    Raises:
        Invalid: naming the key that is unknown, missing, given twice or not set.
    """
    if len(text) > _MAX_CHARACTERS:
        raise _wrong("profile", "size")
    try:
        body = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong("profile", f"{mark.line + 1}:{mark.column + 1}" if mark else "YAML") from None
    return profile_from_json(body)


def profile_from_json(body: object) -> Profile:
    """Read the wire form, or what a document holds.

    Raises:
        Invalid: naming the key.
    """
    try:
        return Profile.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(".".join(map(str, first["loc"])) or "profile", first.get("input")) from None


def profile_text(name: str) -> str:
    """The document of a shipped profile, to start one's own from.

    Raises:
        Invalid: there is none of that name.
    """
    if name not in PROFILES:
        raise _wrong("profile", name)
    return resources.files(__package__).joinpath("profiles", f"{name}.yaml").read_text("utf-8")


@cache
def shipped(name: str) -> Profile:
    """A shipped profile.

    Raises:
        Invalid: there is none of that name, or its numbers are for the operator to set.
    """
    return profile_from_yaml(profile_text(name))


def profile_at(name: str) -> Profile:
    """A shipped profile by its name, or an operator's own by the path of its YAML document.

    Raises:
        Invalid: naming the key, or `profile` if there is no such document.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        return shipped(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        raise _wrong("profile", name) from None
    return profile_from_yaml(text)


def _wrong(field: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=field, value=str(value)[:60])


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """YAML in which a key stands once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's signature
        """As the base class, but a key given twice is refused."""
        names = [child.value for child, _ in node.value if isinstance(child, yaml.ScalarNode)]
        if len(set(names)) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "keys", node.start_mark)
        return super().construct_mapping(node, deep)
