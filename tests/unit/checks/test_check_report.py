import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.checks.findings import FindingCode, Verdict
from egress_review.checks.report import (
    MAX_FINDINGS,
    CellEvidence,
    CheckReport,
    Finding,
    OutputReport,
    bounded,
    combine,
    output_report_from_json,
    report_from_json,
)
from onggi.errors import Invalid

PROOF = Finding(FindingCode.RECOMPUTED, {"numbers": "1", "rows": "1", "persons": "12"})
SMALL = Finding(FindingCode.THRESHOLD, {"column": "n"}, {"sex": "F"})
CELL = CellEvidence({"sex": "F"}, "n", "12", 40, 12, 12, "count(*)", "0.3", 2, True, (FindingCode.THRESHOLD,))
LOOK = Finding(FindingCode.DOMINANCE_NOT_CHECKED, {"columns": "x"})


def report(*findings: Finding) -> OutputReport:
    return OutputReport("a.csv", "0" * 64, "csv", findings, (CELL,), 1, "duckdb", "p1")


def test_no_checks_at_all_is_not_a_pass() -> None:
    assert combine([]) is Verdict.NOT_PROVEN
    assert CheckReport((), "p1", "").verdict is Verdict.NOT_PROVEN


def test_only_a_recomputation_passes() -> None:
    assert combine([PROOF]) is Verdict.PASS
    assert combine([LOOK]) is Verdict.NOT_PROVEN
    assert combine([PROOF, LOOK]) is Verdict.REVIEW
    alone = [code for code in FindingCode if combine([Finding(code, {})]) is Verdict.PASS]
    assert alone == [FindingCode.RECOMPUTED]


def test_the_worst_decides_in_this_order() -> None:
    assert [one.value for one in sorted(Verdict, key=lambda one: one.rank)] == [
        "pass", "review", "not_proven", "block",
    ]  # fmt: skip
    assert combine([PROOF, LOOK, SMALL]) is Verdict.BLOCK


def test_a_report_comes_back_from_its_wire_form() -> None:
    whole = CheckReport((report(PROOF, LOOK),), "p1", "duckdb")
    assert report_from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_many_findings_neither_hide_the_worst_nor_the_proof() -> None:
    kept, _ = bounded([*[LOOK] * 500, PROOF, SMALL], [], 500)
    assert len(kept) == MAX_FINDINGS
    assert combine(kept) is Verdict.BLOCK
    kept, _ = bounded([*[LOOK] * 500, PROOF], [], 500)
    assert combine(kept) is Verdict.REVIEW


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "pass"},
        {"findings": "none"},
        {"findings": [LOOK.to_json()] * (MAX_FINDINGS + 1)},
        {"findings": [{**SMALL.to_json(), "code": "all_is_well"}]},
        {"findings": [{**SMALL.to_json(), "verdict": "pass"}]},
        {"findings": [{**SMALL.to_json(), "params": {"column": 3}}]},
        {"findings": [{**SMALL.to_json(), "params": {"column": "x" * 301}}]},
        {"findings": [{**SMALL.to_json(), "params": {"column": "\ud800"}}]},
        {"findings": [{**SMALL.to_json(), "params": {"column": "\x00"}}]},
        {"findings": [{**SMALL.to_json(), "more": 1}]},
        {"cells": [{**CELL.to_json(), "persons": -1}]},
        {"cells": [{**CELL.to_json(), "persons": True}]},
        {"cells": [{**CELL.to_json(), "contributors": None}]},
        {"cells": [{**CELL.to_json(), "share": 0.5}]},
        {"cells": [{**CELL.to_json(), "suppressed": 1}]},
        {"cells": [{**CELL.to_json(), "institutions": "2"}]},
        {"cells": [{**CELL.to_json(), "findings": ["all_is_well"]}]},
        {"cells": [{**CELL.to_json(), "more": 1}]},
        {"cells_total": 1e9},
        {"cells_total": 2**63},
        {"engine": None},
        {"unknown": 1},
    ],
)
def test_a_hostile_answer_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        output_report_from_json({**report(SMALL).to_json(), **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_other_json_is_refused_and_nothing_else_happens(body: Any) -> None:
    with pytest.raises(Invalid):
        output_report_from_json(body)


@given(st.sampled_from(sorted(report(SMALL).to_json())), JSON)
def test_a_part_replaced_by_anything_never_turns_a_block_into_a_pass(name: str, value: Any) -> None:
    body = {**report(SMALL).to_json(), name: value}
    try:
        read = output_report_from_json(body)
    except Invalid:
        return
    assert name == "findings" or read.verdict is Verdict.BLOCK
