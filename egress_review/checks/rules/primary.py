"""The primary rules: what one cell's evidence says about it, under a profile. Pure functions.

Source: Hundepool et al., Statistical Disclosure Control (2012), chapter 4; the numbers are the profile's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Kind, Measure
from egress_review.checks.rules.profile import Dominance, PPercent, Profile, Rule, Rules
from egress_review.checks.source.evidence import Cell, share

_TOTALS = frozenset({Kind.SUM, Kind.AVERAGE})
SPREADS = frozenset({Kind.STDDEV, Kind.VARIANCE})
_HELD = frozenset({Kind.MINIMUM, Kind.MAXIMUM, Kind.MODE})
"""A value of somebody's is published."""
_QUANTILES = {Kind.MEDIAN: 0.5}


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a cell breaks.

    Attributes:
        params: the rule's numbers, its source, the cell's numbers, and a proposal.
    """

    code: FindingCode
    params: dict[str, object] = field(default_factory=dict)


def judge_cell(cell: Cell, measure: Measure, profile: Profile) -> Iterator[Broken]:
    """The rules that a published number breaks; of a ratio, those that its parts break."""
    if measure.parts:
        seen: set[FindingCode] = set()
        # A ratio is published as it is: that its counts are rounded where they stand alone hides nothing.
        exact = replace(profile, rules=replace(profile.rules, rounding=None))
        for part, leaf in zip(cell.parts, measure.parts, strict=True):
            for broken in _judge(part, leaf, exact):
                if broken.code not in seen:
                    seen.add(broken.code)
                    yield broken
        return
    yield from _judge(cell, measure, profile)


def contributors(cell: Cell, profile: Profile) -> int:
    """The units that the threshold counts."""
    return cell.present if profile.zero_contributes else min(cell.contributors, cell.units)


def _judge(cell: Cell, measure: Measure, profile: Profile) -> Iterator[Broken]:
    rules = profile.rules
    yield from _threshold(cell, measure, profile)
    if measure.kind in _TOTALS or (measure.kind is Kind.COUNT and _sized(cell)):
        yield from _dominance(cell, rules)
    if measure.kind in SPREADS:
        yield from _freedom(cell, profile)
    if measure.kind in _HELD:
        yield from _ends(cell, measure, rules)
    if measure.kind in _QUANTILES or measure.kind is Kind.QUANTILE:
        yield from _quantile(cell, measure, profile)
    yield from _values(cell, measure, rules)
    yield from _institutions(cell, rules)


def _sized(cell: Cell) -> bool:
    """Whether a unit counts more than once, so that one may be most of a count."""
    return bool(cell.top) and cell.top[0] > 1


def _threshold(cell: Cell, measure: Measure, profile: Profile) -> Iterator[Broken]:
    rules = profile.rules
    found, least = contributors(cell, profile), rules.threshold.least
    if found == 0 and rules.zero_disclosive is not None:
        yield _broken(FindingCode.ZERO_DISCLOSIVE, rules.zero_disclosive, "merge")
    hidden = rules.rounding is not None and rules.rounding.form == "midpoint" and measure.kind.counts
    if found < least and not hidden:
        yield _broken(FindingCode.THRESHOLD, rules.threshold, "suppress", minimum=least, persons=found)


def _dominance(cell: Cell, rules: Rules) -> Iterator[Broken]:
    if cell.present == 0:
        return
    for rule in rules.dominance_nk:
        part = share(cell.top[: rule.n], cell.total_abs)
        # Written so that what is not a number is not below the limit either.
        if part is not None and not part < rule.k:
            yield _dominant(FindingCode.DOMINANCE_NK, rule, part)
            break
    if rules.p_percent is not None:
        yield from _p_percent(cell, rules.p_percent)


def _dominant(code: FindingCode, rule: Dominance, part: float) -> Broken:
    return _broken(code, rule, "merge", n=rule.n, k=_percent(rule.k), share=_percent(part))


def _p_percent(cell: Cell, rule: PPercent) -> Iterator[Broken]:
    """(total - largest - second) / largest < p."""
    largest = cell.top[0] if cell.top else 0.0
    if largest == 0:
        if rule.zero_breaks:
            yield _broken(FindingCode.P_PERCENT, rule, "merge", p=_percent(rule.p), rest=_percent(0.0))
        return
    rest = (cell.total_abs - sum(cell.top[:2])) / largest
    if not rest >= rule.p:
        yield _broken(FindingCode.P_PERCENT, rule, "merge", p=_percent(rule.p), rest=_percent(max(rest, 0.0)))


def _freedom(cell: Cell, profile: Profile) -> Iterator[Broken]:
    rule = profile.rules.degrees_of_freedom
    freedom = (cell.values if profile.counts_rows else min(cell.present, cell.units)) - 1
    if rule is not None and freedom < rule.least:
        yield _broken(
            FindingCode.DEGREES_OF_FREEDOM, rule, "suppress", minimum=rule.least, freedom=max(freedom, 0)
        )


def _ends(cell: Cell, measure: Measure, rules: Rules) -> Iterator[Broken]:
    rule = rules.single_unit_ends
    found = {Kind.MINIMUM: cell.units_at_minimum, Kind.MAXIMUM: cell.units_at_maximum}
    holders = found.get(measure.kind, cell.holders)
    if rule is not None and cell.minimum is not None and holders < rule.least:
        yield _broken(
            FindingCode.SINGLE_PERSON_STATISTIC, rule, "suppress", minimum=rule.least, holders=holders
        )


def _quantile(cell: Cell, measure: Measure, profile: Profile) -> Iterator[Broken]:
    rule = profile.rules.quantile_support
    if rule is None:
        return
    at = quantile_of(measure) or 0.0
    support = min(at, 1 - at) * min(cell.present, cell.units)
    if not support >= rule.least:
        yield _broken(
            FindingCode.QUANTILE_SUPPORT, rule, "suppress", minimum=rule.least, support=f"{support:g}"
        )


def quantile_of(measure: Measure) -> float | None:
    """The share of values below a quantile; None of anything else."""
    if measure.kind is Kind.QUANTILE and measure.parameters:
        return measure.parameters[0]
    return _QUANTILES.get(measure.kind)


def _values(cell: Cell, measure: Measure, rules: Rules) -> Iterator[Broken]:
    if rules.same_value is not None and cell.same_value and not measure.kind.counts:
        yield _broken(FindingCode.SAME_VALUE, rules.same_value, "suppress")
    if rules.missing_values is not None and measure.argument and cell.values < cell.rows:
        yield _broken(
            FindingCode.MISSING_VALUES, rules.missing_values, "review", missing=cell.rows - cell.values
        )
    if rules.negative_values is not None and cell.negatives and measure.kind in _TOTALS:
        yield _broken(FindingCode.NEGATIVE_VALUES, rules.negative_values, "review")


def _institutions(cell: Cell, rules: Rules) -> Iterator[Broken]:
    rule = rules.institution_dominance
    if rule is None or cell.institutions is None or cell.contributors == 0:
        return
    part = share(cell.top_institutions[: rule.n], cell.institutions_abs)
    if part is not None and not part < rule.k:
        yield _dominant(FindingCode.INSTITUTION_DOMINANCE, rule, part)


def rounded_as_asked(text: str, rules: Rules) -> bool:
    """Whether a published count, as written, has the form that the profile asks for."""
    if rules.rounding is None:
        return True
    base = rules.rounding.base
    if not text.isascii() or not text.isdigit():
        return False
    number = int(text)
    if rules.rounding.form == "nearest" or number == 0:
        return number % base == 0
    return number % base == base // 2


def _broken(code: FindingCode, rule: Rule, proposal: str, **params: object) -> Broken:
    return Broken(code, {**params, "source": rule.source, "proposal": proposal})


def _percent(part: float) -> str:
    return f"{part * 100:.4g}"


def publishes_count(measures: Sequence[Measure], wanted: Measure) -> bool:
    """Whether the count that a ratio is of stands in the same table."""
    return any(one.kind.counts and one.sql == wanted.sql for one in measures)
