"""Reading and writing the project folder for the contents API; everything goes through `onggi.safe_files`."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from egress_review.display.figures import Figures
from egress_review.display.notebook import NotebookView
from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import Notice
from egress_review.display.seen import Seen
from onggi.errors import Invalid, OnggiError, Refused
from onggi.reasons import Reason
from onggi.safe_files import (
    Entry,
    Kind,
    list_beneath,
    mkdir_beneath,
    read_beneath,
    rename_beneath,
    rmdir_beneath,
    shown,
    stat_beneath,
    unlink_beneath,
    write_beneath,
)
from session.contents.rules import api_path, hidden_part, is_notebook, require_text
from session.meter import SessionMeter
from web.large_json import read_json

Model = dict[str, Any]
_MAX_TOLD = 50_000
_MAX_FOLDERS = 1000
_MAX_WRITE_BYTES = 16 * 1024 * 1024
_DIGEST_BYTES = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a file is asked for: as which kind, with its content, with its SHA-256."""

    kind: str | None = None
    content: bool = False
    digest: bool = False


class ProjectStore:
    """The project folder behind the contents API, as plain blocking calls.

    Raises (all methods): OnggiError with the reason that the browser is told.
    """

    def __init__(
        self,
        root: Path,
        policy: DisplayPolicy,
        meter: SessionMeter,
        seen: Seen,
        notebooks: NotebookView,
        figures: Figures,
    ) -> None:
        self._root = root
        self._policy = policy
        self._meter = meter
        self._seen = seen
        self._notebooks = notebooks
        self._figures = figures
        self._told: OrderedDict[str, tuple[Kind, int, int]] = OrderedDict()
        self._folders: OrderedDict[str, frozenset[str]] = OrderedDict()

    def apply(self, policy: DisplayPolicy) -> None:
        """Show by another policy from now on."""
        self._policy = policy
        self._notebooks.apply(policy)

    def name(self, path: str) -> str:
        """The checked name of an API path."""
        return api_path(path, self._policy.name_characters)

    def kind(self, path: str) -> Kind | None:
        """What stands under a path, or None."""
        try:
            return stat_beneath(self._root, self.name(path)).kind
        except OnggiError:
            return None

    def get(self, path: str, wanted: Wanted) -> Model:
        """A folder, a notebook or a text file."""
        name = self.name(path)
        self._meter.take(self._policy.message_bytes)  # that there is such a file, or not, is an answer too
        entry = stat_beneath(self._root, name)
        if entry.kind is Kind.DIRECTORY:
            if wanted.kind not in {None, "directory"}:
                raise Invalid(Reason.FILE_NOT_REGULAR, name=shown(name))
            return self._folder(name, entry, wanted)
        if entry.kind is not Kind.FILE or wanted.kind == "directory":
            raise Invalid(Reason.FILE_NOT_REGULAR, name=shown(name))
        entry = self._as_told(name, entry)
        model = _model(name, entry, "notebook" if is_notebook(name) and wanted.kind != "file" else "file")
        if not (wanted.content or wanted.digest):
            return model
        return self._file(name, model, wanted)

    def save(self, path: str, model: Model) -> Model:
        """Write a notebook, a text file or a new folder that the browser sent."""
        name = self.name(path)
        if not name:
            raise Invalid(Reason.FILE_NAME_REFUSED, name="/")
        kind = model.get("type")
        if kind == "directory":
            if self.kind(name) is not Kind.DIRECTORY:
                mkdir_beneath(self._root, name)
        elif kind == "notebook":
            self._save_notebook(name, model.get("content"))
        else:
            self._save_text(name, model)
        return self.get(name, Wanted())

    def delete(self, path: str) -> None:
        """Remove a file or an empty folder."""
        name = self.name(path)
        if stat_beneath(self._root, name).kind is Kind.DIRECTORY:
            rmdir_beneath(self._root, name)
        else:
            unlink_beneath(self._root, name)

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name."""
        rename_beneath(self._root, self.name(old), self.name(new))

    def raw(self, path: str) -> bytes:
        """The bytes of a file, for a checkpoint that stays on the trusted side."""
        return read_beneath(self._root, self.name(path), max_bytes=_MAX_WRITE_BYTES)

    def put_raw(self, path: str, data: bytes) -> None:
        """Put the bytes of a checkpoint back."""
        write_beneath(self._root, self.name(path), data, max_bytes=_MAX_WRITE_BYTES)

    def _folder(self, name: str, entry: Entry, wanted: Wanted) -> Model:
        model = _model(name, entry, "directory")
        if wanted.content:
            listed = [item for item in self._found(name) if self._listed(item)]
            visible = listed[: self._policy.listing_entries]
            self._charge_listing(name, visible)
            content = [
                self._listing(name, self._as_told(f"{name}/{item.name}".lstrip("/"), item, must_pay=True))
                for item in visible
            ]
            model["content"] = content + self._rest(name, len(listed) - len(visible))
            model["format"] = "json"
        return model

    def _found(self, name: str) -> tuple[Entry, ...]:
        limit = 10 * self._policy.listing_entries
        try:
            return list_beneath(self._root, name, limit=limit)
        except Invalid as error:
            if error.reason is Reason.TOO_MANY_FILES:
                raise Invalid(Reason.DISPLAY_LISTING_TOO_LONG, limit=limit) from None
            raise

    def _rest(self, folder: str, hidden: int) -> list[Model]:
        """An entry that says how many are not listed: the page has no other place for it."""
        if hidden <= 0:
            return []
        self._pay(self._policy.entry_bytes)
        limit = str(self._policy.listing_entries)
        sentence = self._notebooks.tell(
            Notice(Reason.DISPLAY_LISTING_CUT, {"hidden": str(hidden), "limit": limit})
        )
        nothing = Entry(sentence, Kind.FILE, 0, 0)
        return [_model(f"{folder}/{sentence}".lstrip("/"), nothing, "file") | {"writable": False}]

    def _listed(self, item: Entry) -> bool:
        usable = item.usable and item.kind in {Kind.DIRECTORY, Kind.FILE}
        return usable and not hidden_part(item.name) and len(item.name) <= self._policy.name_characters

    @staticmethod
    def _listing(folder: str, item: Entry) -> Model:
        path = f"{folder}/{item.name}" if folder else item.name
        kind = (
            "directory" if item.kind is Kind.DIRECTORY else "notebook" if is_notebook(item.name) else "file"
        )
        return _model(path, item, kind)

    def _charge_listing(self, folder: str, visible: list[Entry]) -> None:
        """Charge for the names that came and went since this folder was last shown."""
        names = frozenset(item.name for item in visible)
        before = self._folders.get(folder, frozenset())
        self._pay(self._policy.entry_bytes * len(names ^ before))
        for name in names - before:
            path = f"{folder}/{name}"
            if not self._seen.knows(path):
                self._pay(len(path.encode()))
                self._seen.add(path)
        self._folders[folder] = names
        self._folders.move_to_end(folder)
        while len(self._folders) > _MAX_FOLDERS:
            self._folders.popitem(last=False)

    def _as_told(self, path: str, entry: Entry, *, must_pay: bool = False) -> Entry:
        """Size and moment of a file, charged when they changed: a kernel can write any numbers there.

        When nothing more may be shown, what was told last is told again, so that saving goes on.
        """
        now = (entry.kind, entry.size, entry.mtime_ns // 10**9)
        told = self._told.get(path)
        if told != now:
            if self._meter.take(self._policy.entry_bytes):
                told = now
            elif must_pay:
                raise Invalid(Reason.DISPLAY_SESSION_LIMIT, limit=self._policy.session_bytes)
            told = told or (entry.kind, 0, 0)
        self._told[path] = told
        self._told.move_to_end(path)
        while len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        kind, size, seconds = told
        return replace(entry, kind=kind, size=size, mtime_ns=seconds * 10**9)

    def _pay(self, count: int) -> None:
        if count and not self._meter.take(count):
            raise Invalid(Reason.DISPLAY_SESSION_LIMIT, limit=self._policy.session_bytes)

    def _file(self, name: str, model: Model, wanted: Wanted) -> Model:
        notebook = is_notebook(name)
        if not notebook or model["type"] == "file":
            require_text(name)
        limit = self._policy.notebook_bytes if notebook else self._policy.file_bytes
        raw = read_beneath(self._root, name, max_bytes=limit)
        if wanted.digest and self._meter.take(_DIGEST_BYTES):
            model |= {"hash": hashlib.sha256(raw).hexdigest(), "hash_algorithm": "sha256"}
        if not wanted.content:
            return model
        if notebook:
            return model | {"content": self._notebook(raw, name), "format": "json"}
        text = _text(raw, name)
        if not self._seen.knows(text):
            if not self._meter.take(len(raw)):
                raise Invalid(Reason.DISPLAY_SESSION_LIMIT, limit=self._policy.session_bytes)
            self._seen.add(text)
        return model | {"content": text, "format": "text", "mimetype": "text/plain"}

    def _notebook(self, raw: bytes, name: str) -> dict[str, Any]:
        self._meter.expect(len(raw))
        try:
            return self._notebooks.show(read_json(raw), name)
        except (ValueError, RecursionError):  # a cell can nest values deeper than anything reads them
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=shown(name)) from None

    def _save_notebook(self, name: str, content: object) -> None:
        if (
            not is_notebook(name)
            or not isinstance(content, dict)
            or not isinstance(content.get("cells"), list)
        ):
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=shown(name))
        whole = self._figures.put_back(name, content, _MAX_WRITE_BYTES)
        raw = json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
        write_beneath(self._root, name, raw, max_bytes=_MAX_WRITE_BYTES)
        self._notebooks.remember(content)

    def _save_text(self, name: str, model: Model) -> None:
        if model.get("chunk") not in (None, 1, -1) or model.get("format") == "base64":
            raise Refused(Reason.FILE_TYPE_NOT_SHOWN, name=shown(name))
        text = model.get("content")
        if not isinstance(text, str):
            raise Invalid(Reason.FIELD_INVALID, field="content", value="")
        require_text(name)
        write_beneath(self._root, name, text.encode("utf-8", "replace"), max_bytes=_MAX_WRITE_BYTES)
        self._seen.add(text)


def _model(path: str, entry: Entry, kind: str) -> Model:
    # Whole seconds: the rest of a time stamp is the researcher's to write in.
    moment = datetime.fromtimestamp(min(max(entry.mtime_ns // 10**9, 0), 2**33), UTC)
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "type": kind,
        "writable": True,
        "created": moment,
        "last_modified": moment,
        "mimetype": None,
        "content": None,
        "format": None,
        "size": entry.size if kind != "directory" else None,
    }


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reason.FILE_TYPE_NOT_SHOWN, name=shown(name)) from None
