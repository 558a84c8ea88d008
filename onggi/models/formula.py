"""The formulas of models: names of columns, what is categorical, and what interacts. Nothing else.

`y ~ age + C(sex) + age:C(sex)`; `a * b` is `a + b + a:b`. A formula of R or patsy may call any function; here
whatever is to be computed is computed in the SQL, where the gate reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from onggi.errors import Invalid
from onggi.reasons import Reason

MAX_FORMULA = 2000
MAX_TERMS = 60
MAX_FACTORS = 3
_FACTOR = re.compile(r"\s*(?:C\(\s*(?P<levels>\w+)\s*\)|(?P<number>\w+))\s*")


@dataclass(frozen=True, slots=True, order=True)
class Factor:
    """One column of the data; its levels if it is categorical, its number if not."""

    column: str
    categorical: bool = False

    def __str__(self) -> str:
        return f"C({self.column})" if self.categorical else self.column


@dataclass(frozen=True, slots=True)
class Formula:
    """A model's right side and, save for survival, its left.

    Attributes:
        response: the column that is explained, or "".
        terms: each the factors that are multiplied; an intercept is always there (a Cox model has none).
    """

    response: str
    terms: tuple[tuple[Factor, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it reads, the response first, each once."""
        named = [self.response] if self.response else []
        return tuple(dict.fromkeys([*named, *(one.column for term in self.terms for one in term)]))


def read_formula(text: str) -> Formula:
    """Read a formula.

    Raises:
        Invalid: `FIELD_INVALID`, with the part that is not understood: anything but names, `C(name)`, `+`,
            `:` and `*`; an interaction whose parts do not stand alone too; a column that is both a number and
            categorical; too much of anything.
    """
    left, tilde, right = text.partition("~")
    response = left.strip()
    if len(text) > MAX_FORMULA or not tilde or (response and not response.isidentifier()):
        raise _refuse(text)
    terms = list(dict.fromkeys(term for part in right.split("+") for term in _expanded(part)))
    if len(terms) > MAX_TERMS:
        raise _refuse(text)
    formula = Formula(response, tuple(terms))
    _require_parts(formula)
    _require_one_kind(formula)
    return formula


def _expanded(part: str) -> Iterator[tuple[Factor, ...]]:
    """The terms that one summand stands for."""
    if part.strip() == "1":
        return
    products = [_product(one) for one in part.split("*")]
    if len(products) > 1 and any(len(one) != 1 for one in products):
        raise _refuse(part)  # `a:b * c`: write it out
    factors = [one for product in products for one in product]
    if len(set(factors)) != len(factors) or len(factors) > MAX_FACTORS:
        raise _refuse(part)
    if len(products) == 1:
        yield tuple(factors)
        return
    for size in range(1, len(factors) + 1):
        yield from combinations(factors, size)


def _product(text: str) -> tuple[Factor, ...]:
    return tuple(_factor(one) for one in text.split(":"))


def _factor(text: str) -> Factor:
    found = _FACTOR.fullmatch(text)
    if found is None:
        raise _refuse(text)
    name = found["levels"] or found["number"]
    if not name.isidentifier():
        raise _refuse(text)
    return Factor(name, found["levels"] is not None)


def _require_parts(formula: Formula) -> None:
    """An interaction without its parts means one thing in one program and another in the next."""
    have = {frozenset(term) for term in formula.terms}
    for term in formula.terms:
        for size in range(1, len(term)):
            for part in combinations(term, size):
                if frozenset(part) not in have:
                    raise _refuse(":".join(map(str, part)))


def _require_one_kind(formula: Formula) -> None:
    kinds = {(one.column, one.categorical) for term in formula.terms for one in term}
    names = [name for name, _ in kinds]
    twice = {name for name in names if names.count(name) > 1}
    if twice or formula.response in names:
        raise _refuse(min(twice, default=formula.response))


def _refuse(part: str) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field="formula", value=part.strip()[:60])
