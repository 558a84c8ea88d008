"""The attack on the tables of a request together, and with earlier releases that show cells of theirs.

Each table alone is attacked when it is checked. Here are those that are about the same numbers: a cell that
one hides may follow from what another shows. Tables come from claims and the source, as an attacker would
have them; no submitted file is opened.

Guarantees: whatever a table of the request newly gives away, of its own or of another table, is a finding on
it; what could not be attacked is a finding that says why, never silently left out. What releases give away
without the request is not held against it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from egress_review.checks.attack.about import DISTINCT, About, Placed, about, adds_up, by_subject, placed
from egress_review.checks.attack.again import Again, Behind, computing
from egress_review.checks.attack.audit import AttackRules, Audit, Exposed, Exposure, audit
from egress_review.checks.attack.check import rounding_of
from egress_review.checks.attack.dimensions import Axes
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import TOTAL, PublishedTable
from egress_review.checks.attack.of_query import rules_of, tables_of
from egress_review.checks.attack.relevance import Depths, Outline, relevant
from egress_review.checks.attack.system import TooComplex
from egress_review.checks.findings import FindingCode, unproven_code
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Kind, Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.opening import Source
from egress_review.checks.tables.marks import bounds
from onggi.claim import Claim

MOST_TABLES = 512
"""Tables that are attacked together, of those that can tell of each other."""
_EXACT = 0.7
"""Of the time of an attack, for exact recovery; the rest is for intervals."""


@dataclass(frozen=True)
class Linked:
    """A table of the request, or of an earlier release.

    Attributes:
        hidden: the numbers that its file hides.
        name: of the release, for witnesses; "" for a table of the request.
    """

    claim: Claim
    query: Query
    source: Source
    hidden: tuple[HiddenRow, ...]
    name: str = ""

    @cached_property
    def about(self) -> Mapping[int, About]:
        """What its measures that add up are about, by index.

        Of how many an average is, another table may say: alone it is taken for a sum too.
        """
        return {
            number: about(self.query, measure, self.claim.datasets)
            for number, measure in enumerate(self.query.measures)
            if adds_up(measure, self.query) or (measure.kind is Kind.AVERAGE and measure.decimals is None)
        }

    @property
    def conceals(self) -> bool:
        """Whether something of it is not published as it is."""
        return bool(self.hidden or self.query.having_sql or self.claim.rounding)

    def outline(self, number: int, place: Placed) -> Outline:
        """What a measure's table shows and hides, without its numbers."""
        width = range(len(self.query.keys))
        sets = frozenset(tuple(int(at in one) for at in width) for one in self.query.grouping_sets)
        rounded = self.claim.rounding or self.query.measures[number].decimals is not None
        marked = frozenset(
            tuple(int(level is not TOTAL) for level in row.levels)
            for row in self.hidden
            if number in row.measures
        )
        return Outline(place.keys, place.slices, sets, sets if rounded or self.query.having_sql else marked)

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for tables that say the same."""
        asked = (self.claim.sql, repr(sorted(self.claim.parameters.items())), self.claim.rounding)
        return (*asked, self.claim.datasets, frozenset(self.hidden))


_Member = tuple[int, int]
"""A table, those of the request first, and the index of a measure of it."""


def attack_linked(
    request: Sequence[Linked], released: Sequence[Linked], policy: CheckPolicy, until: float
) -> list[list[Finding]]:
    """Findings by table of the request.

    Args:
        until: when the attack has to end, of `time.monotonic`.
    """
    with ExitStack() as open_:
        attack = _Attack(request, released, policy, until, open_)
        together = list(attack.together())
        for at, members in enumerate(together):
            attack.on(members, (until - time.monotonic()) / (len(together) - at))
    return attack.found


class _Attack:
    """Attacks what is about the same; every table is recomputed once."""

    def __init__(
        self,
        request: Sequence[Linked],
        released: Sequence[Linked],
        policy: CheckPolicy,
        until: float,
        open_: ExitStack,
    ) -> None:
        self.found: list[list[Finding]] = [[] for _ in request]
        known = {one.same for one in request}
        old = {one.same: one for one in released if one.same not in known}
        self._tables = [*request, *old.values()]
        self._new = len(request)
        self._policy = policy
        self._until = until
        self._open = open_
        self._sources: dict[object, Again] = {}
        self._known: dict[int, Behind] = {}
        self._dimensions: dict[object, Axes] = {}

    def together(self) -> Iterator[dict[_Member, About]]:
        """Measures of several tables that are about the same, some of which hide something."""
        by_ground: dict[tuple[object, ...], dict[_Member, About]] = {}
        shown: set[tuple[object, ...]] = set()
        for at, one in enumerate(self._tables):
            for number, each in one.about.items():
                if at >= self._new and not one.conceals:
                    # Releases that show the same numbers are one, however they call and order them.
                    if each.asked in shown:
                        continue
                    shown.add(each.asked)
                by_ground.setdefault((each.ground, each.versions), {})[at, number] = each
        for members in by_ground.values():
            if not self._matters(members):
                continue
            try:
                source = self._tables[next(iter(members))[0]].source
                found = by_subject(members, source, many=True, until=self._until)
            except CheckStopped as stopped:
                self._not_proven(members, stopped.finding.code)
                continue
            yield from filter(self._matters, found.values())

    def _matters(self, members: Iterable[_Member]) -> bool:
        tables = {at for at, _ in members}
        hides = any(self._tables[at].conceals for at in tables)
        return len(tables) > 1 and min(tables) < self._new and hides

    def on(self, members: Mapping[_Member, About], seconds: float) -> None:
        """Attack the measures with one subject."""
        until = time.monotonic() + seconds
        try:
            source = self._tables[next(iter(members))[0]].source
            found = placed(tuple(members.values()), source, self._dimensions, until)
            members, places, sets = self._relevant(members, found, until)
            if not self._matters(members):
                return
            if len(members) > MOST_TABLES:
                raise CheckStopped(FindingCode.ATTACK_TOO_MANY_TABLES)
            shown = [
                self._table(*one, place, needed)
                for one, place, needed in zip(members, places, sets, strict=True)
            ]
        except CheckStopped as stopped:
            self._not_proven(members, stopped.finding.code)
            return
        except TooComplex as error:
            self._not_proven(members, error.code)
            return
        except ValueError:
            self._not_proven(members, FindingCode.ATTACK_NOT_COVERED)
            return
        known = [one for one in shown if one is not None]
        if len(known) < len(shown):
            # A line that cannot be attacked, of averages that are rounded, say: what it hides is not proven.
            self._not_proven(members, FindingCode.ATTACK_NOT_COVERED)
            return
        profile = self._policy.profile
        owners = [at for at, _ in members]
        left = max(0.0, until - time.monotonic())
        exposed, everything = _exposed(known, owners, self._new, rules_of(profile), left)
        for place, (at, number) in enumerate(members):
            if at >= self._new:
                continue
            one = self._tables[at]
            own = tuple(_seen_from(place, each) for each in exposed.get(at, ()))
            first = place == owners.index(at)
            self.found[at] += attack_findings(
                # What is in none of a table's own cells is said once.
                replace(
                    everything,
                    exposures=tuple(each for each in own if each.rows or first),
                    sensitive=self._concealed(members),
                ),
                one.query.measures[number].name,
                self._behind(at).keys,
                narrow_blocks=profile.rules.p_percent is not None,
            )

    def _relevant(
        self, members: Mapping[_Member, About], places: Sequence[Placed], until: float
    ) -> tuple[dict[_Member, About], list[Placed], list[frozenset[Depths]]]:
        """Those that can tell something of what the others hide, where they lie, and what they tell."""
        outlines = [
            self._tables[at].outline(number, place)
            for (at, number), place in zip(members, places, strict=True)
        ]
        new = [place for place, (at, _) in enumerate(members) if at < self._new]
        additive = all(one.what[0] != DISTINCT for one in members.values())
        kept = relevant(outlines, new, additive=additive, until=until)
        listed = list(members.items())
        return dict(listed[at] for at in kept), [places[at] for at in kept], list(kept.values())

    def _concealed(self, members: Iterable[_Member]) -> int:
        """Numbers that the request hides; what releases hide is not for those to know who asked."""
        tables = [self._tables[at] for at in {at for at, _ in members} if at < self._new]
        return sum(len(row.measures) for one in tables for row in one.hidden)

    def _not_proven(self, members: Iterable[_Member], code: FindingCode) -> None:
        cells = self._concealed(members)
        for at in sorted({at for at, _ in members}):
            if at < self._new:
                self.found[at].append(finding(unproven_code(code), None, cells=cells))

    def _table(self, at: int, number: int, place: Placed, sets: frozenset[Depths]) -> PublishedTable | None:
        one = self._tables[at]
        if at >= self._new and not one.conceals and one.query.measures[number].kind.counts:
            return self._again(one).shown_counts(one.query, number, place, sets, one.name)
        known = self._behind(at)
        made = tables_of(
            one.query,
            known.groups,
            known.hidden,
            self._policy.profile,
            {number: place},
            rounding=rounding_of(one.claim),
            below=bounds(one.claim.suppressed),
            name=one.name,
        )
        return made[0].table if made else None

    def _behind(self, at: int) -> Behind:
        if at not in self._known:
            one = self._tables[at]
            self._known[at] = self._again(one).behind(one.claim, one.query, one.hidden)
        return self._known[at]

    def _again(self, one: Linked) -> Again:
        """Computes tables over the same versions again."""
        if one.claim.datasets not in self._sources:
            opened = computing(one.source, self._policy, self._until)
            self._sources[one.claim.datasets] = self._open.enter_context(opened)
        return self._sources[one.claim.datasets]


def _exposed(
    tables: Sequence[PublishedTable], owners: Sequence[int], new: int, rules: AttackRules, seconds: float
) -> tuple[dict[int, list[Exposure]], Audit]:
    """What each new output gives away or has given away, and what was found of all together.

    An output answers for its own hidden cells, and for those of others that would be safe without it; where
    none alone makes the difference, all answer.

    Args:
        owners: the output or release that each table is of; those below `new` are new.
    """
    fresh = sorted({one for one in owners if one < new})
    share = seconds / (2 if len(fresh) == 1 else len(fresh) + 2)
    most = share * _EXACT
    everything = audit(tables, rules, share, exact=most)

    def without(out: Collection[int]) -> set[tuple[Exposed, int, int]]:
        """What the others give away without some outputs."""
        kept = [number for number, owner in enumerate(owners) if owner not in out]
        rest = [tables[number] for number in kept]
        return _places(audit(rest, rules, share, exact=most), kept) if any(map(_conceals, rest)) else set()

    if not everything.exposures:
        return {owner: [] for owner in fresh}, everything
    before = without(fresh)
    exposures = [one for one in everything.exposures if not _among(one, before)]
    if not exposures or len(fresh) == 1:
        return dict.fromkeys(fresh, exposures), everything
    answers: dict[int, list[Exposure]] = {}
    for owner in fresh:
        safe = without([owner])
        answers[owner] = [
            one
            for one in exposures
            if owner in {owners[table] for table, _ in one.rows} or not _among(one, safe)
        ]
    blamed = {one.address for answer in answers.values() for one in answer}
    left = [one for one in exposures if one.address not in blamed]
    return {owner: [*answer, *left] for owner, answer in answers.items()}, everything


def _conceals(table: PublishedTable) -> bool:
    return bool(table.suppressed.any()) or table.rounding is not None


def _places(found: Audit, numbers: Sequence[int]) -> set[tuple[Exposed, int, int]]:
    """Where the exposed cells stand: tables by the numbers that they have among all."""
    return {(one.how, numbers[table], row) for one in found.exposures for table, row in one.rows}


def _among(one: Exposure, places: Collection[tuple[Exposed, int, int]]) -> bool:
    return any((one.how, *at) in places for at in one.rows)


def _seen_from(number: int, one: Exposure) -> Exposure:
    """With the rows of one table only, as if it were the first."""
    return replace(one, rows=tuple((0, row) for table, row in one.rows if table == number))
