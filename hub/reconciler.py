"""What runs is what the registry allows: compared every few seconds, and put right.

Guarantees, as long as hub and desk run: a session whose membership, project or mounted grant has ended is
stopped at the next pass; a lease without a server is released; a server without a lease is stopped. Every
step is idempotent and a pass that fails is repeated, so lost events and restarts do no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.actions.context import Context, heal, note
from hub.actions.sessions import close_session, reason_to_end
from hub.hub_api import HubClient, Server
from hub.registry.store import Reading
from hub.registry.values import SessionRecord
from onggi.decision import Deny
from onggi.errors import OnggiError

log = logging.getLogger("onggi.reconciler")
GRACE = timedelta(seconds=60)
LOST = "lost"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to put right.

    Attributes:
        stop: whose server in which project is to be stopped, or None.
        close: the session to be closed afterwards, or None.
        reason: the code that both get.
    """

    stop: tuple[str, str] | None
    close: str | None
    reason: str


def steps(store: Reading, servers: Iterable[Server], now: datetime) -> list[Step]:
    """What has to be done so that servers and registry agree.

    A server on its way is let be: its lease is taken while it starts, and the hub ends a start that hangs.
    """
    found = tuple(servers)
    running = {(one.member, one.project) for one in found}
    settled = {(one.member, one.project) for one in found if one.pending is None}
    leased = {(one.member, one.project): one for one in store.open_sessions()}
    wanted = [_step_of(store, one, now, runs=key in running) for key, one in leased.items()]
    orphans = [Step(key, None, LOST) for key in sorted(settled - set(leased))]
    return [*(step for step in wanted if step is not None), *orphans]


def _step_of(store: Reading, session: SessionRecord, now: datetime, *, runs: bool) -> Step | None:
    decision = reason_to_end(store, session, now)
    if isinstance(decision, Deny):
        return Step((session.member, session.project), session.session_id, decision.reason.value)
    if not runs and session.started + GRACE < now:
        return Step(None, session.session_id, LOST)
    return None


class Reconciler:
    """Runs `steps` again and again beside the desk.

    Args:
        every_s: seconds between two passes.
    """

    def __init__(self, context: Context, hub: HubClient, every_s: float) -> None:
        self._context = context
        self._hub = hub
        self._every_s = every_s
        self._orphans: set[tuple[str, str]] = set()
        self._said: set[str] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Reconcile while the block runs."""
        task = asyncio.create_task(self._loop())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def once(self) -> int:
        """One pass; how many things were put right.

        Raises:
            Unavailable: if hub, registry or audit log do not answer.
        """
        servers = self._hub.servers()
        context = self._context
        with context.registry.reading() as store:
            todo = steps(store, servers, context.clock.now())
        return sum(self._do(step) for step in self._settled(todo))

    def _settled(self, todo: list[Step]) -> list[Step]:
        """Servers without a lease count only when seen twice: a lease may have been taken between two
        looks.
        """
        before = self._orphans
        self._orphans = {step.stop for step in todo if step.close is None and step.stop is not None}
        return [step for step in todo if step.close is not None or step.stop in before]

    def _do(self, step: Step) -> int:
        """Say it, stop it, release it: in this order, so that the log knows before anything is seen."""
        if step.stop is not None:
            self._say_once(step)
            self._hub.stop(*step.stop)
        if step.close is not None:
            close_session(self._context, step.close, step.reason)
            self._said.discard(step.close)
        return 1

    def _say_once(self, step: Step) -> None:
        if step.stop is None or step.close is None or step.close in self._said:
            return
        member, project = step.stop
        actor = f"service:{self._context.source}"
        details = {"member": member, "reason": step.reason}
        note(self._context, actor, "session.expired", step.close, project, **details)
        self._said.add(step.close)

    async def _loop(self) -> None:
        healed = False
        while True:
            try:
                if not healed:
                    await asyncio.to_thread(heal, self._context)
                    healed = True
                await asyncio.to_thread(self.once)
            except OnggiError as error:
                log.warning("reconciling failed, will be repeated: %s", error)
            except Exception:
                log.exception("reconciling failed, will be repeated")
            await asyncio.sleep(self._every_s)
