from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.desk.fields import Fields, moment_of
from onggi.errors import Invalid
from onggi.reasons import Reason


def test_texts() -> None:
    fields = Fields({"a": " x ", "b": "", "c": 1, "d": None})
    assert fields.text("a") == "x"
    assert fields.text("b", "default") == "default"
    assert fields.text("e", "default") == "default"
    for name, reason in (
        ("c", Reason.FIELD_INVALID),
        ("d", Reason.FIELD_MISSING),
        ("f", Reason.FIELD_MISSING),
    ):
        with pytest.raises(Invalid) as refused:
            fields.text(name)
        assert (refused.value.reason, refused.value.params["field"]) == (reason, name)


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), (" ", 7), ("-1", -1)])
def test_whole_numbers(value: object, number: int) -> None:
    assert Fields({"n": value}).whole("n", 7) == number


@pytest.mark.parametrize("value", [1.5, "1.5", "x", True, None, [], "9" * 5000])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(Invalid):
        Fields({"n": value}).whole("n", 7)


def test_moments() -> None:
    fields = Fields({"a": "2026-11-21T09:00:00Z", "b": "", "c": None})
    assert fields.moment("a") == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert fields.moment("b") is fields.moment("c") is fields.moment("d") is None
    local = moment_of("x", "2026-11-21")
    assert (local.year, local.month, local.day, local.hour, local.minute) == (2026, 11, 21, 0, 0)
    assert local.tzinfo is not None


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2026-13-01",
        "2026-11-21T09:00:00",
        "0001-01-01",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-09:00",
        "9999-12-31",
        5,
    ],
)
def test_what_is_no_moment(value: object) -> None:
    with pytest.raises(Invalid) as refused:
        Fields({"m": value}).moment("m")
    expected = Reason.MOMENT_INVALID if isinstance(value, str) else Reason.FIELD_INVALID
    assert (refused.value.reason, refused.value.params["value"]) == (expected, str(value))


def test_nothing_unknown() -> None:
    fields = Fields({"a": "x", "b": "y"})
    fields.text("a")
    with pytest.raises(Invalid) as refused:
        fields.done()
    assert refused.value.params["field"] == "b"
