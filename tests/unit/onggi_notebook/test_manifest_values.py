import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.errors import Invalid, NotFound, Tampered
from onggi.manifest import Column, DataFile, Table, manifest_from_bytes, read_manifest, verify_files
from onggi.manifest_reader import manifest_from_json
from onggi.reasons import Reason
from tests.support.small_dataset import TEXT, small_manifest, write_small

ROWS = [(number, number, "가", 1.5, True, None) for number in range(40)]


def body() -> dict[str, Any]:
    files = (DataFile("things/bucket=000/part-0.parquet", 10, "0" * 64, 3),)
    table = Table("things", 3, (Column("person_id", "int64", TEXT),), files)
    found: dict[str, Any] = json.loads(small_manifest((table,)).canonical())
    return found


def test_bytes_read_back_and_name_the_version() -> None:
    manifest = manifest_from_json(body())
    assert manifest_from_bytes(manifest.canonical()) == manifest
    assert len(manifest.sha256()) == 64


def _set(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        inner: Any = values
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_set("v", to=2), "v"),
        (_set("v", to=True), "v"),
        (_set("more", to=1), "manifest"),
        (_set("name", to=""), "name"),
        (_set("name", to="temp"), "name"),
        (_set("name", to="pg-catalog"), "name"),
        (_set("version", to="../2"), "version"),
        (_set("titles", to={"en": "x"}), "titles.ko"),
        (_set("titles", "ko", to=" "), "titles.ko"),
        (_set("synthetic", to=1), "synthetic"),
        (_set("licence", to=None), "licence"),
        (_set("unit_column", to="Person ID"), "unit_column"),
        (_set("identifier_columns", to=[]), "identifier_columns"),
        (_set("identifier_columns", to=["person_id", "gone"]), "identifier_columns"),
        (_set("institution_column", to="gone"), "institution_column"),
        (_set("buckets", to=0), "buckets"),
        (_set("buckets", to=1.0), "buckets"),
        (_set("tables", to=[]), "tables"),
        (_set("tables", 0, "rows", to=4), "tables[0].rows"),
        (_set("tables", 0, "columns", 0, "name", to="other"), "tables[0].columns"),
        (_set("tables", 0, "columns", 0, "type", to="INT64"), "tables[0].columns[0].type"),
        (_set("tables", 0, "files", to=[]), "tables[0].files"),
        (_set("tables", 0, "files", 0, "path", to="/etc/passwd"), "tables[0].files[0].path"),
        (
            _set("tables", 0, "files", 0, "path", to="../x/bucket=000/part-0.parquet"),
            "tables[0].files[0].path",
        ),
        (_set("tables", 0, "files", 0, "path", to="other/bucket=000/part-0.parquet"), "tables[0].files"),
        (_set("tables", 0, "files", 0, "path", to="things/bucket=004/part-0.parquet"), "tables[0].files"),
        (_set("tables", 0, "files", 0, "sha256", to="F" * 64), "tables[0].files[0].sha256"),
        (_set("tables", 0, "files", 0, "size", to=-1), "tables[0].files[0].size"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], None], field: str) -> None:
    values = body()
    change(values)
    with pytest.raises(Invalid) as caught:
        manifest_from_json(values)
    if field == "name":
        assert caught.value.reason in {Reason.FIELD_INVALID, Reason.SLUG_INVALID}
    else:
        assert caught.value.params["field"] == field


@pytest.mark.parametrize("name", ["name", "hash", "tables", "licence", "source"])
def test_what_is_missing_is_named(name: str) -> None:
    values = body()
    del values[name]
    with pytest.raises(Invalid) as caught:
        manifest_from_json(values)
    assert (caught.value.reason, caught.value.params["field"]) == (Reason.FIELD_MISSING, name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(body())), json_values)
def test_any_json_in_any_field_is_read_or_refused(name: str, value: object) -> None:
    values = body() | {name: value}
    try:
        manifest_from_json(values)
    except Invalid:
        return
    assert manifest_from_json(values).canonical()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Invalid):
        manifest_from_bytes(raw)


def test_an_untouched_folder_verifies(tmp_path: Path) -> None:
    manifest = write_small(tmp_path / "1", ROWS)
    read = read_manifest(tmp_path / "1", manifest.sha256())
    assert read == manifest
    verify_files(read, tmp_path / "1")


def _flip(path: Path) -> None:
    path.chmod(0o600)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _link(path: Path) -> None:
    beside = path.parent.parent.parent.parent / "copy"
    path.rename(beside)
    path.symlink_to(beside)


def _fifo(path: Path) -> None:
    import os

    path.unlink()
    os.mkfifo(path)


def _extra(path: Path) -> None:
    path.with_name("part-1.parquet").write_bytes(path.read_bytes())


@pytest.mark.parametrize("harm", [_flip, _link, _fifo, _extra, Path.unlink])
def test_every_change_to_a_file_is_found(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    manifest = write_small(tmp_path / "1", ROWS)
    victim = tmp_path / "1" / manifest.tables[0].files[2].path
    harm(victim)
    with pytest.raises(Tampered) as caught:
        verify_files(manifest, tmp_path / "1")
    assert caught.value.reason is Reason.DATA_HASH_MISMATCH
    assert caught.value.params["file"].startswith("things/bucket=002/part-")


def test_another_manifest_than_the_registered_one_is_refused(tmp_path: Path) -> None:
    manifest = write_small(tmp_path / "1", ROWS)
    with pytest.raises(Tampered):
        read_manifest(tmp_path / "1", "0" * 64)
    with pytest.raises(NotFound) as caught:
        read_manifest(tmp_path)
    assert caught.value.reason is Reason.FILE_NOT_FOUND
    with pytest.raises(NotFound) as unknown:
        manifest.table("other")
    assert unknown.value.params["known"] == "things"
