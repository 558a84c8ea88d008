"""A crash of hub or desk loses no lease and closes no session."""

from __future__ import annotations

import signal
from typing import Any

OPEN = "/projects/nafld-study/session"


def leases(site: Any) -> list[str]:
    with site.context.registry.reading() as store:
        return [one.session_id for one in store.open_sessions()]


def test_sessions_outlive_hub_and_desk(site: Any) -> None:
    browser = site.browser("researcher1")
    site.post(browser, "/", OPEN)
    lab = site.url("hub_public", "/user/researcher1/nafld-study/lab")
    site.until(lambda: browser.get(lab, follow_redirects=False).status_code == 200)
    before = leases(site)
    assert len(before) == 1
    site.kill("hub")
    assert browser.get(lab, follow_redirects=False).status_code == 200
    site.start("hub")
    site.wait("hub_public", "/hub/login")
    site.kill("desk")
    site.start("desk")
    site.wait("desk", "/healthz")
    assert browser.get(lab, follow_redirects=False).status_code == 200
    site.pause(3.5)  # three passes of the reconciler
    assert leases(site) == before
    page = browser.get(site.url("desk", "/"))
    assert "Session open since" in page.text
    site.post(browser, "/", OPEN + "/stop")
    site.until(lambda: leases(site) == [])
    assert site.notary.actions(before[0]) == ["session.open", "session.close"]


def test_a_desk_that_ends_on_sigterm_ends_cleanly(site: Any) -> None:
    desk = site.processes["desk"]
    desk.send_signal(signal.SIGTERM)
    assert desk.wait(timeout=15) in {0, -signal.SIGTERM}
    site.start("desk")
    site.wait("desk", "/healthz")
