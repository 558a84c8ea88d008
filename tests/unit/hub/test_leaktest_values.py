"""The leak test's verdicts, the list of residual channels, and what it prints."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import cast

import pytest

from hub.leaktest.carrying import copies
from hub.leaktest.main import try_all
from hub.leaktest.place import Place
from hub.leaktest.report import Report
from hub.leaktest.residual import documented, passes
from hub.leaktest.values import Attempt, Found, Residual, Verdict, judge

REACHED, REFUSED, BROKEN = Attempt(True, "reached"), Attempt(False, "EPERM"), Attempt(None, "TypeError")


@pytest.mark.parametrize(
    ("inside", "outside", "verdict"),
    [
        (REFUSED, REACHED, Verdict.CLOSED),
        (REACHED, REACHED, Verdict.OPEN),
        (REACHED, REFUSED, Verdict.OPEN),
        (REFUSED, REFUSED, Verdict.NOT_PROVEN),
        (REFUSED, BROKEN, Verdict.NOT_PROVEN),
        (BROKEN, REACHED, Verdict.NOT_PROVEN),
    ],
)
def test_closed_needs_a_control_that_came_through(
    inside: Attempt, outside: Attempt, verdict: Verdict
) -> None:
    assert judge("a.b", inside, outside).verdict is verdict


@pytest.mark.parametrize(
    ("verdict", "carries", "passed"),
    [
        (Verdict.CLOSED, None, True),
        (Verdict.METERED, 10**12, True),
        (Verdict.OPEN, 100, True),
        (Verdict.OPEN, 101, False),
        (Verdict.OPEN, None, False),
        (Verdict.NOT_PROVEN, 0, False),
    ],
)
def test_what_is_documented_passes_up_to_what_is_documented(
    verdict: Verdict, carries: int | None, *, passed: bool
) -> None:
    found = Found("a.b", verdict, "", bytes_a_day=carries)
    assert passes(found, {"a.b": Residual("a.b", 100)}) is passed


def test_another_open_channel_does_not_pass() -> None:
    assert not passes(Found("a.c", Verdict.OPEN, "", bytes_a_day=1), {"a.b": Residual("a.b", 100)})


def test_every_documented_channel_says_why_in_both_languages() -> None:
    for residual in documented().values():
        assert all(len(residual.reason[language]) > 20 for language in ("ko", "en"))


@pytest.mark.parametrize("shift", range(3))
def test_a_token_is_found_within_base64_wherever_it_begins(shift: int) -> None:
    hidden = base64.b64encode(b"." * shift + b"Lk0123456789" + b"rest")
    assert copies([b'{"image/png":"' + hidden + b'"}'], "Lk0123456789") == 1
    assert copies([b"Lk0123456789 Lk0123456789"], "Lk0123456789") == 2
    assert copies([b"Lk01234 56789"], "Lk0123456789") == 0


def test_an_empty_test_does_not_pass() -> None:
    assert not Report("en", {}).passed


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_last_line_is_a_count(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(language, {})
    report.add(Found("network.tcp4", Verdict.CLOSED, "x"))
    report.add(Found("network.tcp6", Verdict.OPEN, "x"))
    report.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("leaktest: ")
    assert not report.passed
    assert any("network.tcp6" in line and "network" in line for line in lines)
    assert "leaktest." not in "".join(lines)


def test_a_group_that_breaks_off_is_not_proven_and_the_others_go_on() -> None:
    def broken(_: Place) -> Iterator[Found]:
        yield Found("network.tcp4", Verdict.CLOSED, "x")
        raise RuntimeError("no kernel")

    def sound(_: Place) -> Iterator[Found]:
        yield Found("network.tcp6", Verdict.CLOSED, "x")

    report = Report("en", {})
    try_all(cast("Place", None), report, [broken, sound])
    assert [(one.channel, one.verdict) for one in report.found] == [
        ("network.tcp4", Verdict.CLOSED),
        ("leaktest.broken", Verdict.NOT_PROVEN),
        ("network.tcp6", Verdict.CLOSED),
    ]
    assert not report.passed


def test_json_stands_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("en", {}, as_json=True)
    report.add(Found("network.tcp4", Verdict.CLOSED, "x"))
    report.close()
    said = capsys.readouterr()
    assert json.loads(said.out)["passed"] is True
    assert "network.tcp4" in said.err


def test_what_could_not_be_tried_is_not_called_open(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("en", {})
    report.add(Found("browser.chromium", Verdict.NOT_PROVEN, "playwright is not installed"))
    report.close()
    assert not report.passed
    said = capsys.readouterr().out
    assert "browser.chromium was not proven closed: playwright is not installed." in said
    assert "stands open" not in said
