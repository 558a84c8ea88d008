"""Strict reader of a manifest's wire form: what is unknown, missing, mistyped or inconsistent is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from onggi.errors import Invalid
from onggi.ids import slug
from onggi.manifest import COLUMN_TYPES, MANIFEST_VERSION, Column, DataFile, Manifest, Table
from onggi.reasons import Reason
from onggi.words import LANGUAGES

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"(?P<table>[a-z][a-z0-9_]{0,62})/bucket=(?P<bucket>[0-9]{3,6})/part-[0-9]{1,6}\.parquet")
_MAX_TEXT = 20_000
_TAKEN = frozenset({"information-schema", "main", "memory", "pg-catalog", "system", "temp"})
"""What DuckDB itself calls schemas and catalogues, in which the tables of a data set could not stand."""


def manifest_from_json(body: object) -> Manifest:
    """Read the wire form.

    Raises:
        Invalid: naming the field that is wrong.
    """
    values = _object(body, "manifest", {"v", *(one.name for one in fields(Manifest))})
    if values["v"] != MANIFEST_VERSION or isinstance(values["v"], bool):
        raise _wrong("v", values["v"])
    manifest = Manifest(
        name=_name(values["name"]),
        version=_match(_VERSION, values["version"], "version"),
        titles=_languages(values["titles"], "titles"),
        description=_languages(values["description"], "description"),
        synthetic=_bool(values["synthetic"], "synthetic"),
        tier=_text(values["tier"], "tier"),
        custodian=_text(values["custodian"], "custodian"),
        licence=_text(values["licence"], "licence"),
        source=_text(values["source"], "source"),
        unit_column=_match(_IDENTIFIER, values["unit_column"], "unit_column"),
        identifier_columns=tuple(
            _match(_IDENTIFIER, one, where)
            for one, where in _each(values["identifier_columns"], "identifier_columns")
        ),
        institution_column=_optional_identifier(values["institution_column"], "institution_column"),
        buckets=_whole(values["buckets"], "buckets"),
        hash=_text(values["hash"], "hash"),
        tables=tuple(_table(one, where) for one, where in _each(values["tables"], "tables")),
    )
    _check(manifest)
    return manifest


def _name(value: object) -> str:
    name = slug(_text(value, "name"))
    if name in _TAKEN:
        raise _wrong("name", name)
    return name


def _table(body: object, where: str) -> Table:
    values = _object(body, where, {one.name for one in fields(Table)})
    return Table(
        name=_match(_IDENTIFIER, values["name"], f"{where}.name"),
        rows=_whole(values["rows"], f"{where}.rows"),
        columns=tuple(_column(one, at) for one, at in _each(values["columns"], f"{where}.columns")),
        files=tuple(_file(one, at) for one, at in _each(values["files"], f"{where}.files")),
    )


def _column(body: object, where: str) -> Column:
    values = _object(body, where, {one.name for one in fields(Column)})
    if values["type"] not in COLUMN_TYPES:
        raise _wrong(f"{where}.type", values["type"])
    return Column(
        _match(_IDENTIFIER, values["name"], f"{where}.name"),
        values["type"],
        _languages(values["description"], f"{where}.description"),
    )


def _file(body: object, where: str) -> DataFile:
    values = _object(body, where, {one.name for one in fields(DataFile)})
    return DataFile(
        _match(_PATH, values["path"], f"{where}.path"),
        _whole(values["size"], f"{where}.size"),
        _match(_SHA256, values["sha256"], f"{where}.sha256"),
        _whole(values["rows"], f"{where}.rows"),
    )


def _check(manifest: Manifest) -> None:
    """What no single field can say: names are unique, sums agree, every table has the unit."""
    if manifest.buckets < 1:
        raise _wrong("buckets", manifest.buckets)
    if not manifest.tables:
        raise _wrong("tables", "")
    if manifest.unit_column not in manifest.identifier_columns:
        raise _wrong("identifier_columns", manifest.unit_column)
    _unique([table.name for table in manifest.tables], "tables")
    for number, table in enumerate(manifest.tables):
        _check_table(manifest, table, f"tables[{number}]")
    everywhere = {column.name for table in manifest.tables for column in table.columns}
    for name in manifest.identifier_columns:
        if name not in everywhere:
            raise _wrong("identifier_columns", name)
    if manifest.institution_column is not None and manifest.institution_column not in everywhere:
        raise _wrong("institution_column", manifest.institution_column)


def _check_table(manifest: Manifest, table: Table, where: str) -> None:
    names = [column.name for column in table.columns]
    _unique(names, f"{where}.columns")
    _unique([file.path for file in table.files], f"{where}.files")
    if manifest.unit_column not in names:
        raise _wrong(f"{where}.columns", manifest.unit_column)
    if not table.files:
        raise _wrong(f"{where}.files", "")
    if sum(file.rows for file in table.files) != table.rows:
        raise _wrong(f"{where}.rows", table.rows)
    for file in table.files:
        parts = _PATH.fullmatch(file.path)
        if parts is None or parts["table"] != table.name or int(parts["bucket"]) >= manifest.buckets:
            raise _wrong(f"{where}.files", file.path)


def _wrong(field: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=field, value=str(value)[:60])


def _object(body: object, where: str, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise _wrong(where, type(body).__name__)
    for name in sorted(keys - set(body)):
        raise Invalid(Reason.FIELD_MISSING, field=name if where == "manifest" else f"{where}.{name}")
    for name in sorted(set(body) - keys, key=str):
        raise _wrong(where, name)
    return body


def _each(value: object, where: str) -> list[tuple[Any, str]]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, type(value).__name__)
    return [(one, f"{where}[{number}]") for number, one in enumerate(value)]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise _wrong(where, value)
    return value


def _match(pattern: re.Pattern[str], value: object, where: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _wrong(where, value)
    return value


def _optional_identifier(value: object, where: str) -> str | None:
    return None if value is None else _match(_IDENTIFIER, value, where)


def _bool(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, value)
    return value


def _whole(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise _wrong(where, value)
    return value


def _languages(value: object, where: str) -> dict[str, str]:
    values = _object(value, where, set(LANGUAGES))
    return {language: _text(values[language], f"{where}.{language}") for language in LANGUAGES}


def _unique(names: list[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _wrong(where, name)
