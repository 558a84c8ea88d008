"""`onggi leaktest`: every known channel tried from inside a real session, one line each, then a count."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping

import httpx2 as httpx

from hub.composition import Installation
from hub.leaktest import behind, browser, contents, inbound, messages, release, stored, traps
from hub.leaktest.place import Member, Place, opened
from hub.leaktest.report import Report
from hub.leaktest.residual import documented
from hub.leaktest.values import Found, Verdict
from hub.tour.installation import DidNotStart, fresh
from hub.tour.steps import PROJECT, StepFailed
from onggi import words

Probes = Callable[[Place], Iterator[Found]]
GROUPS: tuple[Probes, ...] = (
    behind.network,
    behind.calls,
    behind.surroundings,
    inbound.inbound,
    behind.covert,
    messages.messages,
    messages.floods,
    contents.routes,
    stored.stored,
    traps.links,
    traps.doors,
    release.release,
    release.session_api,
    browser.browser,
    traps.reopening,
)
RESEARCHER, OTHER = "researcher1", "researcher2"


def try_fresh(language: str, *, as_json: bool = False) -> int:
    """Test a fresh installation; the exit status: 0 if nothing stands open that is not documented."""
    try:
        with fresh() as running:
            member = Member(RESEARCHER, PROJECT, running.password(RESEARCHER))
            others = {OTHER: running.password(OTHER)}
            return try_running(running.installation, member, language, others, as_json=as_json)
    except DidNotStart as failure:
        return _failed(language, failure)


def try_running(
    installation: Installation,
    member: Member,
    language: str,
    others: Mapping[str, str],
    *,
    as_json: bool = False,
) -> int:
    """Test an installation that runs, in the session of one of its members; the exit status.

    Args:
        others: passwords of persons who are not members of the project, by name; may be empty.
    """
    report = Report(language, documented(), as_json=as_json)
    try:
        with opened(installation, member, others) as place:
            try_all(place, report)
    except (StepFailed, PermissionError, httpx.HTTPError) as failure:
        return _failed(language, failure)
    report.close()
    return 0 if report.passed else 1


def try_all(place: Place, report: Report, groups: Iterable[Probes] = GROUPS) -> None:
    """Every group of channels in turn; one that breaks off is not proven, and the others go on."""
    for group in groups:
        try:
            for found in group(place):
                report.add(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no proof
            said = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
            report.add(Found(f"leaktest.{group.__name__}", Verdict.NOT_PROVEN, said))


def _failed(language: str, failure: Exception) -> int:
    print(words.say(language, "leaktest.failed", what=failure), file=sys.stderr)
    return 1
