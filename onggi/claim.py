"""A claim: what a result file says about itself, so that the gate can recompute it.

`x.csv` is accompanied by `x.csv.claim.json`. The researcher's side writes it, so the gate believes none of
it: it is the question that is asked of the source again, never evidence.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onggi.clock import from_text
from onggi.errors import Invalid
from onggi.events import canonical_json
from onggi.ids import slug
from onggi.reasons import Reason

CLAIM_SUFFIX = ".claim.json"
CLAIM_VERSION = 1
MAX_CLAIM_BYTES = 256 * 1024
_KEYS = {"v", "sql", "datasets", "parameters", "columns", "rounding", "created", "output_sha256"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,62}")

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Claim:
    """The question that a table is the answer to.

    Attributes:
        sql: one SELECT in DuckDB's dialect over the views of `onggi.table_form`.
        datasets: name and version of every data set that the SQL reads, by name.
        parameters: values of the named parameters (`$name`) of the SQL.
        columns: the header of the table.
        rounding: base that every count was rounded to, or None.
        created: RFC 3339, the researcher's clock.
        output_sha256: SHA-256 in hex of the file's bytes as they were written.
    """

    sql: str
    datasets: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    created: str
    output_sha256: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    rounding: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The wire form; fractions travel as `{"float": "0.5"}`, so that it has canonical bytes."""
        return {
            "v": CLAIM_VERSION,
            "sql": self.sql,
            "datasets": [{"name": name, "version": version} for name, version in self.datasets],
            "parameters": {name: _parameter_out(value) for name, value in self.parameters.items()},
            "columns": list(self.columns),
            "rounding": self.rounding,
            "created": self.created,
            "output_sha256": self.output_sha256,
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
    """Read the wire form, refusing unknown and missing keys.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if not isinstance(body, Mapping) or set(body) != _KEYS:
        raise _wrong("claim", "keys")
    if body["v"] != CLAIM_VERSION or isinstance(body["v"], bool):
        raise _wrong("v", body["v"])
    claim = Claim(
        sql=_text(body["sql"], "sql"),
        datasets=_datasets(body["datasets"]),
        parameters=_parameters(body["parameters"]),
        columns=_columns(body["columns"]),
        rounding=_rounding(body["rounding"]),
        created=_text(body["created"], "created"),
        output_sha256=_text(body["output_sha256"], "output_sha256"),
    )
    from_text(claim.created)
    if not _SHA256.fullmatch(claim.output_sha256):
        raise _wrong("output_sha256", claim.output_sha256)
    return claim


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


def _rounding(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong("rounding", value)
    return value


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
