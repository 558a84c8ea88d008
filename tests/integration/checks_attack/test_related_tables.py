"""Tables about the same with other filters, other bands and other counts: what they tell together."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.checks.differencing.job import (
    DifferencingJob,
    TableToRemember,
    job_from_json,
)
from egress_review.checks.differencing.worker import answer
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.policy import CheckPolicy
from tests.support.check_tables import Source, small_source

# Of each age from 20 to 59, 20 women and 30 men; of 40 to 44 only 3 women, all of 41. Two visits each.
PERSON = """
SELECT row_number() OVER () AS person_id, age, sex, chr((65 + (age % 3))::INT) || (age % 2) AS code,
       make_date(1960 + age % 5, 1 + age % 12, 1) AS seen
FROM (SELECT 20 + i // 50 AS age, CASE WHEN i % 50 < 20 THEN 'F' ELSE 'M' END AS sex FROM range(2000) t(i))
WHERE NOT (sex = 'F' AND age BETWEEN 40 AND 44)
UNION ALL SELECT 100000 + i, 41, 'F', 'X9', DATE '1977-05-01' FROM range(3) t(i)
"""
VISIT = "SELECT person_id, i AS number, person_id * 1.0 + i AS cost FROM person, range(2) t(i)"
FIVES, TENS = "age // 5 * 5", "age // 10 * 10"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, age BIGINT, sex VARCHAR, code VARCHAR, seen DATE"
    visits = VISIT.replace("person,", f"({PERSON}) AS person,")
    return small_source(
        tmp_path_factory.mktemp("data") / "small",
        {
            "person": (columns, PERSON),
            "visit": ("person_id BIGINT, number BIGINT, cost DOUBLE", visits),
        },
    )


def counted(
    keys: str, where: str = "", measure: str = "count(DISTINCT person_id)", of: str = "person"
) -> str:
    names = ", ".join(f"k{at}" for at in range(len(keys.split(";"))))
    shown = ", ".join(f"{key} AS k{at}" for at, key in enumerate(keys.split(";")))
    return f"SELECT {shown}, {measure} AS n FROM {of}{where and f' WHERE {where}'} GROUP BY {names}"


def codes(source: Source, folder: Path, *tables: tuple[str, tuple[HiddenRow, ...]]) -> list[set[Code]]:
    asked = DifferencingJob(
        tuple(TableToRemember(source.table(sql).claim, hidden) for sql, hidden in tables),
        (source.granted,),
        (),
        CheckPolicy(),
        scratch=str(folder),
    )
    said = answer(job_from_json(asked.to_json()))
    return [{one.code for one in table.findings} for table in said.tables]


def hide(*rows: str) -> tuple[HiddenRow, ...]:
    return tuple(HiddenRow(tuple(row.split(",")), (0,)) for row in rows)


BAND_OF_WOMEN = (counted(f"{FIVES}; sex"), hide("40,F", "40,M", "35,F", "35,M"))
"""The three women are protected by a rectangle, as long as nothing else is known."""


@pytest.mark.parametrize(
    "other",
    [
        counted(FIVES, "sex = 'F'"),  # a slice
        counted(FIVES, "sex = 'F' AND age >= 30"),  # narrower
        counted(f"{FIVES}; seen", "sex = 'F' AND age < 45"),  # one key more
        counted("age", "sex = 'F' AND age >= 40 AND age < 45"),  # the band is a filter here
        counted("sex", "age BETWEEN 40 AND 44"),
        counted(FIVES, "sex = 'M'"),  # the complement; the band is known
        counted("CASE WHEN age < 40 THEN 'a' WHEN age < 45 THEN 'b' ELSE 'c' END; sex"),
        counted(f"{FIVES}; sex", measure="count(*)"),  # one row a person
        f"SELECT {FIVES} AS k0, count(*) FILTER (WHERE sex = 'F') AS n FROM person GROUP BY k0",
        (
            f"SELECT {FIVES} AS k0, count(DISTINCT CASE WHEN sex = 'F' THEN person_id END) AS n "
            "FROM person p GROUP BY k0"
        ),
        f"SELECT {FIVES} AS k0, sum(CASE WHEN sex = 'F' THEN 1 END) AS n FROM small.person AS p GROUP BY k0",
    ],
)
def test_what_a_related_table_shows_is_not_hidden(source: Source, tmp_path: Path, other: str) -> None:
    tables = [BAND_OF_WOMEN, (other, ()), (counted(FIVES), ())]
    assert all(Code.CELL_RECOVERABLE in one for one in codes(source, tmp_path, *tables)[:2])
    assert codes(source, tmp_path, tables[0], tables[2]) == [set(), set()]


def test_bands_of_five_and_ten_years_add_up(source: Source, tmp_path: Path) -> None:
    fives = (counted(FIVES, "sex = 'F'"), hide("40"))
    tens = (counted(TENS, "sex = 'F'"), ())
    assert codes(source, tmp_path, fives, tens) == [{Code.CELL_RECOVERABLE}] * 2
    safe = (fives[0], hide("40", "45"))
    assert codes(source, tmp_path, safe, tens) == [set(), set()]


def test_bands_that_cross_tell_together_what_no_two_of_them_do(source: Source, tmp_path: Path) -> None:
    """Younger than 40 and 35 to 44 say, with what is younger than 35, how many are 35 to 39 and 40 to 44."""
    bands = "CASE WHEN age BETWEEN 35 AND 39 THEN 'b' WHEN age BETWEEN 40 AND 44 THEN 'c' ELSE 'rest' END"
    hidden = (counted(bands, "sex = 'F'"), hide("b", "c"))
    finer = (
        "CASE WHEN age < 25 THEN 1 WHEN age < 30 THEN 2 WHEN age < 35 THEN 3 WHEN age < 45 THEN 4 ELSE 5 END"
    )
    at_40 = "CASE WHEN age < 27 THEN 1 WHEN age < 40 THEN 2 ELSE 3 END"
    one, other = (counted(finer, "sex = 'F'"), hide("5")), (counted(at_40, "sex = 'F'"), hide("3"))
    assert codes(source, tmp_path, hidden, one) == [set(), set()]
    assert codes(source, tmp_path, hidden, other) == [set(), set()]
    assert codes(source, tmp_path, hidden, one, other) == [{Code.CELL_RECOVERABLE}] * 3


def test_two_slices_and_the_whole(source: Source, tmp_path: Path) -> None:
    """Three tables that no two of them give away: all, minus the men, is the women."""
    women, men, everyone = (
        (counted(FIVES, "sex = 'F'"), hide("40")),
        (counted(FIVES, "sex = 'M'"), ()),
        (counted(FIVES), ()),
    )
    said = codes(source, tmp_path, women, men, everyone)
    assert said[0] == {Code.CELL_RECOVERABLE}
    assert codes(source, tmp_path, women, men) == [set(), set()]
    assert codes(source, tmp_path, women, everyone) == [set(), set()]


def test_a_code_and_its_first_letter(source: Source, tmp_path: Path) -> None:
    fine = (counted("code", "age BETWEEN 38 AND 44"), hide("X9"))
    letters = (counted("substr(code, 1, 1)", "age BETWEEN 38 AND 44"), ())
    assert codes(source, tmp_path, fine, letters)[0] == {Code.CELL_RECOVERABLE}


def test_year_and_month_of_a_date(source: Source, tmp_path: Path) -> None:
    months = (counted("date_trunc('month', seen)"), hide("1977-05-01T00:00:00"))
    years = (counted("year(seen)"), ())
    assert codes(source, tmp_path, months, years)[0] == {Code.CELL_RECOVERABLE}


def test_visits_are_no_persons(source: Source, tmp_path: Path) -> None:
    """Each person has two visits: rows and persons are not held against each other."""
    hidden = (counted("number; sex", of="visit JOIN person USING (person_id)"), hide("0,F", "1,F"))
    rows = (counted("number; sex", measure="count(*)", of="visit JOIN person USING (person_id)"), ())
    assert codes(source, tmp_path, hidden, rows) == [set(), set()]


def test_a_filter_on_visits_does_not_cut_persons(source: Source, tmp_path: Path) -> None:
    """Who has a visit 0 has a visit 1 too: all minus those of visit 0 are not those of visit 1."""
    of = "visit JOIN person USING (person_id)"
    first = (counted("sex", "number = 0", of=of), ())
    second = (counted("sex", "number = 1", of=of), hide("F"))
    everyone = (counted("sex", of=of), ())
    assert codes(source, tmp_path, first, second, everyone) == [set(), set(), set()]


def test_sums_of_a_slice(source: Source, tmp_path: Path) -> None:
    of = "visit JOIN person USING (person_id)"
    whole = (counted(f"{FIVES}; sex", measure="sum(cost)", of=of), hide("40,F", "40,M", "35,F", "35,M"))
    men = (counted(FIVES, "sex = 'M'", "sum(cost)", of), ())
    both = (counted(FIVES, measure="sum(CASE WHEN age > 0 THEN cost ELSE 0 END)", of=of), ())
    assert Code.CELL_RECOVERABLE in codes(source, tmp_path, whole, men, both)[0]
    assert Code.CELL_RECOVERABLE not in codes(source, tmp_path, whole, both)[0]
