"""Who stands behind a model, and what two models, or a model and a table, give away together."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from functools import partial

import pytest

from egress_review.checks.differencing.amounts import Vector
from egress_review.checks.differencing.hits import Hit
from egress_review.checks.differencing.model_sets import remember_model
from egress_review.checks.differencing.person_sets import Remembered, remember
from egress_review.checks.differencing.search import Found, search
from egress_review.checks.differencing.sets import from_bytes, to_bytes
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.source.opening import open_source
from onggi.claim import Claim, claim_from_json
from onggi.models.spec import ModelKind, ModelSpec
from tests.support.check_tables import CREATED, Source, small_source

PEOPLE = """
SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex, 20 + n * 7 % 60 AS age,
       CASE WHEN n < 4 THEN NULL ELSE (n * 7919 % 1000) / 8 END AS cost,
       n * 31 % 97 AS days, n * 13 % 3 // 2 AS died
FROM range(300) AS r(n)
"""
VISITS = """
SELECT n % 50 AS person_id, 1 + n // 50 AS month, 10 + n * 7 % 31 AS stay FROM range(200) AS r(n)
UNION ALL SELECT 5, 1, 7
"""
K = 10
OLS = ModelSpec(ModelKind.OLS, "cost ~ age + C(sex)")
LOGIT = ModelSpec(ModelKind.LOGIT, "died ~ age")
COX = ModelSpec(ModelKind.COX, "~ age", time="days", event="died")
KM = ModelSpec(ModelKind.KAPLAN_MEIER, time="days", event="died", by=("sex",))
ALL = "SELECT sex, age, cost, days, died FROM small.person"
THREE_LESS = f"{ALL} WHERE age > 20 OR days < 60"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, sex VARCHAR, age BIGINT, cost DOUBLE, days BIGINT, died BIGINT"
    visits = ("person_id BIGINT, month BIGINT, stay BIGINT", VISITS)
    folder = tmp_path_factory.mktemp("data") / "small"
    return small_source(folder, {"person": (columns, PEOPLE), "visit": visits})


Question = tuple[str, ModelSpec | None]


def made(source: Source, question: Question, wanted: Collection[int] = ()) -> Remembered:
    sql, spec = question
    catalogue = Catalogue([source.manifest])
    with open_source([(source.manifest, source.folder)], source.folder.parent, 2**30).connect() as database:
        if spec is None:
            query = read_query(claim_from_json(source.table(sql).claim), catalogue)
            return remember(database, query, 1000, vectors=wanted)
        columns = ("term",)
        claim = Claim(sql, (("small", "1"),), columns, CREATED, hashlib.sha256(b"").hexdigest(), {})
        return remember_model(database, claim, spec, catalogue, wanted)


def compared(source: Source, new: Question, *old: Question) -> Found:
    def again(table: int, wanted: Collection[int]) -> Mapping[int, Vector]:
        return made(source, new if table < 0 else old[table], wanted).vectors

    loads = [partial(lambda one: from_bytes(to_bytes(made(source, one).sets)), one) for one in old]
    return search([made(source, new).sets], loads, K, math.inf, (), again)


def hits_of(source: Source, new: Question, *old: Question) -> list[Hit]:
    said = compared(source, new, *old)
    assert said.complete
    return list(said.hits)


def test_the_sample_is_the_complete_cases(source: Source) -> None:
    (number,) = made(source, ("SELECT cost, age, sex FROM small.person", OLS)).numbers
    assert (number.measure, number.value, number.persons) == ("_observations", "296", 296)


@pytest.mark.parametrize("spec", [LOGIT, COX])
def test_events_are_remembered(source: Source, spec: ModelSpec) -> None:
    numbers = made(source, ("SELECT age, days, died FROM small.person", spec)).numbers
    assert [(one.measure, one.value) for one in numbers] == [("_observations", "300"), ("_events", "100")]


@pytest.mark.parametrize("spec", [OLS, LOGIT, COX, KM, ModelSpec(ModelKind.POISSON, "days ~ age")])
def test_the_same_model_without_a_few_persons_is_found(source: Source, spec: ModelSpec) -> None:
    (hit, *_) = hits_of(source, (THREE_LESS, spec), (ALL, spec))
    assert hit.alike
    assert 1 <= hit.difference < K


@pytest.mark.parametrize("spec", [OLS, LOGIT, COX, KM])
def test_the_same_model_again_is_nothing(source: Source, spec: ModelSpec) -> None:
    assert hits_of(source, (ALL, spec), (ALL, spec)) == []


def test_another_model_over_nearly_the_same_persons_is_for_people(source: Source) -> None:
    """Four persons have no cost: that is what complete cases are."""
    (hit, *_) = hits_of(source, (ALL, ModelSpec(ModelKind.OLS, "days ~ age")), (ALL, OLS))
    assert (hit.alike, hit.difference) == (False, 4)


def test_a_table_is_held_against_a_model(source: Source) -> None:
    table = "SELECT count(DISTINCT person_id) AS n FROM small.person WHERE age > 20 OR days < 60"
    for new, old in [((table, None), (ALL, LOGIT)), ((ALL, LOGIT), (table, None))]:
        (hit, *_) = hits_of(source, new, old)
        assert not hit.alike
        assert 1 <= hit.difference < K


def test_a_step_of_a_curve_is_a_count(source: Source) -> None:
    """The curve says how many women died until a day; the table counts them but three."""
    steps = [one for one in made(source, (ALL, KM)).numbers if one.measure == "events"]
    first = next(one for one in steps if one.key["sex"] == "F")
    sql = (
        "SELECT count(DISTINCT person_id) AS n FROM small.person"
        f" WHERE sex = 'F' AND died = 1 AND days <= {first.key['days']}"
    )
    assert hits_of(source, (sql, None), (ALL, KM)) == []
    younger = next(
        more
        for age in range(80, 20, -1)
        if int(made(source, (more := f"{sql} AND age < {age}", None)).numbers[0].value)
        == int(first.value) - 2
    )
    (hit,) = hits_of(source, (younger, None), (ALL, KM))
    assert (hit.alike, hit.difference) == (True, 2)


def test_a_few_persons_with_another_value_are_found(source: Source) -> None:
    """The same persons, but some of them under another level."""
    level = "CASE WHEN age = 27 AND days < 60 THEN 'F' ELSE sex END"
    changed = ALL.replace("sex", f"{level} AS sex", 1)
    count = f"SELECT count(*) AS n FROM small.person WHERE ({level}) <> sex AND cost IS NOT NULL"
    few = int(made(source, (count, None)).numbers[0].value)
    (hit,) = hits_of(source, (changed, OLS), (ALL, OLS))
    assert (hit.alike, hit.of_rows, hit.difference) == (True, True, few)


def test_one_visit_less_of_the_same_person_is_found(source: Source) -> None:
    spec = ModelSpec(ModelKind.OLS, "stay ~ month")
    visits = "SELECT month, stay FROM small.visit"
    (hit,) = hits_of(source, (f"{visits} WHERE NOT (month = 1 AND stay = 7)", spec), (visits, spec))
    assert (hit.alike, hit.of_rows, hit.difference) == (True, True, 1)
