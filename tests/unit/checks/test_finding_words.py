from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode, Verdict
from egress_review.checks.reference import page
from egress_review.checks.report import REVIEWER_ONLY, Finding
from egress_review.checks.sentences import evidence, remedy, sentence
from onggi.words import LANGUAGES, catalogue, slots

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "findings.md"
ASIDE = {"_todo", "_evidence"}


def own(language: str) -> dict[str, str]:
    return {
        key.removeprefix("findings."): text
        for key, text in catalogue(language).items()
        if key.startswith("findings.")
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FindingCode)
def test_each_finding_has_its_sentence(code: FindingCode, language: str) -> None:
    assert code.value in own(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_verdict_has_its_word(language: str) -> None:
    words = {own(language)[f"verdict_{verdict.value}"] for verdict in Verdict}
    assert len(words) == len(Verdict)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_about_a_code_that_does_not_exist(language: str) -> None:
    known = {code.value for code in FindingCode} | {f"verdict_{verdict.value}" for verdict in Verdict}
    for key in own(language):
        assert key.removesuffix("_todo").removesuffix("_evidence") in known


def test_both_languages_say_the_same_with_the_same_values() -> None:
    english, korean = own("en"), own("ko")
    assert english.keys() == korean.keys()
    assert {key: slots(text) for key, text in english.items()} == {
        key: slots(text) for key, text in korean.items()
    }


def test_every_finding_that_stops_a_researcher_says_what_to_do() -> None:
    silent = [
        code.value
        for code in FindingCode
        if not remedy(Finding(code), "en") and Finding(code).verdict in {Verdict.BLOCK, Verdict.NOT_PROVEN}
    ]
    assert silent == []


def test_only_evidence_holds_values_of_the_data() -> None:
    for key, text in own("en").items():
        if not key.endswith("_evidence"):
            assert not slots(text) & REVIEWER_ONLY, key


def test_researcher_and_reviewer_read_different_things() -> None:
    found = Finding(FindingCode.VALUE_DIFFERS, {"column": "n", "submitted": "40", "recomputed": "43"})
    shown = found.for_researcher()
    assert sentence(shown, "en") == "A number in column n is not what the source gives."
    assert evidence(found, "en") == "Submitted: 40. Recomputed: 43."
    assert evidence(shown, "en") == ""


def test_a_row_that_the_source_gives_is_not_told_to_the_researcher() -> None:
    found = Finding(FindingCode.ROW_MISSING, {}, {"diagnosis": "rare"})
    assert found.for_researcher().cell is None


def test_the_reference_page_is_the_one_that_the_code_writes() -> None:
    assert REFERENCE.read_text("utf-8") == page(), "run: make docs"
