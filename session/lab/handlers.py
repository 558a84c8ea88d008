"""What our extension asks of its own session server."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from onggi.errors import Invalid, OnggiError
from onggi.reasons import Reason
from onggi.words import explain
from session.context import SessionContext
from session.lab.files import ADDRESS, EXTENSION, STATIC, LabFileHandler, release
from session.lab.status import status
from session.session_api.actions import SessionActions
from web.reason_headers import REASON_HEADER

_KEYS = frozenset({"paths", "purpose", "context"})


class LabHandler(APIHandler):
    """What all have in common: the session, and errors in the one wire form with their sentence."""

    _track_activity = False  # that a page is open is no activity

    def initialize(self, context: SessionContext, actions: SessionActions) -> None:
        """Take what the handler works with."""
        self.onggi = context
        self.actions = actions

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Ours with reason and sentence, all else as Jupyter does."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, OnggiError):
            super().write_error(status_code, **kwargs)
            return
        self.set_status(error.status)
        self.set_header(REASON_HEADER, error.reason.value)
        language = self.onggi.settings.plan.language
        sentence = explain(language, error.reason, error.params)
        self._sent = self.finish(json.dumps(error.to_json() | {"message": sentence}))

    def log_exception(self, *error: Any) -> None:
        """A refusal is an answer, not an accident."""
        if not isinstance(error[1], OnggiError | HTTPError):
            super().log_exception(*error)


class StatusHandler(LabHandler):
    """GET onggi/status."""

    @authenticated
    async def get(self) -> None:
        """Budgets, compute, and whether the session is closed."""
        self._sent = self.finish(json.dumps(status(self.onggi, self.actions)))


class RequestsHandler(LabHandler):
    """GET and POST onggi/requests."""

    @authenticated
    async def get(self) -> None:
        """The member's requests in this project."""
        self._sent = self.finish(json.dumps(await self.actions.requests()))

    @authenticated
    async def post(self) -> None:
        """Submit files of the project folder for release."""
        self._track_activity = True
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or set(body) != _KEYS:
            raise Invalid(Reason.FIELD_INVALID, field="body", value="")
        made = await self.actions.submit(**body, typed=True)
        self.set_status(201)
        self._sent = self.finish(json.dumps(made))


class FigureHandler(LabHandler):
    """GET onggi/figures/NAME."""

    @authenticated
    async def get(self, name: str) -> None:
        """A figure of a stored notebook, drawn, paid and on record: mime type and base64."""
        self._track_activity = True
        figure = await self.onggi.figures.show(name)
        self._sent = self.finish(json.dumps({"kind": figure.kind, "data": figure.encoded}))


class NoPathsHandler(LabHandler):
    """GET api/resolvePath, in the place of Jupyter's.

    JupyterLab asks it about all that looks like a path in an output ("3/10 [00:01", a traceback's files),
    with every update of a progress bar. Jupyter's would say which files the server has; ours says one thing.
    """

    @authenticated
    async def get(self) -> None:
        """No path leads anywhere: the text stays text."""
        self._sent = self.finish(json.dumps({"resolved": []}))


def lab_handlers(context: SessionContext) -> list[tuple[str, type, dict[str, Any]]]:
    """The handlers to add to Jupyter's application."""
    prefix = context.settings.prefix
    shared = {"context": context, "actions": SessionActions(context)}
    files = f"{prefix}{ADDRESS}/{EXTENSION}/{release()}/(.*)"
    return [
        (f"{prefix}onggi/status", StatusHandler, shared),
        (f"{prefix}onggi/requests", RequestsHandler, shared),
        (f"{prefix}onggi/figures/([0-9a-f]{{64}})", FigureHandler, shared),
        (f"{prefix}api/resolvePath", NoPathsHandler, shared),
        (files, LabFileHandler, {"path": str(STATIC)}),
    ]
