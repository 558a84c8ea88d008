"""The rules of disclosure control for models, by persons.

Known and not checked: sets of several persons that decide a coefficient together, and neither agree in a
column nor stand next to each other in one. What two models on nearly the same persons give away is the
ledger's to find.

Source: Griffiths, Greci, Kotrotsios, Parker, Scott, Welpton, Wolters, Woods, Handbook on Statistical
Disclosure Control for Outputs (Safe Data Access Professionals, 2019), regression and survival; Ritchie
(2019), Disclosure control for regression outputs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from egress_review.checks.findings import FindingCode
from egress_review.checks.models.curves import published_curves
from egress_review.checks.models.groups import (
    ALONE,
    Codes,
    Levels,
    Matrix,
    columns_of_few,
    largest_part,
    patterns_of_few,
    persons_in,
    rests_on_one,
)
from egress_review.checks.models.isolation import isolated
from egress_review.checks.models.separation import separated
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import Finding
from onggi.models.design import INTERCEPT, Design
from onggi.models.fit import Fitted
from onggi.models.spec import ModelKind, ModelSpec
from onggi.table_form import format_value

HIGH_LEVERAGE = 0.5
LEAST_DEGREES_OF_FREEDOM = 10


def judge_model(spec: ModelSpec, fitted: Fitted, persons: Codes, least: int) -> tuple[Finding, ...]:
    """Every finding on a fitted model.

    Args:
        persons: codes of the persons of `fitted.frame`, row by row.
        least: persons that a group must have: the threshold of the policy.
    """
    if spec.kind is ModelKind.KAPLAN_MEIER:
        return tuple(_curves(spec, fitted, persons, least))
    if fitted.design is None:
        raise ValueError("a regression without a design")
    return tuple(_regression(spec, fitted, fitted.design, persons, least))


def _regression(
    spec: ModelSpec, fitted: Fitted, built: Design, persons: Codes, least: int
) -> Iterator[Finding]:
    everyone = len(np.unique(persons))
    if everyone < least:
        yield finding(FindingCode.THRESHOLD, column="", minimum=least, persons=everyone)
    free = everyone - built.matrix.shape[1]
    if free < LEAST_DEGREES_OF_FREEDOM:
        yield finding(FindingCode.MODEL_DEGREES_OF_FREEDOM, minimum=LEAST_DEGREES_OF_FREEDOM, found=free)
    few = [*columns_of_few(built.matrix, built.names, persons, least)]
    few += columns_of_few(fitted.response[:, None], [spec.event or spec.read().response], persons, least)
    few += patterns_of_few(_levels(spec, fitted, built), persons, least)
    whole = built.matrix if spec.kind is not ModelKind.COX else _with_ones(built.matrix)
    names = built.names if spec.kind is not ModelKind.COX else (INTERCEPT, *built.names)
    few += isolated(whole, names, persons, least)
    for group in few:
        yield finding(
            FindingCode.GROUP_BEHIND_TERM_SMALL, term=clip(group.name), minimum=least, persons=group.persons
        )
    yield from _outcomes(spec, fitted, built, persons, least)
    yield from _leverage(spec, whole, fitted.response, persons)
    if len(np.unique(built.matrix, axis=0)) == built.matrix.shape[1]:
        yield finding(FindingCode.MODEL_SATURATED)


def _levels(spec: ModelSpec, fitted: Fitted, built: Design) -> list[Levels]:
    """The categorical columns whose combinations matter: those that interact; all, if there are no others."""
    formula = spec.read()
    named = [[one.column for one in term if one.categorical] for term in formula.terms]
    names = dict.fromkeys(name for term in named if len(term) > 1 for name in term)
    if all(one.categorical for term in formula.terms for one in term):
        names = dict.fromkeys(built.levels)
    return [_levels_of(fitted, name, built.levels[name]) for name in names]


def _levels_of(fitted: Fitted, name: str, levels: tuple[object, ...]) -> Levels:
    place = {level: number for number, level in enumerate(levels)}
    codes = np.asarray([place[value] for value in fitted.frame[name].tolist()], dtype=np.int64)
    return Levels(name, tuple(format_value(level) for level in levels), codes)


def _outcomes(
    spec: ModelSpec, fitted: Fitted, built: Design, persons: Codes, least: int
) -> Iterator[Finding]:
    """Both outcomes, or the events, need as many persons as a published count would."""
    if spec.kind is ModelKind.OLS:
        return
    sides = [fitted.response > 0]
    if spec.kind is ModelKind.LOGIT:
        sides.append(fitted.response == 0)
    for side in sides:
        found = persons_in(persons, side)
        if found < least:
            column = spec.event or spec.read().response
            yield finding(FindingCode.THRESHOLD, column=column, minimum=least, persons=found)
    if spec.kind in {ModelKind.COX, ModelKind.POISSON}:
        yield from _events_behind_terms(fitted, built, persons, least)
    if spec.kind is ModelKind.LOGIT:
        split = separated(built.matrix, fitted.response)
        if split is None:
            yield finding(FindingCode.SEPARATION_NOT_CHECKED)
        elif split:
            yield finding(FindingCode.SEPARATION)


def _events_behind_terms(fitted: Fitted, built: Design, persons: Codes, least: int) -> Iterator[Finding]:
    events = fitted.response > 0
    few = columns_of_few(built.matrix[events], built.names, persons[events], least)
    for group in few:
        yield finding(
            FindingCode.GROUP_BEHIND_TERM_SMALL, term=clip(group.name), minimum=least, persons=group.persons
        )


def _leverage(spec: ModelSpec, whole: Matrix, response: Matrix, persons: Codes) -> Iterator[Finding]:
    most = rests_on_one(whole, persons)
    if most >= ALONE:
        yield finding(FindingCode.LEVERAGE_ONE)
        return
    if spec.kind is ModelKind.OLS:
        most = max(most, largest_part(whole, response, persons))
    if most >= HIGH_LEVERAGE:
        yield finding(FindingCode.LEVERAGE_HIGH, leverage=f"{most:.2f}", limit=HIGH_LEVERAGE)


def _with_ones(matrix: Matrix) -> Matrix:
    return np.column_stack([np.ones(len(matrix)), matrix])


def _curves(spec: ModelSpec, fitted: Fitted, persons: Codes, least: int) -> Iterator[Finding]:
    """Each step needs as many persons with an event as a published count has; so does a curve's end. And if
    most times are of one person each, they are a list of values: costs, not months.
    """
    published = list(published_curves(spec, fitted))
    steps = [step for curve in published for step in curve.steps]
    single = sum(persons_in(persons, step.here) == 1 for step in steps)
    if 2 * single > len(steps):
        yield finding(FindingCode.SURVIVAL_TIMES_SINGLE, column=spec.time, steps=single)
    for curve in published:
        cell = {name: clip(str(value)) for name, value in zip(spec.by, curve.key, strict=True)}
        for step in curve.steps:
            found = persons_in(persons, step.rows)
            if found < least:
                yield _small_step({**cell, spec.time: str(step.at)}, found, least)
        if curve.steps:
            left = persons_in(persons, curve.left)
            if 0 < left < least:
                yield _small_step({**cell, spec.time: str(curve.steps[-1].at)}, left, least)


def _small_step(cell: dict[str, str], found: int, least: int) -> Finding:
    return finding(FindingCode.SURVIVAL_STEP_SMALL, cell, minimum=least, persons=found)
