"""Jupyter's contents manager over the project folder.

Guarantees: no path of the project folder is opened but through `onggi.safe_files`; none of Jupyter's own file
managers is in use. What is refused says why, in the session's language.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, cast

from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.web import HTTPError
from traitlets import Type

from onggi.errors import Invalid, OnggiError, Refused
from onggi.reasons import Reason
from onggi.safe_files import Kind
from onggi.words import explain
from session.contents.checkpoints import CheckpointStore
from session.contents.opened import OpenedNotebook
from session.contents.store import ProjectStore, Wanted
from session.context import SessionContext

_EMPTY_NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class OnggiCheckpoints(AsyncCheckpoints):
    """Checkpoints in the server's own state; one per file."""

    @property
    def _manager(self) -> OnggiContents:
        manager: Any = self.parent
        return cast("OnggiContents", manager)

    async def create_checkpoint(self, contents_mgr: OnggiContents, path: str) -> dict[str, Any]:
        """Keep the present bytes of a file."""
        kept: dict[str, Any] = await contents_mgr.in_thread(contents_mgr.checkpoint_store.create, path)
        return kept

    async def list_checkpoints(self, path: str) -> list[dict[str, Any]]:
        """The checkpoint of a file, if there is one."""
        kept: list[dict[str, Any]] = await self._manager.in_thread(self._manager.checkpoint_store.list, path)
        return kept

    async def restore_checkpoint(self, contents_mgr: OnggiContents, checkpoint_id: str, path: str) -> None:  # noqa: ARG002 - Jupyter's signature
        """Put the kept bytes back."""
        await contents_mgr.in_thread(contents_mgr.checkpoint_store.restore, path)

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:  # noqa: ARG002 - Jupyter's signature
        """Forget the kept bytes."""
        await self._manager.in_thread(self._manager.checkpoint_store.delete, path)

    async def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> None:  # noqa: ARG002 - Jupyter's signature
        """Let the checkpoint follow its file."""
        await self._manager.in_thread(self._manager.checkpoint_store.rename, old_path, new_path)


class OnggiContents(AsyncContentsManager):
    """The project folder for JupyterLab."""

    checkpoints_class = Type(OnggiCheckpoints)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        server: Any = self.parent
        context: SessionContext = server.onggi
        self._language = context.settings.plan.language
        self._meter = context.meter
        self.store: ProjectStore = context.store
        self.checkpoint_store = CheckpointStore(context.settings.state_dir / "checkpoints", self.store)

    def get_extra_handlers(self) -> list[Any]:
        """No `/files/`."""
        return []

    async def in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a blocking call of the store; its refusals become answers."""
        with self._refusals():
            return await asyncio.to_thread(call, *arguments)

    async def dir_exists(self, path: str) -> bool:
        """Whether a folder stands there."""
        return await asyncio.to_thread(self.store.kind, path) is Kind.DIRECTORY

    async def file_exists(self, path: str = "") -> bool:
        """Whether a regular file stands there."""
        return await asyncio.to_thread(self.store.kind, path) is Kind.FILE

    async def is_hidden(self, path: str) -> bool:
        """Whether a name is refused; what stands there makes no difference."""
        try:
            self.store.name(path)
        except OnggiError:
            return True
        return False

    async def get(
        self,
        path: str,
        content: bool = True,  # noqa: FBT001, FBT002 - Jupyter's signature
        type: str | None = None,  # noqa: A002 - Jupyter's name
        format: str | None = None,  # noqa: A002 - Jupyter's name
        require_hash: bool = False,  # noqa: FBT001, FBT002 - Jupyter's signature
    ) -> dict[str, Any]:
        """A folder, a notebook or a text file."""
        if format == "base64":
            with self._refusals():
                raise Refused(Reason.FILE_TYPE_NOT_SHOWN, name=path[:60])
        wanted = Wanted(type, content=bool(content), digest=bool(require_hash))
        model: dict[str, Any] = await self.in_thread(self._opened, path, wanted)
        return model

    def _opened(self, path: str, wanted: Wanted) -> dict[str, Any]:
        model = self.store.get(path, wanted)
        whole = model["type"] == "notebook" and model["content"] is not None
        return OpenedNotebook(model) if whole else model

    async def save(self, model: dict[str, Any], path: str) -> dict[str, Any]:
        """Write what the browser sent."""
        saved: dict[str, Any] = await self.in_thread(self.store.save, path, model)
        return saved

    async def new(self, model: dict[str, Any] | None = None, path: str = "") -> dict[str, Any]:
        """Make a file with what the browser sent, or an empty one."""
        model = dict(model or {})
        model.setdefault("type", "notebook" if path.endswith(".ipynb") else "file")
        if model["type"] == "notebook" and not model.get("content"):
            model["content"] = _EMPTY_NOTEBOOK
        elif model["type"] == "file" and model.get("content") is None:
            model |= {"content": "", "format": "text"}
        return await self.save(model, path)

    async def delete_file(self, path: str) -> None:
        """Remove a file or an empty folder."""
        await self.in_thread(self.store.delete, path)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Give a file another name."""
        await self.in_thread(self.store.rename, old_path, new_path)

    async def copy(self, from_path: str, to_path: str | None = None) -> dict[str, Any]:
        """Copy a notebook or text file; what cannot be opened cannot be copied in the browser."""
        model = await self.get(from_path)
        folder = to_path if to_path is not None else from_path.rpartition("/")[0]
        name = await self.increment_filename(  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
            model["name"], folder, insert="-Copy"
        )
        return await self.save(model, f"{folder.strip('/')}/{name}".lstrip("/"))

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OnggiError as error:
            status = HTTPStatus.BAD_REQUEST if isinstance(error, Invalid) else error.status
            reason, params = error.reason, error.params
            if reason is Reason.DISPLAY_SESSION_LIMIT:  # the meter knows which limit it was
                reason, params = self._meter.refusal.reason, dict(self._meter.refusal.params)
            sentence = explain(self._language, reason, params)
            raise HTTPError(status, sentence.replace("%", "%%"), reason=reason.value) from None
