"""From request to release to the next request, over the real cohort: who differs by three is stopped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from egress_review.actions import releasing
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.domain import Request, State
from egress_review.ledger.domain import Blind
from hub.data import nafld
from onggi.errors import Conflict, Unavailable
from onggi.manifest import MANIFEST_FILE
from onggi.models.spec import ModelKind, ModelSpec
from tests.support import review
from tests.support.check_tables import Made, Source, small_source
from tests.support.compute import COMPUTE_PYTHON
from tests.support.ledger import OTHER, Office, office_over
from tests.support.review_site import Site, text_of

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() == 0, reason="a box started by root is no wall; run as an ordinary user"),
]

BY_SEX = (
    "SELECT gender_source_value AS sex, count(DISTINCT person_id) AS persons FROM nafld.person GROUP BY sex"
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("nafld") / "1"
    nafld.build(folder, COMPUTE_PYTHON)
    return Source(folder)


@pytest.fixture
def office(cohort: Source, tmp_path: Path) -> Office:
    return office_over(tmp_path, cohort)


def without_oldest_men(cohort: Source, fewest: int) -> str:
    """The persons by sex, without the oldest men: at least `fewest`, and fewer than ten."""
    for age in range(100, 60, -1):
        where = f"gender_source_value = 'F' OR age_at_index < {age}"
        told = cohort.table(f"SELECT count(*) AS n FROM nafld.person WHERE NOT ({where})").body
        if int(told.split()[1]) >= fewest:
            return BY_SEX.replace(" GROUP", f" WHERE {where} GROUP")
    raise AssertionError


def codes(request: Request) -> set[Code]:
    report = request.outputs[0].report
    assert report is not None
    return {one.code for one in report.findings}


def as_a_file(made: Made) -> dict[str, Made]:
    return {"table.csv": made}


def test_a_second_table_that_lacks_a_few_is_stopped_across_projects(office: Office, cohort: Source) -> None:
    first = office.checked(as_a_file(cohort.table(BY_SEX)))
    assert codes(first) == {Code.RECOMPUTED}
    release = releasing.release(office.room, office.approved(first).id).id
    second = office.checked(as_a_file(cohort.table(without_oldest_men(cohort, 1))), OTHER)
    assert second.outputs[0].verdict is Verdict.BLOCK
    assert Code.DIFFERENCING in codes(second)
    site = Site(office.state, parts=office.parts)
    page = text_of(site.browser("reviewer1").get(f"/requests/{second.id}").text)
    assert f"{release} №1 (sex M) persons" in page
    assert "singles out fewer than 10 persons by subtraction" in page
    own = text_of(site.browser("researcher2").get(f"/mine/{second.id}").text)
    assert "singles out fewer than 10 persons by subtraction" in own
    assert release not in own
    assert review.PROJECT not in own


def test_the_same_table_again_passes(office: Office, cohort: Source) -> None:
    office.released(as_a_file(cohort.table(BY_SEX)))
    again = office.checked(as_a_file(cohort.table(BY_SEX)), OTHER)
    assert codes(again) == {Code.RECOMPUTED}


def test_an_entry_says_what_was_released(office: Office, cohort: Source) -> None:
    release = office.released({"table.csv": cohort.table(BY_SEX)})
    (entry,) = office.room.store.ledger.entries()
    assert (entry.release, entry.output, entry.datasets, entry.blind) == (release, 1, (("nafld", "1"),), None)
    shown = {number.key["sex"]: (number.measure, number.value, number.persons) for number in entry.numbers}
    assert set(shown) == {"F", "M"}
    assert all(int(value) == persons for _, value, persons in shown.values())
    events = {one.details.get("entry"): one for one in office.room.store.last_events("review", 50)}
    assert events[entry.sha256()].action == "ledger.add"
    office.room.ledger.blobs.verify(entry.sets or "")


def test_a_release_that_is_no_table_is_a_blind_spot(office: Office) -> None:
    request = office.checked({"notes.txt": Made(b"words and words\n", None)})  # type: ignore[arg-type]
    releasing.release(office.room, office.approved(request).id)
    (entry,) = office.room.store.ledger.entries()
    assert (entry.sets, entry.blind) == (None, Blind.NO_CLAIM)


@pytest.mark.timeout(300)
def test_a_model_is_remembered_and_compared(office: Office, cohort: Source) -> None:
    spec = ModelSpec(ModelKind.OLS, "bmi ~ age + C(sex)")
    sql = "SELECT bmi, age_at_index AS age, gender_source_value AS sex FROM nafld.person"
    request = office.checked({"model.csv": cohort.model(spec, sql)})
    assert codes(request) == {Code.RECOMPUTED}
    releasing.release(office.room, office.approved(request).id)
    (entry,) = office.room.store.ledger.entries()
    assert entry.blind is None
    assert [(one.measure, one.value) for one in entry.numbers] == [("_observations", "12588")]
    few = without_oldest_men(cohort, 1).split(" WHERE ")[1].split(" GROUP")[0]
    again = office.checked({"model.csv": cohort.model(spec, f"{sql} WHERE {few}")}, OTHER)
    assert Code.DIFFERENCING in codes(again)


def test_a_few_visits_of_persons_who_stay_are_found_between_releases(office: Office, cohort: Source) -> None:
    """Measurements with and without the latest; everybody has others too."""
    total = "SELECT count(*) AS n FROM nafld.measurement"
    last = cohort.table("SELECT max(measurement_day) AS n FROM nafld.measurement").body.decode().split()[1]
    office.released(as_a_file(cohort.table(total)))
    without = f"{total} WHERE measurement_day < {int(last)}"
    request = office.checked(as_a_file(cohort.table(without)), OTHER)
    assert Code.DIFFERENCING_SAME_PERSONS in codes(request)
    assert request.outputs[0].verdict is Verdict.BLOCK


def test_of_two_that_were_checked_before_either_was_released_the_second_is_returned(
    office: Office, cohort: Source
) -> None:
    first = office.checked(as_a_file(cohort.table(BY_SEX)))
    second = office.checked(as_a_file(cohort.table(without_oldest_men(cohort, 1))), OTHER)
    assert Code.DIFFERENCING not in codes(second)
    first, second = office.approved(first), office.approved(second)
    releasing.release(office.room, first.id)
    with pytest.raises(Conflict):
        releasing.release(office.room, second.id)
    returned = office.room.store.request(second.id)
    assert returned.state is State.RETURNED
    assert Code.DIFFERENCING in codes(returned)
    assert office.room.store.release_of(returned) is None
    assert len(list(office.room.store.ledger.entries())) == 1


def test_two_tables_of_one_request_are_compared(office: Office, cohort: Source) -> None:
    both = {"all.csv": cohort.table(BY_SEX), "some.csv": cohort.table(without_oldest_men(cohort, 1))}
    request = office.checked(both)
    assert [one.verdict for one in request.outputs] == [Verdict.PASS, Verdict.BLOCK]


def test_another_version_is_compared_by_person(
    office: Office, cohort: Source, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The next month's version has the same persons but one: the old table and the new one show that one."""
    later = later_version(cohort, tmp_path_factory.mktemp("later") / "2")
    office = office_over(office.state, cohort, later)
    office.released(as_a_file(cohort.table(BY_SEX)))
    request = office.checked(as_a_file(later.table(BY_SEX)))
    assert Code.DIFFERENCING in codes(request)


