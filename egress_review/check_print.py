"""What `onggi check` prints: JSON for machines, a table for people."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from egress_review.checks.report import CellEvidence, Finding, OutputReport
from egress_review.checks.rules.profile import Profile
from egress_review.checks.sentences import evidence, remedy, sentence
from onggi.words import say

_MOST_LINES = 60
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_FRACTION = re.compile(r"-?(?:0|[1-9]\d*)\.\d+(?:e[-+]?\d+)?", re.ASCII)


def as_json(report: OutputReport, profile: Profile) -> str:
    """The report as the black box gives it, on one line."""
    return json.dumps(
        {
            "verdict": report.verdict.value,
            "cells": [_cell(one) for one in report.cells],
            "findings": [one.to_json() for one in report.findings],
            "policy": {"profile": profile.name, "version": profile.version, "unit": profile.unit},
            "engine": report.engine,
            "output": {"name": report.output, "sha256": report.sha256, "type": report.file_type},
            "cells_total": report.cells_total,
        },
        ensure_ascii=False,
    )


def _cell(cell: CellEvidence) -> dict[str, Any]:
    return {
        "key": {name: _value(text) for name, text in cell.key.items()},
        "measure": cell.statistic,
        "column": cell.measure,
        "value": _value(cell.value),
        "persons": cell.persons,
        "rows": cell.rows,
        "contributors": cell.contributors,
        "largest_share": float(cell.share) if cell.share else None,
        "institutions": cell.institutions,
        "suppressed": cell.suppressed,
        "findings": [code.value for code in cell.findings],
    }


def _value(text: str) -> str | int | float | None:
    """A field as JSON: a number if it is written as one, null if it is empty."""
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return text or None


def as_text(report: OutputReport, profile: Profile, language: str) -> str:
    """The verdict, the findings with what to do, and the cells that they are about."""
    lines = [
        say(language, "check.verdict", verdict=say(language, f"findings.verdict_{report.verdict.value}")),
        say(language, "check.policy", profile=profile.label, engine=report.engine or "-"),
        "",
    ]
    lines.extend(_findings(report.findings, language))
    marked = [one for one in report.cells if one.findings]
    if marked:
        lines.extend(["", *_table(marked[:_MOST_LINES], language)])
    if len(marked) > _MOST_LINES:
        lines.append(say(language, "check.more", count=len(marked) - _MOST_LINES))
    return "\n".join(lines)


def _findings(findings: Sequence[Finding], language: str) -> list[str]:
    """One paragraph for each sentence; cells are in the table."""
    said: dict[str, int] = {}
    for one in findings:
        about = [sentence(one, language), remedy(one, language)]
        if one.cell is None:
            about.insert(1, evidence(one, language))
        text = " ".join(part for part in about if part)
        said[text] = said.get(text, 0) + 1
    return [f"- {text}" if times == 1 else f"- {text} (× {times})" for text, times in said.items()]


def _table(cells: Sequence[CellEvidence], language: str) -> list[str]:
    keys = list(dict.fromkeys(name for cell in cells for name in cell.key))
    heads = [
        say(language, f"check.column_{name}")
        for name in ("measure", "value", "units", "rows", "share", "findings")
    ]
    rows = [[*keys, *heads]]
    for cell in cells:
        codes = ", ".join(code.value for code in cell.findings)
        about = [cell.statistic, cell.value, str(cell.contributors), str(cell.rows), cell.share, codes]
        rows.append([*(cell.key.get(name, "") for name in keys), *about])
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(_padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns that a terminal takes: Korean letters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
