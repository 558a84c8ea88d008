"""A claim: what a result file says about itself, so that the gate can recompute it.

`x.csv` is accompanied by `x.csv.claim.json`. The researcher's side writes it, so the gate believes none of
it: it is the question that is asked of the source again, never evidence.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from onggi.clock import from_text
from onggi.errors import Invalid
from onggi.events import canonical_json
from onggi.ids import slug
from onggi.models.spec import ModelSpec, spec_defaults, spec_from_json
from onggi.reasons import Reason

CLAIM_SUFFIX = ".claim.json"
CLAIM_VERSION = 2
MAX_CLAIM_BYTES = 256 * 1024
_KEYS = {"v", "sql", "datasets", "parameters", "columns", "rounding", "created", "output_sha256"}
_KEYS_SINCE_2 = {"format", "wide", "suppressed", "margin", "protection", "model"}
_OPTIONAL = {"nulls"}
UNKNOWN_KEY = "key"
"""The field that a refusal names where a claim has a key that no claim has; its value is the key."""
DROPPED = "dropped"
"""Of `Claim.nulls`: rows that miss a key are in no group, as pandas groups and crosses."""
MAX_MARKS = 4
MAX_MARK = 16
"""Characters of a mark of suppression or of a margin's label."""
_PROTECTION = re.compile(r"[a-z][a-z0-9-]{0,39}|")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_NUMBER = re.compile(r"\s*[-+]?[\d.,' ]*\d[\d.,' %]*\s*")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,62}")

Scalar = None | bool | int | float | str


class Format(StrEnum):
    """The form of a table file."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


class RoundingMethod(StrEnum):
    """How counts are rounded.

    `base` gives the nearest multiple; `midpoint6` the middle of the band of six that holds the count: 0 stays
    0, 1 to 6 become 3, 7 to 12 become 9.
    """

    BASE = "base"
    MIDPOINT6 = "midpoint6"


MIDPOINT_BASE = 6


@dataclass(frozen=True, slots=True)
class Rounding:
    """How every count of a table was rounded.

    Source: midpoint 6: OpenSAFELY documentation, outputs/sdc.
    """

    method: RoundingMethod
    base: int

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {"method": self.method.value, "base": self.base}


@dataclass(frozen=True, slots=True)
class Claim:
    """The question that a table is the answer to.

    Attributes:
        sql: one SELECT in DuckDB's dialect over the views of `onggi.table_form`.
        datasets: name and version of every data set that the SQL reads, by name.
        parameters: values of the named parameters (`$name`) of the SQL.
        columns: what the SQL selects, in order; the header of a long table.
        rounding: how every count was rounded, or None.
        created: RFC 3339, the researcher's clock.
        output_sha256: SHA-256 in hex of the file's bytes as they were written.
        format: of the file.
        wide: the key column whose values are the columns of the file, or "" for a long table.
        suppressed: what stands in the place of a suppressed number; "" is an empty cell.
        margin: what stands in a key column where a margin sums over all its values.
        protection: the profile by which the researcher says the table was protected, or "".
        nulls: `DROPPED` if the table leaves out what misses any key of the query, as a condition on it would;
            or "".
        model: the model whose coefficients or steps the table holds, over the rows of the SQL; None for a
            table of the SQL's own numbers.
    """

    sql: str
    datasets: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    created: str
    output_sha256: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    rounding: Rounding | None = None
    format: Format = Format.CSV
    wide: str = ""
    suppressed: tuple[str, ...] = ()
    margin: str = ""
    protection: str = ""
    model: ModelSpec | None = None
    nulls: str = ""

    def to_json(self) -> dict[str, Any]:
        """The wire form; fractions travel as `{"float": "0.5"}`, so that it has canonical bytes."""
        return {
            "v": CLAIM_VERSION,
            "sql": self.sql,
            "datasets": [{"name": name, "version": version} for name, version in self.datasets],
            "parameters": {name: _parameter_out(value) for name, value in self.parameters.items()},
            "columns": list(self.columns),
            "rounding": None if self.rounding is None else self.rounding.to_json(),
            "format": self.format.value,
            "wide": self.wide,
            "suppressed": list(self.suppressed),
            "margin": self.margin,
            "protection": self.protection,
            "model": None if self.model is None else self.model.to_json(),
            "created": self.created,
            "output_sha256": self.output_sha256,
            **({"nulls": self.nulls} if self.nulls else {}),
        }

    def to_bytes(self) -> bytes:
        """The bytes of the claim file.

        Raises:
            Invalid: if they would be over `MAX_CLAIM_BYTES`.
        """
        body = canonical_json(self.to_json())
        if len(body) > MAX_CLAIM_BYTES:
            raise Invalid(Reason.FILE_TOO_LARGE, name=CLAIM_SUFFIX, limit=MAX_CLAIM_BYTES)
        return body


def claim_file(path: str) -> str:
    """Where the claim of the file at `path` lies."""
    return path + CLAIM_SUFFIX


def claim_from_bytes(raw: bytes) -> Claim:
    """Read a claim file.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if len(raw) > MAX_CLAIM_BYTES:
        raise Invalid(Reason.FILE_TOO_LARGE, name=CLAIM_SUFFIX, limit=MAX_CLAIM_BYTES)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="claim", value="JSON") from None
    return claim_from_json(body)


