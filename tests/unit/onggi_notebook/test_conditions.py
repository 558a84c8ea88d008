from datetime import date, datetime
from typing import Any

import pytest

from onggi.errors import Invalid, NotFound
from onggi.manifest import Column, DataFile, Table
from onggi.notebook.conditions import Condition, conditions
from onggi.reasons import Reason
from tests.support.small_dataset import COLUMNS, TEXT

TABLE = Table(
    "things",
    0,
    tuple(Column(name, kind, TEXT) for name, kind in COLUMNS),
    (DataFile("things/bucket=000/part-0.parquet", 0, "0" * 64, 0),),
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, ()),
        ([("visits", "=", 1)], ((Condition("visits", "==", 1),),)),
        ([["visits", ">", 1.5]], ((Condition("visits", ">", 1.5),),)),
        (
            [("visits", ">", 1), ("name", "in", {"가"})],
            ((Condition("visits", ">", 1), Condition("name", "in", ("가",))),),
        ),
        (
            [[("visits", ">", 1)], [("seen", "==", True), ("born", "<=", date(2000, 1, 1))]],
            (
                (Condition("visits", ">", 1),),
                (Condition("seen", "==", True), Condition("born", "<=", date(2000, 1, 1))),
            ),
        ),
    ],
)
def test_conditions_are_alternatives_of_conjunctions(where: Any, expected: Any) -> None:
    assert conditions(where, TABLE) == expected


@pytest.mark.parametrize(
    "where",
    [
        5,
        "visits > 1",
        {"visits": 1},
        [],
        [()],
        [[]],
        [[("visits", ">", 1)], []],
        [("visits", ">")],
        [("visits", "like", 1)],
        [("visits", ">", "1")],
        [("visits", "==", True)],
        [("name", "==", 1)],
        [("name", "in", "가")],
        [("name", "in", [])],
        [("name", "in", ["가", 1])],
        [("weight", "==", float("nan"))],
        [("weight", "==", None)],
        [("seen", "==", 1)],
        [("born", "==", "2000-01-01")],
        [("born", "==", datetime(2000, 1, 1))],  # noqa: DTZ001 - as a researcher writes it
    ],
)
def test_what_cannot_be_understood_is_refused(where: Any) -> None:
    with pytest.raises(Invalid) as caught:
        conditions(where, TABLE)
    assert caught.value.params["field"] == "where"


def test_an_unknown_column_names_those_that_there_are() -> None:
    with pytest.raises(NotFound) as caught:
        conditions([("wieght", ">", 1)], TABLE)
    assert caught.value.reason is Reason.COLUMN_UNKNOWN
    assert "weight" in caught.value.params["known"]
