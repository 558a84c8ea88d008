"""The leak test finds what is open: each wall is switched off once, and it says so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.leaktest import behind, browser, contents, messages, stored
from hub.leaktest.main import Probes
from hub.leaktest.place import Member, opened
from hub.leaktest.values import Found, Verdict
from hub.tour.installation import free_base_port, start
from hub.tour.steps import PROJECT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("ordinary_user"),
]

CHROMIUM = Path("/usr/bin/chromium")
OPEN_WITHOUT_SANDBOX = {
    "network.namespace", "network.tcp4", "network.tcp6", "network.udp4", "network.abstract",
    "network.unix_path", "network.unix_link", "network.broker", "network.families", "network.bash",
    "network.subprocess", "network.dns", "calls.mount", "calls.ptrace", "calls.read_memory", "calls.signal",
    "calls.keyring", "calls.namespace", "surroundings.processes", "surroundings.host_files",
    "surroundings.posix_memory", "surroundings.system_v_memory", "surroundings.privileges",
}  # fmt: skip
UNPAID = {
    "messages_json.stdout", "messages_json.plain", "messages_json.error_value", "messages_json.completion",
    "messages_binary.stdout", "carriers.text", "carriers.name", "stored.source_code", "stored.plain",
}  # fmt: skip
OPEN_WITHOUT_GATE = {
    "files.data_csv", "messages_json.html_link", "messages_json.html_script", "messages_json.html_comment",
    "stored.html_attribute",
}  # fmt: skip
OPEN_IN_BROWSER = {"browser_live.script_src", "browser_live.script_location", "browser_live.meta_refresh"}


@pytest.fixture(scope="module")
def without_sandbox() -> Mapping[str, Found]:
    return look([behind.network, behind.calls, behind.surroundings], "ONGGI_UNSAFE_NO_SANDBOX=1")


@pytest.fixture(scope="module")
def without_gate(broken_source: Path) -> Mapping[str, Found]:
    """No sanitizer, no policy for the browser, data files open, and a meter that counts nothing."""
    groups: list[Probes] = [messages.messages, contents.routes, stored.stored]
    groups += [browser.browser] if CHROMIUM.exists() else []
    return look(groups, "-C", str(broken_source), f"PYTHONPATH={broken_source}")


def look(groups: list[Probes], *surroundings: str) -> Mapping[str, Found]:
    """What some groups find in a fresh installation, started in other surroundings (arguments of env)."""
    folder = Path(tempfile.mkdtemp(prefix="onggi-"))
    running = start(folder / "state", free_base_port(), ("/usr/bin/env", *surroundings))
    try:
        running.wait_until_ready()
        member = Member("researcher1", PROJECT, running.password("researcher1"))
        with opened(running.installation, member, {}) as place:
            return {one.channel: one for group in groups for one in group(place)}
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def not_open(found: Mapping[str, Found], channels: set[str]) -> dict[str, str]:
    seen = {name: found[name] for name in channels}
    return {
        name: f"{one.verdict}: {one.evidence}"
        for name, one in seen.items()
        if one.verdict is not Verdict.OPEN
    }


def test_without_a_sandbox_the_compute_is_open(without_sandbox: Mapping[str, Found]) -> None:
    assert not_open(without_sandbox, OPEN_WITHOUT_SANDBOX) == {}


def test_with_a_blind_meter_what_comes_out_is_unpaid(without_gate: Mapping[str, Found]) -> None:
    assert not_open(without_gate, UNPAID) == {}


def test_without_the_gate_what_was_closed_comes_out(without_gate: Mapping[str, Found]) -> None:
    assert not_open(without_gate, OPEN_WITHOUT_GATE) == {}


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
def test_without_policy_and_sanitizer_a_browser_asks_elsewhere(without_gate: Mapping[str, Found]) -> None:
    assert not_open(without_gate, OPEN_IN_BROWSER) == {}