def claim_from_json(body: object) -> Claim:
    """Read the wire form of version 1 or 2, refusing unknown and missing keys.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if not isinstance(body, Mapping):
        raise _wrong("claim", "keys")
    version = body.get("v")
    if version not in {1, CLAIM_VERSION} or isinstance(version, bool):
        raise _wrong("v", version)
    given = set(body) if version == 1 else set(body) - _OPTIONAL
    if given != (_KEYS if version == 1 else _KEYS | _KEYS_SINCE_2):
        raise _wrong("claim", "keys")
    claim = Claim(
        sql=_text(body["sql"], "sql"),
        datasets=_datasets(body["datasets"]),
        parameters=_parameters(body["parameters"]),
        columns=_columns(body["columns"]),
        rounding=_base(body["rounding"]) if version == 1 else _rounding(body["rounding"]),
        created=_text(body["created"], "created"),
        output_sha256=_text(body["output_sha256"], "output_sha256"),
        **({} if version == 1 else _since_2(body)),
    )
    from_text(claim.created)
    if not _SHA256.fullmatch(claim.output_sha256):
        raise _wrong("output_sha256", claim.output_sha256)
    if claim.wide and claim.wide not in claim.columns:
        raise _wrong("wide", claim.wide)
    return claim


def claim_for_check(body: object, file: Path, datasets: Sequence[tuple[str, str]]) -> Claim:
    """The claim of a file that another system made: only `sql` must be in it.

    What is missing is filled in from the file and the data at hand: its form from its name, its SHA-256 from
    its bytes, and the data sets that the check was given. The columns stay empty: the SQL names them.

    Args:
        body: the JSON of the claim: any of the keys of a claim.
        file: the table.
        datasets: name and version of the data sets that the check was given.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if not isinstance(body, Mapping):
        raise _wrong("claim", "keys")
    if unknown := set(body) - _KEYS - _KEYS_SINCE_2 - _OPTIONAL:
        raise _wrong(UNKNOWN_KEY, min(map(str, unknown)))
    rounding = body.get("rounding")
    whole = isinstance(rounding, int) and not isinstance(rounding, bool)
    columns = body.get("columns")
    return Claim(
        sql=_text(body.get("sql"), "sql"),
        datasets=_datasets(body["datasets"]) if "datasets" in body else tuple(datasets),
        parameters=_parameters(_plain_fractions(body.get("parameters", {}))),
        columns=() if columns is None else _columns(columns),
        rounding=_base(rounding) if whole else _rounding(rounding),
        created=_text(body.get("created", "1970-01-01T00:00:00.000Z"), "created"),
        output_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        **_since_2({**_DEFAULTS, "format": _format_of(file.name), **body, "model": _model_of(body)}),
    )


_DEFAULTS: Mapping[str, object] = {
    "wide": "", "suppressed": [], "margin": "", "protection": "", "model": None,
}  # fmt: skip


def _plain_fractions(value: object) -> object:
    """Parameters in which a fraction may be written as JSON writes it."""
    if not isinstance(value, Mapping):
        return value
    return {name: _parameter_out(one) if isinstance(one, float) else one for name, one in value.items()}


