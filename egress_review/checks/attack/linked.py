"""The attack on the tables of a request together, and with earlier releases that show cells of theirs.

Each table alone is attacked when it is checked. Here are those that are about the same numbers: a cell that
one hides may follow from what another shows. Tables come from claims and the source, as an attacker would
have them; no submitted file is opened.

Guarantees: whatever a table of the request newly gives away, of its own or of another table, is a finding on
it; what could not be attacked in the time is `attack_over_budget`, never silently left out. What releases
give away without the request is not held against it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from egress_review.checks.attack.audit import AttackRules, Audit, Exposed, Exposure, audit
from egress_review.checks.attack.cells import Address
from egress_review.checks.attack.check import rounding_of
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import PublishedTable
from egress_review.checks.attack.of_query import (
    Place,
    adds_up,
    place_of,
    rules_of,
    shared_names,
    subject_of,
    tables_of,
)
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.evidence import Group, GroupId, group_id
from egress_review.checks.source.opening import Source
from egress_review.checks.source.recompute import Wanted, recompute
from egress_review.checks.tables.csv_form import unquote
from onggi.claim import Claim
from onggi.table_form import format_value

MOST_TABLES = 64
"""Tables about the same numbers that are attacked together."""


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
    def subjects(self) -> Mapping[str, int]:
        """What its measures are about, with the index of each."""
        return {
            subject_of(self.query, measure, self.claim.datasets): number
            for number, measure in enumerate(self.query.measures)
            if adds_up(measure, self.query)
        }

    @property
    def conceals(self) -> bool:
        """Whether something of it is not published as it is."""
        return bool(self.hidden or self.query.having_sql or self.claim.rounding)

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for tables that say the same."""
        asked = (self.claim.sql, repr(sorted(self.claim.parameters.items())), self.claim.rounding)
        return (*asked, self.claim.datasets, frozenset(self.hidden))


def attack_linked(
    request: Sequence[Linked], released: Sequence[Linked], policy: CheckPolicy, until: float
) -> list[list[Finding]]:
    """Findings by table of the request.

    Args:
        until: when the attack has to end, of `time.monotonic`.
    """
    together = list(_together(request, released))
    attack = _Attack(request, policy, until)
    for at, (subject, new, old) in enumerate(together):
        attack.on(subject, new, old, (until - time.monotonic()) / (len(together) - at))
    return attack.found


def _together(
    request: Sequence[Linked], released: Sequence[Linked]
) -> Iterator[tuple[str, list[int], list[Linked]]]:
    """What several tables are about, some of which hide something; the request's by number."""
    for subject in dict.fromkeys(subject for one in request for subject in one.subjects):
        new = [number for number, one in enumerate(request) if subject in one.subjects]
        known = {request[number].same for number in new}
        old = {one.same: one for one in released if subject in one.subjects and one.same not in known}
        tables = [*(request[number] for number in new), *old.values()]
        if len(tables) > 1 and any(one.conceals for one in tables):
            yield subject, new, list(old.values())


class _Attack:
    """Attacks what is about the same; every table is recomputed once."""

    def __init__(self, request: Sequence[Linked], policy: CheckPolicy, until: float) -> None:
        self.found: list[list[Finding]] = [[] for _ in request]
        self._request = request
        self._policy = policy
        self._until = until
        self._evidence: dict[int, _Evidence] = {}

    def on(self, subject: str, new: Sequence[int], old: Sequence[Linked], seconds: float) -> None:
        """Attack the tables about one subject."""
        tables = [*(self._request[number] for number in new), *old]
        try:
            if len(tables) > MOST_TABLES:
                raise CheckStopped(FindingCode.ATTACK_OVER_BUDGET)
            names = shared_names(one.query for one in tables)
            shown = [self._table(one, subject, names) for one in tables]
        except CheckStopped:
            self._not_proven(new, tables)
            return
        known = [one for one in shown if one is not None]
        if len(known) < len(shown):
            # A line that cannot be attacked, of averages that are rounded, say: what it hides is not proven.
            self._not_proven(new, tables)
            return
        profile = self._policy.profile
        exposed, complete = _exposed(known[: len(new)], known[len(new) :], rules_of(profile), seconds)
        for number, exposures in zip(new, exposed, strict=True):
            one = self._request[number]
            self.found[number] += attack_findings(
                Audit(tuple(exposures), _concealed(tables), complete),
                one.query.measures[one.subjects[subject]].name,
                self._recomputed(one).keys,
                narrow_blocks=profile.rules.p_percent is not None,
            )

    def _not_proven(self, new: Sequence[int], tables: Sequence[Linked]) -> None:
        for number in new:
            cells = _concealed(tables)
            self.found[number].append(finding(FindingCode.ATTACK_OVER_BUDGET, None, cells=cells))

    def _table(self, one: Linked, subject: str, names: Mapping[str, str]) -> PublishedTable | None:
        known = self._recomputed(one)
        made = tables_of(
            one.query,
            known.groups,
            known.hidden,
            self._policy.profile,
            rounding=rounding_of(one.claim),
            datasets=one.claim.datasets,
            names=names,
            name=one.name,
        )
        return next((each.table for each in made if each.table.subject == subject), None)

    def _recomputed(self, one: Linked) -> _Evidence:
        if id(one) not in self._evidence:
            if time.monotonic() > self._until:
                raise CheckStopped(FindingCode.ATTACK_OVER_BUDGET)
            profile, most = self._policy.profile, self._policy.max_cells
            wanted = Wanted(profile.counts_rows, profile.rules.institution_dominance is not None)
            groups = recompute(one.source, replace(one.query, having_sql=""), most, wanted)
            left = recompute(one.source, one.query, most, wanted) if one.query.having_sql else groups
            self._evidence[id(one)] = _Evidence(one, groups, {_id(group, one.query) for group in left})
        return self._evidence[id(one)]


