"""Names from a hostile folder: what is accepted, what is refused, and how a refused one is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.errors import Invalid
from onggi.reasons import Reason
from onggi.safe_names import check_name, shown

FIT = [
    "a.csv",
    "결과/표 1.csv",
    unicodedata.normalize("NFD", "결과.csv"),
    "a b.csv",
    ".hidden",
    "…",
    "-rf",
    "가" * 85,  # 255 bytes
    "/".join(["d"] * 16),
    "👩‍🔬.png",
]
UNFIT = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "a\0b",
    "a\nb.csv",
    "a\rb",
    "a\x1b[2Jb",
    "a\x85b",
    "a\u2028b",
    "a\u202etxt.exe",
    "\u2066a",
    "a\u200fb",
    "a\u061cb",
    " a",
    "a ",
    "a/ b",
    "a\u3000",
    "caf\udce9.csv",
    "\ud800",
    "가" * 86,
    "a" * 256,
    "/".join(["d"] * 17),
]


@pytest.mark.parametrize("name", FIT)
def test_fit_names_come_back_unchanged(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_names_are_refused_and_shown_harmlessly(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_name(name)
    assert caught.value.reason is Reason.FILE_NAME_REFUSED
    text = caught.value.params["name"]
    assert text.replace("\u3000", " ").isprintable()
    text.encode("utf-8")


def test_what_misleads_is_shown_as_an_escape() -> None:
    assert shown("a\nb\u202ec\udcff가") == "a\\u000ab\\u202ec\\xff가"
    assert shown("x" * 500) == "x" * 120 + "…"


@given(st.text(st.characters(codec=None)))
def test_no_name_at_all_is_a_crash(name: str) -> None:
    try:
        accepted = check_name(name)
    except Invalid:
        return
    components = accepted.split("/")
    assert not {"", ".", ".."} & set(components)
    assert "\0" not in accepted
    accepted.encode("utf-8")