def _model_of(body: Mapping[str, Any]) -> object:
    """The model of another system's claim: what does not concern its kind may be left out."""
    model = body.get("model")
    return {**spec_defaults(), **model} if isinstance(model, Mapping) else model


def _format_of(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return ending if ending in set(Format) else Format.CSV.value


def _since_2(body: Mapping[str, Any]) -> dict[str, Any]:
    if body["format"] not in set(Format):
        raise _wrong("format", body["format"])
    if not isinstance(body["wide"], str):
        raise _wrong("wide", body["wide"])
    if not isinstance(body["protection"], str) or not _PROTECTION.fullmatch(body["protection"]):
        raise _wrong("protection", body["protection"])
    nulls = body.get("nulls", "")
    if nulls not in ("", DROPPED):
        raise _wrong("nulls", nulls)
    marks = body["suppressed"]
    if not isinstance(marks, list) or len(marks) > MAX_MARKS or len(set(map(str, marks))) != len(marks):
        raise _wrong("suppressed", marks)
    return {
        "format": Format(body["format"]),
        "wide": body["wide"],
        "suppressed": tuple(_mark(one, "suppressed") for one in marks),
        "margin": _mark(body["margin"], "margin"),
        "protection": body["protection"],
        "model": None if body["model"] is None else spec_from_json(body["model"]),
        "nulls": nulls,
    }


def _mark(value: object, where: str) -> str:
    """A short text on one line that nobody takes for a number."""
    if not isinstance(value, str) or len(value) > MAX_MARK or not (value.isprintable() or not value):
        raise _wrong(where, value)
    if _NUMBER.fullmatch(value) or '"' in value:
        raise _wrong(where, value)
    return value


def _wrong(name: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=name, value=str(value)[:60])


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(where, value)
    return value


def _datasets(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise _wrong("datasets", value)
    found: list[tuple[str, str]] = []
    for one in value:
        if not isinstance(one, Mapping) or set(one) != {"name", "version"}:
            raise _wrong("datasets", one)
        name, version = _text(one["name"], "datasets.name"), _text(one["version"], "datasets.version")
        if not _VERSION.fullmatch(version):
            raise _wrong("datasets.version", version)
        found.append((slug(name), version))
    if len({name for name, _ in found}) != len(found):
        raise _wrong("datasets", "name")
    return tuple(found)


def _columns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise _wrong("columns", value)
    if len(set(value)) != len(value):
        raise _wrong("columns", value)
    return tuple(value)


def _base(value: object) -> Rounding | None:
    """Version 1 knows only a base."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong("rounding", value)
    return Rounding(RoundingMethod.BASE, value)


def _rounding(value: object) -> Rounding | None:
    if value is None or value == {"method": "none"}:
        return None
    if not isinstance(value, Mapping) or not set(value) <= {"method", "base"}:
        raise _wrong("rounding", value)
    method = value.get("method")
    if method not in set(RoundingMethod):
        raise _wrong("rounding", value)
    base = value.get("base", MIDPOINT_BASE if method == RoundingMethod.MIDPOINT6 else None)
    found = _base(base)
    if found is None or (method == RoundingMethod.MIDPOINT6 and found.base != MIDPOINT_BASE):
        raise _wrong("rounding", value)
    return Rounding(RoundingMethod(method), found.base)


def _parameters(value: object) -> dict[str, Scalar]:
    if not isinstance(value, Mapping):
        raise _wrong("parameters", value)
    found: dict[str, Scalar] = {}
    for name, one in value.items():
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise _wrong("parameters", name)
        found[name] = _parameter_in(name, one)
    return found


def _parameter_in(name: str, value: object) -> Scalar:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping) and set(value) == {"float"} and isinstance(value["float"], str):
        try:
            number = float(value["float"])
        except ValueError:
            raise _wrong(f"parameters.{name}", value["float"]) from None
        if math.isfinite(number):
            return number
    raise _wrong(f"parameters.{name}", value)


def _parameter_out(value: Scalar) -> object:
    return {"float": repr(value)} if isinstance(value, float) else value