class _Evidence:
    """What stands behind a table.

    Args:
        groups: all of them, those too that HAVING leaves out.
        listed: those that the file lists.
    """

    def __init__(self, one: Linked, groups: Sequence[Group], listed: set[GroupId]) -> None:
        query = one.query
        marks = {row.levels: row.measures for row in one.hidden}
        everything = range(len(query.measures))
        self.groups = groups
        self.hidden: set[Place] = {
            place_of(group, query, number)
            for group in groups
            for number in (
                marks.get(levels(group.key(query), group.grouping), ())
                if _id(group, query) in listed
                else everything
            )
        }
        self.keys = [_key(group, one) if _id(group, query) in listed else {} for group in groups]


def _id(group: Group, query: Query) -> GroupId:
    return group_id(group.key(query), group.grouping)


def _key(group: Group, one: Linked) -> Mapping[str, str]:
    """The key of a group as its file and findings show it."""
    return {
        key.name: one.claim.margin if group.grouping >> at & 1 else unquote(format_value(value))
        for at, (key, value) in enumerate(zip(one.query.keys, group.key(one.query), strict=True))
    }


def _concealed(tables: Sequence[Linked]) -> int:
    return sum(len(row.measures) for one in tables for row in one.hidden)


def _exposed(
    new: Sequence[PublishedTable], old: Sequence[PublishedTable], rules: AttackRules, seconds: float
) -> tuple[list[list[Exposure]], bool]:
    """What each new table gives away or has given away, and whether all could be looked at.

    A table answers for its own hidden cells, and for those of others that would be safe without it; where no
    table alone makes the difference, all answer.
    """
    tables = [*new, *old]
    share = seconds / (len(new) + 2)
    everything = audit(tables, rules, share)
    before = _places(audit(old, rules, share)) if any(map(_conceals, old)) else set()
    exposures = [one for one in everything.exposures if (one.how, one.address) not in before]
    if not exposures or len(new) == 1:
        return [[_seen_from(0, one) for one in exposures] for _ in new], everything.complete
    answers: list[list[Exposure]] = []
    for number in range(len(new)):
        safe = _places(audit([*tables[:number], *tables[number + 1 :]], rules, share))
        answers.append(
            [
                one
                for one in exposures
                if number in {table for table, _ in one.rows} or (one.how, one.address) not in safe
            ]
        )
    blamed = {one.address for answer in answers for one in answer}
    left = [one for one in exposures if one.address not in blamed]
    return (
        [[_seen_from(number, one) for one in (*answer, *left)] for number, answer in enumerate(answers)],
        everything.complete,
    )


def _conceals(table: PublishedTable) -> bool:
    return bool(table.suppressed.any()) or table.rounding is not None


def _places(found: Audit) -> set[tuple[Exposed, Address]]:
    return {(one.how, one.address) for one in found.exposures}


def _seen_from(number: int, one: Exposure) -> Exposure:
    """With the rows of one table only, as if it were the first."""
    return replace(one, rows=tuple((0, row) for table, row in one.rows if table == number))