def later_version(cohort: Source, folder: Path) -> Source:
    """The person table as version 2, without one woman."""
    files = f"read_parquet('{cohort.folder}/person/*/*.parquet')"
    columns = "person_id, gender_source_value, age_at_index::BIGINT AS age_at_index"
    one = f"(SELECT min(person_id) FROM {files} WHERE gender_source_value = 'F')"
    select = f"SELECT {columns} FROM {files} WHERE person_id <> {one}"
    table = ("person_id BIGINT, gender_source_value VARCHAR, age_at_index BIGINT", select)
    made = small_source(folder, {"person": table}, "nafld")
    (folder / MANIFEST_FILE).write_bytes(replace(made.manifest, version="2").canonical())
    return made


def test_without_memory_there_is_no_release(office: Office, cohort: Source) -> None:
    request = office.approved(office.checked(as_a_file(cohort.table(BY_SEX))))
    path = office.desk.datasets["nafld", "1"]["path"]
    office.desk.datasets["nafld", "1"]["path"] = "/nowhere"
    with pytest.raises(Unavailable):
        releasing.release(office.room, request.id)
    assert releasing.finish(office.room) == 0
    assert office.room.store.request(request.id).state is State.APPROVED
    assert not list(office.room.store.ledger.entries())
    office.desk.datasets["nafld", "1"]["path"] = path
    assert releasing.finish(office.room) == 1
    assert len(list(office.room.store.ledger.entries())) == 1


def test_a_changed_ledger_lets_nothing_pass(office: Office, cohort: Source) -> None:
    office.released(as_a_file(cohort.table(BY_SEX)))
    (entry,) = office.room.store.ledger.entries()
    path = office.room.ledger.blobs.path(entry.sets or "")
    path.chmod(0o600)
    *kept, last = path.read_bytes()
    path.write_bytes(bytes([*kept, last ^ 1]))
    request = office.checked(as_a_file(cohort.table(without_oldest_men(cohort, 1))))
    assert request.outputs[0].verdict is Verdict.NOT_PROVEN
    assert Code.DIFFERENCING_OVER_BUDGET in codes(request)
