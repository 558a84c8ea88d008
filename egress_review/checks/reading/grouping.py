"""GROUP BY of the last SELECT: plain keys, and the margins of GROUPING SETS, ROLLUP and CUBE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Key, Measure
from egress_review.checks.reading.scope import only
from egress_review.checks.refusal import CheckStopped

MAX_SETS = 256
Item = Key | Measure
Set = tuple[int, ...]
_MARGINS = (exp.Rollup, exp.Cube, exp.GroupingSets)


def read_grouping(
    group: exp.Expr | None, items: Sequence[Item], term: Callable[[exp.Expr], str]
) -> tuple[Set, ...]:
    """The grouping sets, as indices of the keys among `items`.

    Args:
        term: the rewritten expression that a grouping term means.

    Raises:
        CheckStopped: the groups are not exactly the keys that are shown.
    """
    keys = [item for item in items if isinstance(item, Key)]
    every = tuple(range(len(keys)))
    if group is None:
        sets: list[Set] = [()]
    elif group.args.get("all") is True:
        only(group, "all")
        sets = [every]
    else:
        only(group, "expressions", "rollup", "cube", "grouping_sets")
        sets = _sets(_nodes(group), keys, term)
    used = {at for one in sets for at in one}
    for at in every:
        if at not in used:
            raise CheckStopped(FindingCode.COLUMN_NOT_GROUPED, column=keys[at].name)
    if len(set(sets)) != len(sets):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="GROUPING SETS × 2")
    return tuple(sets)


def _nodes(group: exp.Expr) -> list[exp.Expr]:
    """All parts of the clause; sqlglot puts a clause's margins in either of two places."""
    parts = [*group.expressions]
    for name in ("rollup", "cube", "grouping_sets"):
        value = group.args.get(name) or []
        parts += value if isinstance(value, list) else [value]
    if not all(isinstance(one, exp.Expr) for one in parts):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="GROUP BY")
    return parts


def _sets(nodes: list[exp.Expr], keys: Sequence[Key], term: Callable[[exp.Expr], str]) -> list[Set]:
    """The product of the parts: `GROUP BY a, ROLLUP (b)` groups by (a, b) and by (a)."""
    places = {key.sql: at for at, key in enumerate(keys)}

    def place(node: exp.Expr) -> int:
        sql = term(node)
        if sql not in places:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="GROUP BY ∉ SELECT")
        return places[sql]

    alternatives = [_alternatives(one, place) for one in nodes]
    found: list[Set] = []
    for chosen in product(*alternatives):
        found.append(tuple(sorted({at for one in chosen for at in one})))
        if len(found) > MAX_SETS:
            raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="grouping sets", limit=MAX_SETS)
    return found


def _alternatives(node: exp.Expr, place: Callable[[exp.Expr], int]) -> list[Set]:
    if not isinstance(node, _MARGINS):
        return [(place(node),)]
    only(node, "expressions")
    if isinstance(node, exp.GroupingSets):
        return [one for inner in node.expressions for one in _one_set(inner, place)]
    parts = [_members(one, place) for one in node.expressions]
    if len(parts) > MAX_SETS.bit_length():
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="grouping sets", limit=MAX_SETS)
    if isinstance(node, exp.Rollup):
        chosen = [parts[:length] for length in range(len(parts), -1, -1)]
    else:
        chosen = [list(some) for size in range(len(parts), -1, -1) for some in combinations(parts, size)]
    return [tuple(at for part in some for at in part) for some in chosen]


def _one_set(node: exp.Expr, place: Callable[[exp.Expr], int]) -> list[Set]:
    return _alternatives(node, place) if isinstance(node, _MARGINS) else [_members(node, place)]


def _members(node: exp.Expr, place: Callable[[exp.Expr], int]) -> Set:
    if isinstance(node, exp.Tuple):
        only(node, "expressions")
        return tuple(place(one) for one in node.expressions)
    return (place(node.unnest()),)
