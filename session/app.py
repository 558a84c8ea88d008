"""The session server: `jupyterhub-singleuser` with every part that touches the outside replaced by ours.

Guarantees of the whole: kernels run only in the compute (`session.kernels`), files are touched only through
`onggi.safe_files` (`session.contents`), a browser reaches only what the allow-list names (`session.http`) and
is shown only what the display gate rebuilt (`egress_review.display`); no configuration, extension, kernel
specification or style is read from a folder that anybody but Onggi writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback

from egress_review.display.drawings import KnownDrawings, RememberingWorker
from egress_review.display.figures import Figures, KeptImages
from egress_review.display.notebook import NotebookView
from egress_review.display.scope import Notice
from onggi.clock import SystemClock
from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.words import explain
from session.allocation import keep_start
from session.audit import AuditTrail
from session.configuration import configuration
from session.contents.figures import ShownFigures
from session.contents.opened import NOTEBOOK_PATH, NotebookHandler
from session.contents.store import ProjectStore
from session.context import POLICY_UNKNOWN, SessionContext
from session.grant import GrantCheck
from session.http.charging import ChargedServer
from session.http.guard import Guard
from session.kernels.agent_client import AgentClient
from session.kernels.gates import Gates
from session.lab.handlers import lab_handlers
from session.lab.page import page_config, prefer_our_page
from session.lease import LeaseKeeper
from session.meter import SessionMeter
from session.record import DisplayRecord
from session.sender import send_forever, send_waiting
from session.services import Service
from session.session_api.server import start_session_api
from session.settings import Settings
from session.tab import KnownContent
from web.journal import Journal
from web.spool import Spool

_REPORT_MILLISECONDS = 10_000
_log = logging.getLogger("onggi.session")


def make_context(settings: Settings) -> SessionContext:
    """Everything that the parts of a session share."""
    policy, plan = POLICY_UNKNOWN, settings.plan
    desk = Service("desk", settings.desk_url, plan.session_key)
    review = Service("review", settings.review_url, plan.session_key)
    audit = AuditTrail(plan, SystemClock(), Spool(settings.state_dir / "spool"), review)
    meter = SessionMeter(settings.state_dir / "meter", policy)
    record = DisplayRecord(audit, Journal(settings.state_dir / "shown"), SystemClock())
    seen = KnownContent()

    def tell(notice: Notice) -> str:
        told = meter.refusal if notice.reason is Reason.DISPLAY_SESSION_LIMIT else notice
        return explain(plan.language, told.reason, told.params)

    redraw = RememberingWorker(KnownDrawings(settings.state_dir / "drawn"))
    figures = Figures(KeptImages(settings.state_dir / "figures"), redraw)
    notebooks = NotebookView(policy, meter, seen, tell, figures.of)
    gates = Gates(policy, meter, audit, redraw, record)
    return SessionContext(
        settings=settings,
        desk=desk,
        review=review,
        audit=audit,
        meter=meter,
        record=record,
        gates=gates,
        agent=AgentClient(settings.kernels_dir / "agent.sock"),
        figures=ShownFigures(figures, gates, seen, record),
        store=ProjectStore(settings.project_dir, policy, meter, seen, notebooks, figures),
    )


class OnggiServer(ServerApp):
    """Jupyter's server with the guard in front and without the services that a session does not have."""

    default_services: Any = ("api", "contents", "kernels", "kernelspecs", "sessions")
    onggi: SessionContext
    _tasks: list[asyncio.Task[None]]

    def init_httpserver(self) -> None:
        """Listen with the count and the guard, not the application, behind the socket."""
        self._http_server = HTTPServer(
            ChargedServer(Guard(self.web_app, self.onggi), self.onggi),
            xheaders=self.trust_xheaders,
            max_body_size=self.max_body_size,
            max_buffer_size=self.max_buffer_size,
            idle_connection_timeout=600,
        )
        self.io_loop.add_callback(self._open)

    def write_server_info_file(self) -> None:
        """No file with the token in it."""

    def write_browser_open_files(self) -> None:
        """No file with the token in it."""

    async def _open(self) -> None:
        """Have something lent, so that a page can be shown, and then listen."""
        self._lease = LeaseKeeper(self.onggi.meter, self.onggi.review, self.onggi.apply)
        await self._lease.first()
        self._bind_http_server()
        await self._start_onggi()

    async def _start_onggi(self) -> None:
        self._api = start_session_api(self.onggi)
        self._grant = GrantCheck(self.onggi, lambda: self.io_loop.add_callback(self._end))
        self._tasks = [
            _task(self._grant.run_forever()),
            _task(self.onggi.audit.send_forever()),
            _task(self._lease.run_forever()),
            _task(send_forever(self.onggi.record, self.onggi.review)),
        ]
        keep_start()
        self._reporter = PeriodicCallback(self._report, _REPORT_MILLISECONDS)
        self._reporter.start()

    def _report(self) -> None:
        try:
            self.onggi.gates.report_rest()
            self.onggi.audit.report_refusals()
        except Unavailable as error:
            _log.error("audit events cannot be kept: %s", error)

    async def _end(self) -> None:
        """Stop because the desk said so."""
        self.stop(from_signal=True)

    async def _cleanup(self) -> None:
        """Around Jupyter's own: say why, report, send what can be sent, put the count on disk."""
        await self._grant.farewell()
        await super()._cleanup()
        self._report()
        await self.onggi.audit.drain(2.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(send_waiting(self.onggi.record, self.onggi.review), 2.0)
        await self._lease.give_back()
        self.onggi.gates.close()
        self.onggi.meter.close()


class OnggiSession(JupyterHubSingleUser):
    """The single-user extension, loading JupyterLab and nothing else."""

    serverapp_class = OnggiServer
    load_other_extensions = False
    serverapp_config: dict[str, Any] = {"jpserver_extensions": {"jupyterlab": True}}  # noqa: RUF012 - Jupyter's form

    def initialize(self, args: Any = None) -> None:
        """As the base class, with our page around JupyterLab (`session.lab`)."""
        super().initialize(args)
        application = self.serverapp.web_app
        notebooks = (f"{self.serverapp.onggi.settings.prefix}{NOTEBOOK_PATH}", NotebookHandler)
        application.add_handlers(".*$", [notebooks, *lab_handlers(self.serverapp.onggi)])
        prefer_our_page(application.settings["lab_jinja2_env"])
        hook = application.settings["page_config_hook"]
        application.settings["page_config_hook"] = lambda handler, config: page_config(
            self.serverapp.onggi, hook(handler, config)
        )


def run(settings: Settings) -> None:
    """Serve until told to stop."""
    OnggiServer.onggi = make_context(settings)
    server = OnggiSession.initialize_server(argv=[], config=configuration(settings))
    server.start()


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)
