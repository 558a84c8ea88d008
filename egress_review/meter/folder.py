"""The contents of what was shown: files beside the database, one for each showing, gone after their window.

Guarantees: a file is whole or not there; its name is ours (project and showing ids are checked). Does not
guarantee: that a disk forgets what was unlinked.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from egress_review.meter.domain import Piece
from onggi.errors import Invalid, NotFound, Unavailable
from onggi.ids import slug
from onggi.reasons import Reason

__all__ = ["MAX_CODE_CHARACTERS", "Contents", "ShownFolder"]

MAX_CODE_CHARACTERS = 256 * 1024
_ID = re.compile(r"[0-9a-f]{32}")
Contents = tuple[str, tuple[Piece, ...]]
"""The code that ran, and the pieces that were shown, in order."""


class ShownFolder:
    """Files `<project>/<2 hex>/<showing id>.json` below a root that only egress review reads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, project: str, showing_id: str, code: str, pieces: Sequence[Piece]) -> None:
        """Keep the contents of a showing.

        Raises:
            Invalid: for an id that is none.
            Unavailable: `DISK_FULL`; nothing is half-kept.
        """
        path = self._path(project, showing_id)
        body = {"code": code[:MAX_CODE_CHARACTERS], "pieces": [[one.mime, one.content] for one in pieces]}
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
                    json.dump(body, file, ensure_ascii=False)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink()
                raise
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise Unavailable(Reason.DISK_FULL, path="review/shown") from None
            raise

    def get(self, project: str, showing_id: str) -> Contents:
        """The contents of a showing.

        Raises:
            NotFound: if they are not, or no longer, kept.
        """
        try:
            with self._path(project, showing_id).open(encoding="utf-8", errors="surrogatepass") as file:
                body = json.load(file)
        except FileNotFoundError:
            raise NotFound(Reason.NOT_FOUND, what="showing") from None
        return body["code"], tuple(Piece(mime, content) for mime, content in body["pieces"])

    def remove(self, project: str, showing_id: str) -> None:
        """Forget the contents of a showing; nothing happens if they are gone."""
        with suppress(FileNotFoundError):
            self._path(project, showing_id).unlink()

    def _path(self, project: str, showing_id: str) -> Path:
        if not _ID.fullmatch(showing_id):
            raise Invalid(Reason.FIELD_INVALID, field="id", value=showing_id[:40])
        return self._root / slug(project) / showing_id[:2] / f"{showing_id}.json"
