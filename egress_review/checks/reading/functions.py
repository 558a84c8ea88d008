"""The functions that a claim may use: deterministic, of its arguments alone, each written with its own name.

Nothing here reads a file, a setting, a clock, a sequence or the network, and none can make a text much longer
than it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from egress_review.checks.findings import FindingCode

SCALAR: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Abs: ("abs", ("this",)),
    exp.Ceil: ("ceil", ("this",)),
    exp.Coalesce: ("coalesce", ("this", "expressions")),
    exp.Concat: ("concat", ("expressions",)),
    exp.DateFromParts: ("make_date", ("year", "month", "day")),
    exp.Day: ("day", ("this",)),
    exp.DayOfWeek: ("dayofweek", ("this",)),
    exp.DayOfYear: ("dayofyear", ("this",)),
    exp.Exp: ("exp", ("this",)),
    exp.Floor: ("floor", ("this",)),
    exp.Greatest: ("greatest", ("this", "expressions")),
    exp.Hour: ("hour", ("this",)),
    exp.IsNan: ("isnan", ("this",)),
    exp.Least: ("least", ("this", "expressions")),
    exp.Left: ("left", ("this", "expression")),
    exp.Length: ("length", ("this",)),
    exp.Ln: ("ln", ("this",)),
    exp.Lower: ("lower", ("this",)),
    exp.Month: ("month", ("this",)),
    exp.Nullif: ("nullif", ("this", "expression")),
    exp.Pow: ("pow", ("this", "expression")),
    exp.Quarter: ("quarter", ("this",)),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
    exp.Right: ("right", ("this", "expression")),
    exp.Round: ("round", ("this", "decimals")),
    exp.Sign: ("sign", ("this",)),
    exp.Sqrt: ("sqrt", ("this",)),
    exp.StrPosition: ("strpos", ("this", "substr")),
    exp.Substring: ("substring", ("this", "start", "length")),
    exp.Trim: ("trim", ("this",)),
    exp.Trunc: ("trunc", ("this",)),
    exp.Upper: ("upper", ("this",)),
    exp.Week: ("week", ("this",)),
    exp.WeekOfYear: ("weekofyear", ("this",)),
    exp.Year: ("year", ("this",)),
}
QUESTIONS: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Contains: ("contains", ("this", "expression")),
    exp.IsNan: ("isnan", ("this",)),
    exp.RegexpLike: ("regexp_matches", ("this", "expression")),
    exp.StartsWith: ("starts_with", ("this", "expression")),
}
"""Functions that say yes or no: a literal in them cannot become part of the result."""
TEXTUAL = (
    exp.Concat, exp.DPipe, exp.Left, exp.Lower, exp.Replace, exp.Right, exp.Substring, exp.Trim, exp.Upper,
)  # fmt: skip
NUMERIC = (
    exp.Abs, exp.Ceil, exp.DateDiff, exp.Day, exp.DayOfWeek, exp.DayOfYear, exp.Exp, exp.Extract, exp.Floor,
    exp.Hour, exp.Length, exp.Ln, exp.Month, exp.Pow, exp.Quarter, exp.Round, exp.Sign, exp.Sqrt,
    exp.StrPosition, exp.Trunc, exp.Week, exp.WeekOfYear, exp.Year,
)  # fmt: skip
"""Whatever goes in, no text comes out."""
PARTS = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR"})
_CHANGING = frozenset({
    "current_date", "current_localtime", "current_localtimestamp", "current_timestamp", "currval",
    "gen_random_uuid", "get_current_time", "get_current_timestamp", "localtime", "localtimestamp", "nextval",
    "now", "rand", "random", "setseed", "today", "transaction_timestamp", "txid_current", "uuid", "uuidv4",
    "uuidv7",
})  # fmt: skip
_OUTSIDE = frozenset({
    "arrow_scan", "current_setting", "getenv", "getvariable", "glob", "http_get", "load_extension",
    "parquet_scan", "pragma_version", "query", "query_table", "sniff_csv", "sqlite_scan", "write_log",
})  # fmt: skip


def refusal(name: str) -> FindingCode:
    """Why a function of this name is not allowed."""
    called = name.lower()
    if called in _CHANGING:
        return FindingCode.NOT_DETERMINISTIC
    if called in _OUTSIDE or called.startswith(("read_", "duckdb_", "pragma_")):
        return FindingCode.FILE_OR_NETWORK
    return FindingCode.FUNCTION_NOT_ALLOWED


CHANGING_NODES = (
    exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp, exp.Rand,
    exp.Uuid,
)  # fmt: skip
