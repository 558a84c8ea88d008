"""JupyterHub's spawner for Onggi: it translates a plan into one request to the broker, and nothing else.

A session is the broker's child, not the hub's: a hub that restarts finds it again by its id. Refusals are
raised as `SpawnException`, the one kind that JupyterHub takes for an answer instead of a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncGenerator
from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import Instance, Unicode, default

from onggi import words
from onggi.errors import OnggiError, Refused, Unavailable
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from spawner.client import BrokerClient
from spawner.settings import SpawnerSettings
from web.spawn_refusal import SpawnRefusal, asked_language
from web.tokens import token_of

POLL_EVERY_S = 5
TRIES, PAUSE_S = 10, 0.3
"""While everything starts together, the broker may be a moment later than the hub."""
LISTENS_EVERY_S = 0.1
SILENCES = 3
"""So many polls in a row without an answer of the broker mean that it and its sessions are gone."""
_STATE_KEY = "session_id"
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000


class OnggiSpawner(Spawner):
    """One session of one member in one project. `plan` is set by the authenticator's `pre_spawn_start`."""

    plan = Instance(SessionPlan, allow_none=True)
    session_id = Unicode()
    settings = Instance(SpawnerSettings)
    broker = Instance(BrokerClient)

    _step = "progress_checking"
    _silent = 0

    @default("settings")
    def _settings(self) -> SpawnerSettings:
        return SpawnerSettings()

    @default("broker")
    def _broker(self) -> BrokerClient:
        return BrokerClient(self.settings.broker_socket, token_of(self.settings.secrets, "hub"))

    @default("poll_interval")
    def _poll_interval(self) -> int:
        return POLL_EVERY_S

    @default("ip")
    def _ip(self) -> str:
        return "127.0.0.1"

    async def start(self) -> tuple[str, int]:
        """Have the broker start the session of the plan; where its server will answer.

        Raises:
            SpawnRefusal: if it is refused or cannot be done now.
        """
        plan = self.plan
        if plan is None:
            raise SpawnRefusal(Refused(Reason.SESSION_NEEDS_PROJECT), words.DEFAULT_LANGUAGE)
        self.plan = None  # it holds the session key, and is good for one start
        self.session_id, self._silent = plan.session_id, 0
        self.ip, self.port = "127.0.0.1", _free_port()
        self._step = "progress_compute"
        try:
            await self._patiently(lambda: self.broker.start(plan, self._server_env(), self.port))
            self._step = "progress_waiting"
            await self._until_it_listens()
        except OnggiError as error:
            raise SpawnRefusal(error, plan.language) from None
        return self.ip, self.port

    async def _until_it_listens(self) -> None:
        """Wait for the server: the hub itself would wait for one that has ended until its patience does.

        Raises:
            Unavailable: `SESSION_ENDED` if it ends instead.
        """
        while not _listens(self.port):
            session = await self._patiently(lambda: self.broker.session(self.session_id))
            if session is None or session.get("state") != "running":
                raise Unavailable(Reason.SESSION_ENDED)
            await asyncio.sleep(LISTENS_EVERY_S)

    async def poll(self) -> int | None:
        """None while the session runs, else the status with which its server ended."""
        if not self.session_id:
            return 0
        try:
            session = await self._patiently(lambda: self.broker.session(self.session_id))
        except OnggiError:
            self._silent += 1
            return 1 if self._silent >= SILENCES else None
        self._silent = 0
        if session is None:
            return 0
        if session.get("state") == "running":
            return None
        status = session.get("exit")
        return status if isinstance(status, int) else 0

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - JupyterHub's signature
        """End the session; returns when nothing of it is left.

        Raises:
            Unavailable: if the broker does not answer, so that the hub does not take it for stopped.
        """
        if self.session_id:
            await self._patiently(lambda: self.broker.stop(self.session_id))

    def get_state(self) -> dict[str, Any]:
        """What a restarted hub needs to find the session again."""
        state: dict[str, Any] = super().get_state()
        return state | ({_STATE_KEY: self.session_id} if self.session_id else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the session again."""
        super().load_state(state)
        self.session_id = str(state.get(_STATE_KEY, ""))

    def clear_state(self) -> None:
        """Forget the session that has ended."""
        super().clear_state()
        self.session_id, self._step = "", "progress_checking"

    async def progress(self) -> AsyncGenerator[dict[str, Any], None]:
        """What is being done, in the language of the person who waits."""
        language = asked_language(self.user_options)
        percent = {"progress_checking": 10, "progress_compute": 30, "progress_waiting": 60}
        said = ""
        while True:
            if self._step != said:
                said = self._step
                sentence = words.say(language, f"sandbox.{said}", project=self.name)
                yield {"progress": percent[said], "message": sentence}
            await asyncio.sleep(0.2)

    def _server_env(self) -> dict[str, str]:
        """The hub's variables for the server; nothing of the hub's own environment."""
        wanted = ("JUPYTERHUB_", "JPY_API_TOKEN")
        return {name: str(value) for name, value in self.get_env().items() if name.startswith(wanted)}

    async def _patiently(self, ask: Any) -> Any:
        """Ask again while the broker cannot be reached; a broker that answers is not asked twice.

        Raises:
            OnggiError: what the broker answered, or `Unavailable`.
        """
        for _ in range(TRIES - 1):
            try:
                return await ask()
            except Unavailable as error:
                if error.reason is not Reason.SERVICE_UNREACHABLE:
                    raise
            await asyncio.sleep(PAUSE_S)
        return await ask()


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    """A loopback port that is free now; if it is taken a moment later, the server does not start.

    It lies below the ports that the kernel gives to outgoing connections, which come and go all the time.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
