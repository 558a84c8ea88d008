"""The hub's spawner against a real broker; what the hub itself would pass in is given here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from onggi.errors import Unavailable
from spawner import jupyterhub_spawner
from spawner.client import BrokerClient
from spawner.jupyterhub_spawner import OnggiSpawner

pytestmark = pytest.mark.sandbox
ENV = {"JUPYTERHUB_API_TOKEN": "t", "JPY_API_TOKEN": "t", "PATH": "/usr/bin", "SECRET_OF_HUB": "x"}


class Spawner(OnggiSpawner):
    """Without a hub around it; nor does the server of these tests listen."""

    async def _until_it_listens(self) -> None:
        """There is nothing to wait for."""

    def get_env(self) -> dict[str, str]:
        return ENV


class Patient(OnggiSpawner):
    """Without a hub around it."""

    def get_env(self) -> dict[str, str]:
        return ENV


def spawner_for(state: Path, kind: type[OnggiSpawner] = Spawner) -> Any:
    token = state / "secrets" / "hub.token"
    client = BrokerClient(state / "run" / "broker.sock", token.read_text() if token.exists() else "none")
    return kind(broker=client, plan=None)


def test_start_poll_restart_of_the_hub_and_stop(broker: Any) -> None:
    async def scenario() -> None:
        spawner = spawner_for(broker.state)
        assert await spawner.poll() == 0
        spawner.plan = broker.plan()
        address, port = await spawner.start()
        assert (address, port > 1023) == ("127.0.0.1", True)
        assert spawner.plan is None
        assert await spawner.poll() is None
        after_restart = spawner_for(broker.state)
        after_restart.load_state(spawner.get_state())
        assert await after_restart.poll() is None
        await after_restart.stop()
        assert await spawner.poll() == 143
        spawner.clear_state()
        assert spawner.get_state() == {}

    asyncio.run(scenario())
    folder = broker.state / "run" / "s"
    assert list(folder.iterdir()) == []


def test_only_the_hubs_own_variables_are_passed(broker: Any) -> None:
    assert set(spawner_for(broker.state)._server_env()) == {"JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"}


def test_refusals_are_answers_and_not_faults(broker: Any) -> None:
    async def refused(spawner: Spawner) -> SpawnException:
        with pytest.raises(SpawnException) as caught:
            await spawner.start()
        return caught.value

    spawner = spawner_for(broker.state)
    error = asyncio.run(refused(spawner))
    assert (error.reason, error.status_code) == ("session_needs_project", 409)
    spawner.plan = broker.plan(project_folder="/etc")
    error = asyncio.run(refused(spawner))
    assert (error.reason, error.status_code) == ("field_invalid", 422)
    assert error.headers["X-Onggi-Reason"] == "field_invalid"


def test_a_broker_that_is_silent_for_long_is_gone(
    start_broker: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jupyterhub_spawner, "TRIES", 2)
    monkeypatch.setattr(jupyterhub_spawner, "PAUSE_S", 0.01)
    broker = start_broker()

    async def scenario() -> None:
        spawner = spawner_for(broker.state)
        spawner.plan = broker.plan()
        await spawner.start()
        broker.process.kill()
        broker.process.wait()
        assert [await spawner.poll() for _ in range(3)] == [None, None, 1]
        with pytest.raises(Unavailable):
            await spawner.stop()

    asyncio.run(scenario())


def test_a_server_that_ends_while_it_starts_is_not_waited_for(start_broker: Callable[..., Any]) -> None:
    broker = start_broker("import time; time.sleep(1); raise SystemExit(3)")

    async def scenario() -> SpawnException:
        spawner = spawner_for(broker.state, Patient)
        spawner.plan = broker.plan()
        async with asyncio.timeout(20):
            with pytest.raises(SpawnException) as caught:
                await spawner.start()
        return caught.value

    assert asyncio.run(scenario()).reason == "session_ended"


def test_progress_is_told_in_the_language_asked_for(broker: Any) -> None:
    async def first() -> dict[str, Any]:
        spawner = spawner_for(broker.state)
        spawner.user_options = {"language": "en"}
        async with contextlib.aclosing(spawner.progress()) as progress:
            return await anext(progress)

    news = asyncio.run(first())
    assert news["progress"] == 10
    assert news["message"].startswith("Checking")
