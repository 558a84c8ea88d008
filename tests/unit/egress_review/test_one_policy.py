"""The configured profile is the one that checks, comparison and proposals obey."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from egress_review import wiring
from egress_review.actions.protecting import Asked
from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.report import CheckReport, Finding, OutputReport
from egress_review.checks.rules.document import shipped
from egress_review.settings import ReviewSettings
from tests.support import review
from tests.support.check_tables import Source, small_source
from tests.support.ledger import Office

PERSONS = "SELECT n AS person_id FROM range(50) AS r(n)"


@pytest.mark.parametrize("profile", ["opensafely", "strict"])
def test_one_profile_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    seen: dict[str, CheckPolicy] = {}

    def stopping(name: str) -> Callable[[Any], CheckReport]:
        def run(job: Any) -> CheckReport:
            seen[name] = job.policy
            if name == "checks":
                proven = (Finding(FindingCode.RECOMPUTED),)
                said = (OutputReport(one.name, one.sha256, "csv", proven) for one in job.outputs)
                return CheckReport(tuple(said), job.policy.version, "")
            raise CheckStopped(FindingCode.TIME_LIMIT)

        return run

    for name in ("checks", "differencing", "protect"):
        monkeypatch.setattr(wiring, f"run_{name}", stopping(name))
    source: Source = small_source(tmp_path / "small", {"person": ("person_id BIGINT", PERSONS)})
    desk = review.demo_desk()
    desk.datasets["small", "1"] = {"path": str(source.folder), "manifest": {}}
    settings = ReviewSettings(state=tmp_path / "state", review_check_profile=profile)
    parts = wiring.parts_of(settings, desk=desk)
    office = Office(tmp_path / "state", parts, desk)
    made = source.table("SELECT count(*) AS n FROM person")
    for project in desk.projects.values():
        project["grants"] = [{"dataset": "small", "version": "1", "until": None, "active": True}]
    office.submitted({"table.csv": made})
    parts.background.start()
    try:
        for _ in range(600):
            if "differencing" in seen:
                break
            parts.background.wake()
            time.sleep(0.05)
    finally:
        parts.background.stop()
    parts.protector.protect(review.RESEARCHER, Asked(made.claim, "suppress"))
    assert {name: one.profile for name, one in seen.items()} == dict.fromkeys(
        ("checks", "differencing", "protect"), shipped(profile)
    )
