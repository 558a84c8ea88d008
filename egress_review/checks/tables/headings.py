"""What a column of numbers may be called in another system's table without saying more than its query does.

An aggregate without an alias has no name of its own, and tools give it one: `mean`, `cost`, `mean(cost)`,
`cost_mean`, the row number that pandas counts columns with. These are the forms of its statistic and its
columns; any other word is the words of whoever wrote the file, and for people to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from sqlglot import exp

from egress_review.checks.reading.aggregate import is_aggregate
from egress_review.checks.reading.scope import fold

_WORDS: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Avg: ("mean", "avg", "average"),
    exp.Count: ("count", "n", "size", "nunique", "distinct", "count_distinct", "number", "freq", "frequency"),
    exp.CountIf: ("count", "n", "count_if", "number"),
    exp.Max: ("max", "maximum", "amax"),
    exp.Median: ("median", "50%"),
    exp.Min: ("min", "minimum", "amin"),
    exp.Mode: ("mode", "agg_mode"),
    exp.PercentileCont: ("quantile", "percentile", "quantile_cont"),
    exp.PercentileDisc: ("quantile", "percentile", "quantile_disc"),
    exp.Quantile: ("quantile", "percentile"),
    exp.Stddev: ("std", "sd", "stddev", "stddev_samp"),
    exp.StddevPop: ("std", "sd", "stddev", "stddev_pop"),
    exp.StddevSamp: ("std", "sd", "stddev", "stddev_samp"),
    exp.Sum: ("sum", "total"),
    exp.Variance: ("var", "variance", "var_samp"),
    exp.VariancePop: ("var", "variance", "var_pop"),
}
_RATIO = ("percent", "percentage", "proportion", "rate", "ratio", "share")
_ANY = ("value", "values")
_JOINED = ("{0}({1})", "{0}_{1}", "{1}_{0}", "{0} {1}", "{1} {0}", "{0}.{1}", "{1}.{0}")


@dataclass(frozen=True, slots=True)
class Item:
    """What the query selects in one place.

    Attributes:
        name: folded; "" if it has none.
        aggregate: whether it is a number, and no key.
        forms: what its column may be called besides.
    """

    name: str
    aggregate: bool
    forms: frozenset[str] = frozenset()

    def says(self, header: str) -> bool:
        """Whether a header is the item's own name or one of its forms, in one case of letters."""
        folded = fold(header)
        cased = header in {folded, folded.upper(), folded.capitalize(), folded.title()}
        return folded == self.name or (cased and folded in self.forms)


def items_of(nodes: Iterable[exp.Expr]) -> list[Item]:
    """The items of a SELECT, in order."""
    found = []
    for place, node in enumerate(nodes):
        bare = node.unalias()
        aggregate = is_aggregate(bare)
        forms = frozenset(_forms(bare, place)) if aggregate else frozenset()
        found.append(Item(fold(item_name(node)), aggregate, forms))
    return found


def words_of_file(labels: Sequence[str], item: Item) -> list[str]:
    """Of the labels over one column of numbers, those that the query does not give."""
    return [label for label in labels if label and not item.says(label)]


def item_name(node: exp.Expr) -> str:
    """The name that the query gives to an item, or ""."""
    if isinstance(node, exp.Alias):
        return str(node.alias)
    return str(node.name) if isinstance(node, exp.Column) else ""


def _forms(node: exp.Expr, place: int) -> Iterator[str]:
    words = {word for kind, some in _WORDS.items() for _ in node.find_all(kind) for word in some}
    if node.find(exp.Div) is not None:
        words |= set(_RATIO)
    columns = {fold(one.name) for one in node.find_all(exp.Column)}
    yield from (*words, *columns, *_ANY)
    # pandas gives a column without a name its number; what is grouped by stands before it, or is its index.
    yield from map(str, range(place + 1))
    yield fold(node.sql("duckdb"))
    yield from (f"{word}()" for word in words)
    yield from ("count_star()", "count(*)") if "count" in words else ()
    for word, column in product(words, columns):
        yield from (form.format(word, column) for form in _JOINED)
