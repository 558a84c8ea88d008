"""The reference page of the findings, from the codes and the English catalogue; `make docs` writes it."""

from __future__ import annotations

from egress_review.checks.findings import VERDICTS, FindingCode, Verdict
from egress_review.checks.report import Finding
from egress_review.checks.sentences import remedy, sentence

_HEAD = """# Findings

What the checks can say about an output. The worst finding of an output is its verdict, from best to
worst: `pass`, `review`, `not_proven`, `block`. Without the finding `recomputed` no output is better than
`not_proven`. Reviewers decide on everything but `block`, which the researcher has to mend first. In the
sentences, `{…}` stands for a value.

Made from the code by `make docs`; do not edit.
"""


def page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for verdict in reversed(Verdict):
        parts.append(f"## {verdict.value}\n")
        parts.extend(_paragraph(Finding(code)) for code in sorted(FindingCode) if VERDICTS[code] is verdict)
    return "\n".join(parts)


def _paragraph(finding: Finding) -> str:
    said = " ".join(text for text in (sentence(finding, "en"), remedy(finding, "en")) if text)
    return f"### `{finding.code.value}`\n\n{said}\n"
