"""What reviewers and researchers are told about hidden cells."""

from __future__ import annotations

import pytest

from egress_review.checks.attack.audit import AttackRules, Audit, audit
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import TOTAL, make_table
from egress_review.checks.findings import ATTACK_UNPROVEN, FindingCode, Verdict
from egress_review.checks.sentences import evidence, sentence

TABLE = make_table(["sex"], [("F",), ("M",), (TOTAL,)], [3, 40, 43], suppressed=[True, False, False])
CELLS = [{"sex": "F"}, {"sex": "M"}, {"sex": ""}]


def test_a_reviewer_reads_how_and_a_researcher_does_not() -> None:
    (found,) = attack_findings(audit([TABLE], AttackRules(), 10), "n", CELLS)
    assert (found.code, found.cell, found.verdict) == (
        FindingCode.CELL_RECOVERABLE,
        {"sex": "F"},
        Verdict.BLOCK,
    )
    assert evidence(found, "en") == "[*] 43 − [sex=M] 40 = 3"
    assert "3" not in sentence(found.for_researcher(), "ko")
    assert "witness" not in found.for_researcher().params


def test_narrow_is_as_bad_as_the_profile_says() -> None:
    wide = make_table(
        ["sex"],
        [("F",), ("M",), ("X",), (TOTAL,)],
        [100, 3, 900, 1003],
        suppressed=[True, True, False, False],
        sensitive=[True, False, False, False],
    )
    found = audit([wide], AttackRules(percent=200), 10)
    (blocking,) = attack_findings(found, "n", [{}] * 4)
    (noted,) = attack_findings(found, "n", [{}] * 4, narrow_blocks=False)
    assert (blocking.code, noted.code) == (
        FindingCode.INTERVAL_NARROW,
        FindingCode.INTERVAL_NARROW_REVIEW,
    )
    assert evidence(noted, "en") == "0 ≤ [sex=F] ≤ 103"
    assert noted.verdict is Verdict.REVIEW


def test_no_time_is_no_proof() -> None:
    wide = make_table(["sex"], [("F",), ("M",), (TOTAL,)], [10, 30, 40], suppressed=[True, True, False])
    assert audit([wide], AttackRules(), 10).safe
    (found,) = attack_findings(audit([wide], AttackRules(percent=1000), 0), "n", CELLS)
    assert (found.code, found.verdict) == (FindingCode.ATTACK_OVER_BUDGET, Verdict.NOT_PROVEN)
    assert found.params == {"cells": "2"}


@pytest.mark.parametrize("cause", sorted(ATTACK_UNPROVEN))
def test_too_complex_is_no_proof_and_says_what_was_too_much(cause: FindingCode) -> None:
    (found,) = attack_findings(Audit((), 7, complete=False, cause=cause), "n", [])
    assert (found.code, found.verdict, found.params) == (cause, Verdict.NOT_PROVEN, {"cells": "7"})
