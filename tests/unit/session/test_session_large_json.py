"""JSON of megabytes is read and written as the standard library would, only sooner."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.large_json import read_json, write_json

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_halves = st.text(st.sampled_from("\ud800a\\\n가"))


@given(_values)
def test_what_is_written_is_read_back_by_both(value: Any) -> None:
    written = write_json(value)
    assert json.loads(written) == read_json(written) == value


@given(_halves)
def test_halves_of_characters_become_question_marks(text: str) -> None:
    assert json.loads(write_json({"text": [text]})) == {"text": [text.replace("\ud800", "?")]}


@given(_values | _halves, st.booleans())
def test_what_the_library_writes_is_read_the_same(value: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert read_json(raw) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 1, "a": 2}', b"[NaN, Infinity]", b"1e400", b"123456789012345678901234567890", b'"\\u0000"',
     b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"[" * 300 + b"]" * 300],
)  # fmt: skip
def test_odd_json_is_read_the_same(raw: bytes) -> None:
    assert repr(read_json(raw)) == repr(json.loads(raw))


@pytest.mark.parametrize("raw", [b"", b"{", b"01", b'"\t"', b"1 2", b'"\\q"', b"\xff", b"1" * 5000, b"nul"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(raw)
