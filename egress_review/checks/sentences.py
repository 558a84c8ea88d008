"""What the pages say about a finding: the sentence, what to do about it, and the evidence for reviewers."""

from __future__ import annotations

from egress_review.checks.report import REVIEWER_ONLY, Finding
from onggi.words import catalogue, say

AREA = "findings"


def sentence(finding: Finding, language: str) -> str:
    """What was found. Holds no value of the data: fit for the researcher."""
    return say(language, f"{AREA}.{finding.code.value}", **finding.params)


def remedy(finding: Finding, language: str) -> str:
    """What the researcher can do about it; "" if there is nothing to do."""
    return _optional(f"{AREA}.{finding.code.value}_todo", finding, language)


def evidence(finding: Finding, language: str) -> str:
    """The values of the data behind it, for reviewers only; "" if it has none."""
    if not REVIEWER_ONLY & set(finding.params):
        return ""
    return _optional(f"{AREA}.{finding.code.value}_evidence", finding, language)


def _optional(key: str, finding: Finding, language: str) -> str:
    return say(language, key, **finding.params) if key in catalogue(language) else ""
