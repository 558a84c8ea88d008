"""Docs are under test: what exists has its paragraph, what is made is up to date, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode
from onggi.permissions import Permission
from onggi.reasons import Reason
from scripts.checks import CHECKS
from scripts.docs import DOCS, pages
from scripts.reference import settings
from tests.support.source_tree import ROOMS, ROOT, python_files

REFERENCE = DOCS / "reference"
MADE = dict(pages())
WRITTEN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bONGGI_[A-Z][A-Z_]*[A-Z]\b")
# What Onggi never says about itself: placeholders that somebody meant to fill in.
PLACEHOLDER = re.compile(r"\bTODO\b|\bFIXME\b|\b[A-Z]+_OUTPUT\b")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sorted(MADE))
def test_what_is_made_from_code_is_up_to_date(path: str) -> None:
    assert (DOCS / path).read_text("utf-8") == MADE[path], "run: make docs"


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_links_and_pictures_exist(path: Path) -> None:
    targets = [one.partition("#")[0] for one in LINK.findall(path.read_text("utf-8"))]
    local = [one for one in targets if one and "://" not in one]
    assert not [one for one in local if not (path.parent / one).exists()]


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_nothing_is_left_to_fill_in(path: Path) -> None:
    assert not PLACEHOLDER.findall(path.read_text("utf-8"))


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = LINK.findall(page.read_text("utf-8"))
        ahead += [(page.parent / one.partition("#")[0]).resolve() for one in links]
    assert not [name_of(page) for page in WRITTEN if page not in seen]


@pytest.mark.parametrize("reason", sorted(Reason))
def test_every_reason_has_its_paragraph(reason: Reason) -> None:
    assert f"## `{reason.value}`\n\n" in (REFERENCE / "reasons.md").read_text("utf-8")


@pytest.mark.parametrize("finding", sorted(FindingCode))
def test_every_finding_has_its_paragraph(finding: FindingCode) -> None:
    assert f"### `{finding.value}`\n\n" in (REFERENCE / "findings.md").read_text("utf-8")


@pytest.mark.parametrize("permission", sorted(Permission))
def test_every_permission_says_what_it_permits(permission: Permission) -> None:
    page = (REFERENCE / "permissions.md").read_text("utf-8")
    (said,) = re.findall(rf"^\| `{permission.value}` \| (.*?) \|", page, re.MULTILINE)
    assert said.endswith(".")


def test_every_setting_that_is_read_has_its_row() -> None:
    page = settings.page()
    read = {name for path in python_files(*ROOMS) for name in VARIABLE.findall(path.read_text("utf-8"))}
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_every_target_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = makefile.partition(".PHONY:")[2].partition("\n")[0].split()
    head = makefile.partition(".PHONY:")[0]
    assert not [target for target in targets if not re.search(rf"\b{target}\b", head)]
    assert {"docs", "screenshots"} <= set(CHECKS)
