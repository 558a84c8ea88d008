"""Who may sign in, and who may have a server: the hub asks the registry, every time.

Guarantees: only people in the registry sign in; every server of whatever name, by whichever page or API
call, passes `pre_spawn_start`, which refuses unless the registry says that the member may work in that
project now, and which takes the lease. The unnamed server never starts. Does not guarantee that a session
ends when the right ends while it runs: the reconciler does that.
"""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.spawner import Spawner
from jupyterhub.user import User
from tornado import web
from traitlets import Instance, default

from hub import hub_pages
from hub.actions.context import Context, heal, note
from hub.actions.sessions import close_sessions, open_session
from hub.passwords import PasswordBook
from hub.settings import HubSettings
from hub.throttle import Throttle
from hub.wiring import context_of
from onggi import words
from onggi.errors import OnggiError, Refused
from onggi.ids import person_name
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from web.signin import signed_out_address
from web.spawn_refusal import SpawnRefusal, asked_language


class OnggiAuthenticator(Authenticator):
    """Sign-in with the demo's passwords; everything else from the registry."""

    settings = Instance(HubSettings)
    context = Instance(Context)
    passwords = Instance(PasswordBook)
    throttle = Instance(Throttle)

    @default("settings")
    def _settings(self) -> HubSettings:
        return HubSettings()

    @default("context")
    def _context(self) -> Context:
        return context_of(self.settings, "hub")

    @default("passwords")
    def _passwords(self) -> PasswordBook:
        return PasswordBook(self.settings.secrets)

    @default("throttle")
    def _throttle(self) -> Throttle:
        return Throttle(self.context.clock)

    async def authenticate(self, handler: BaseHandler, data: dict[str, Any]) -> str | None:
        """The person's name if the password is theirs and the registry knows them."""
        try:
            return await asyncio.to_thread(self._sign_in, str(data["username"]), str(data["password"]))
        except OnggiError as error:
            language = hub_pages.language_of(handler)
            sentence = words.explain(language, error.reason, error.params)
            raise web.HTTPError(error.status, sentence, reason=error.reason.value) from None

    async def check_allowed(self, username: str, _authentication: dict[str, Any] | None = None) -> bool:
        """Whether the registry knows the person."""
        return await asyncio.to_thread(self._is_known, username)

    async def is_admin(self, handler: BaseHandler, authentication: dict[str, Any]) -> bool:  # noqa: ARG002 - JupyterHub's names
        """Nobody administers the hub through the hub; administrators use the desk."""
        return False

    async def refresh_user(self, user: User, handler: BaseHandler | None = None) -> bool:  # noqa: ARG002 - as above
        """Whether the person may stay signed in."""
        return await asyncio.to_thread(self._is_known, user.name)

    async def pre_spawn_start(self, user: User, spawner: Spawner) -> None:
        """Ask the registry, take the lease, and hand the plan to the spawner.

        Raises:
            SpawnRefusal: with the reason why not.
        """
        spawner.plan = None
        language = asked_language(spawner.user_options)
        try:
            spawner.plan = await asyncio.to_thread(self._open, user.name, spawner.name, language)
        except OnggiError as error:
            raise SpawnRefusal(error, language) from None

    async def post_spawn_stop(self, user: User, spawner: Spawner) -> None:
        """Release what the session held."""
        if spawner.name:
            await asyncio.to_thread(close_sessions, self.context, user.name, spawner.name)

    def check_allow_config(self) -> None:
        """As the hub starts: void what an earlier hub logged but did not live to commit."""
        super().check_allow_config()
        try:
            heal(self.context)
        except OnggiError as error:
            self.log.warning("not healed yet, the next write will: %s", error)

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """The hub's sign-in page, and ours in place of those that nobody needs."""
        desk = self.settings.origin("desk")
        signed_out = signed_out_address(self.settings, "desk")
        return [*super().get_handlers(app), *hub_pages.handlers(desk, signed_out)]

    def _sign_in(self, name: str, password: str) -> str | None:
        try:
            person_name(name)
        except OnggiError:
            return None
        self.throttle.check(name)
        if not self.passwords.verify(name, password) or not self._is_known(name):
            self.throttle.failed(name)
            note(self.context, "service:hub", "person.sign-in-failed", name)
            return None
        self.throttle.succeeded(name)
        note(self.context, name, "person.sign-in", name)
        return name

    def _is_known(self, name: str) -> bool:
        with self.context.registry.reading() as store:
            return store.person(name) is not None

    def _open(self, member: str, project: str, language: str) -> SessionPlan:
        if not project:
            raise Refused(Reason.SESSION_NEEDS_PROJECT)
        settings = self.settings
        plan = open_session(
            self.context, member, project, language, settings.session_limits, settings.projects
        )
        (settings.projects / project).mkdir(mode=0o700, parents=True, exist_ok=True)
        return plan
