import io
import json
import pickle
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.tables.sniff import sniff
from onggi.file_forms import xlsx_bytes


def picture(kind: str, **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(written, kind, **options)
    return written.getvalue()


def zipped() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("x", "x")
    return written.getvalue()


def codes(name: str, raw: bytes) -> set[Code]:
    return {one.code for one in sniff(name, raw).findings}


PNG, JPEG = picture("PNG"), picture("JPEG")


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("a.csv", b"a,b\n1,2\n", set()),
        ("a.CSV", b"a,b\n1,2\n", set()),
        ("a.txt", b"We found nothing.\n", {Code.NO_PROOF_FOR_TYPE}),
        ("a.txt", "결과가 없습니다.\n".encode(), {Code.NO_PROOF_FOR_TYPE}),
        ("a.png", PNG, {Code.NO_PROOF_FOR_TYPE}),
        ("a.jpg", JPEG, {Code.NO_PROOF_FOR_TYPE}),
        ("a.JPEG", JPEG, {Code.NO_PROOF_FOR_TYPE}),
        ("a.csv", b"", {Code.EMPTY_FILE}),
        ("a.csv", PNG, {Code.NO_PROOF_FOR_TYPE, Code.EXTENSION_MISMATCH}),
        ("a.html", b"words\n", {Code.NO_PROOF_FOR_TYPE, Code.EXTENSION_MISMATCH}),
        ("a", b"words\n", {Code.NO_PROOF_FOR_TYPE, Code.EXTENSION_MISMATCH}),
        ("a.csv", b"a,b\n1,\x00\n", {Code.BINARY_IN_TEXT}),
        ("a.csv", b"a,b\n1,\x1b[31m\n", {Code.BINARY_IN_TEXT}),
        ("a.csv", "가,나\n1,2\n".encode("cp949"), {Code.NOT_UTF8}),
        ("a.csv", "a,b\n".encode("utf-16"), {Code.NOT_UTF8}),
        ("a.csv", "a\u200b,b\n1,2\n".encode(), {Code.HIDDEN_CHARACTERS}),
        ("a.txt", "a\u202eb\n".encode(), {Code.HIDDEN_CHARACTERS, Code.NO_PROOF_FOR_TYPE}),
        ("a.txt", "a\U000e0041b\n".encode(), {Code.HIDDEN_CHARACTERS, Code.NO_PROOF_FOR_TYPE}),
    ],
)
def test_the_content_says_what_a_file_is(name: str, raw: bytes, expected: set[Code]) -> None:
    assert codes(name, raw) == expected


@pytest.mark.parametrize(
    ("raw", "file_type"),
    [
        (zipped(), "zip"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "hdf5"),
        (b"%PDF-1.7\n", "pdf"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"<!doctype html><p>x", "html"),
        (b"\xef\xbb\xbf  <svg xmlns='x'/>", "svg"),
        (b"<?xml version='1.0'?><x/>", "xml"),
        (json.dumps({"nbformat": 4, "cells": []}).encode(), "notebook"),
        (b'{"a": 1}', "json"),
        (b"[" * 100_000, "json"),
        (b"\x00\x01\x02\xff" * 20, "binary"),
        (picture("GIF"), "gif"),
    ],
)
@pytest.mark.parametrize("name", ["table.csv", "words.txt", "figure.png"])
def test_whatever_is_not_allowed_is_blocked_under_any_name(name: str, raw: bytes, file_type: str) -> None:
    sniffed = sniff(name, raw)
    assert {one.code for one in sniffed.findings} == {Code.TYPE_NOT_ALLOWED}
    if file_type != "binary":
        assert sniffed.file_type == file_type


@pytest.mark.parametrize(
    ("raw", "file_type"),
    [(b"PAR1" + bytes(64) + b"PAR1", "parquet"), (xlsx_bytes(["n"], [(1,)]), "xlsx")],
)
def test_tables_that_are_no_text_go_on_under_their_own_name(raw: bytes, file_type: str) -> None:
    assert sniff(f"table.{file_type}", raw).findings == ()
    for name in ("table.csv", "words.txt", "figure.png"):
        assert {one.code for one in sniff(name, raw).findings} == {Code.EXTENSION_MISMATCH}


def with_text() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "patient 12 has …")
    return picture("PNG", pnginfo=info)


def software_only() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Matplotlib version3.10")
    return picture("PNG", pnginfo=info)


@pytest.mark.parametrize(
    "raw",
    [
        PNG + b"patient 12",
        PNG + zipped(),
        PNG[:-4],
        PNG[:40] + b"X" + PNG[41:],
        with_text(),
        JPEG + b"patient 12",
        JPEG[:-2],
        picture("JPEG", comment=b"patient 12"),
        picture("JPEG", exif=b"Exif\x00\x00" + b"patient 12"),
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_a_picture_carries_nothing_but_a_picture(raw: bytes) -> None:
    assert Code.HIDDEN_DATA in codes("a.png", raw)


def test_what_a_plotting_library_writes_of_itself_is_let_pass() -> None:
    assert codes("a.png", software_only()) == {Code.NO_PROOF_FOR_TYPE}


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.txt", "a.png", "a.bin"]))
def test_any_bytes_get_an_answer(raw: bytes, name: str) -> None:
    sniffed = sniff(name, raw)
    assert sniffed.findings or (sniffed.file_type == "csv" and sniffed.text is not None)


@given(st.binary(max_size=60))
def test_a_picture_with_any_tail_gets_an_answer(tail: bytes) -> None:
    assert codes("a.png", PNG[:33] + tail)
    assert codes("a.jpg", JPEG[:20] + tail)
