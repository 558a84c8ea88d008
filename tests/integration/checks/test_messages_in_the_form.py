"""The way in which another system's file writes true numbers must not change from cell to cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.outside import checked, write_folder

SQL = "SELECT w, COUNT(*) AS n, AVG(v) AS m FROM t GROUP BY w"


def verdict(tmp_path: Path, body: str) -> str:
    rows = [{"p": at, "w": "ab"[at % 2], "v": 100.0 + at % 3 / 3} for at in range(122)]
    folder = write_folder(tmp_path / "data", rows, manifest={"unit_column": "p"})
    return str(checked(folder, SQL, "sdap", f"w,n,m\n{body}".encode()).verdict)


A, B = "100.33333333333333", "100.32786885245902"


@pytest.mark.parametrize(
    "body",
    [
        f"a,61,{B}\nb,61,{A}\n",
        f"a,61.0,{B}\nb,61.0,{A}\n",
        f"a,61.00,{B}\nb,61.00,{A}\n",
        f'"a","61","{B}"\n"b","61","{A}"\n',
        f"b,61,{A}\na,61,{B}\n",
    ],
)
def test_one_way_of_writing_passes(tmp_path: Path, body: str) -> None:
    assert verdict(tmp_path, body) == "pass"


@pytest.mark.parametrize(
    "body",
    [
        f"a,61.0,{B}\nb,61,{A}\n",
        f"a,61,{B}0\nb,61,{A}\n",
        f"a,61,+{B}\nb,61,{A}\n",
        f"a,61,{B}e0\nb,61,{A}\n",
        f"a,6.1e1,{B}\nb,61,{A}\n",
        f'a,"61",{B}\nb,61,{A}\n',
        f'"a",61,{B}\nb,61,{A}\n',
        f"a,61,{B}0001234\nb,61,{A}\n",
        f"a,61,{float(B) * (1 + 1e-10)!r}\nb,61,{A}\n",
        f"a,,{B}\nb,NaN,{A}\n",
    ],
)
def test_a_way_that_changes_from_cell_to_cell_does_not_pass(tmp_path: Path, body: str) -> None:
    assert verdict(tmp_path, body) in {"review", "not_proven"}
