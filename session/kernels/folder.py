"""One private folder per kernel in the part of the file system that is shared with the compute.

Guarantees: the folders and the connection file are made by descriptor, step by step, never through a link and
never over something that stands there; nothing is ever read back. The compute may change all of it
afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from onggi.errors import Invalid, Unavailable
from onggi.reasons import Reason

_KERNEL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_connection(root: Path, kernel_id: str, connection: Mapping[str, Any]) -> None:
    """Make `kernels/<kernel_id>/connection.json` under `root`, replacing an earlier one in one step.

    Raises:
        Invalid: if `kernel_id` is no UUID in lower case.
        Unavailable: AGENT_ANSWER_REFUSED if the compute has put something in the way.
    """
    if not _KERNEL_ID.fullmatch(kernel_id):
        raise Invalid(Reason.FIELD_INVALID, field="kernel_id", value=kernel_id[:60])
    body = json.dumps(connection).encode()
    try:
        with _open(root, None) as top, _made(top, "kernels") as kernels, _made(kernels, kernel_id) as folder:
            temporary = f".{secrets.token_hex(8)}"
            target = os.open(
                temporary,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=folder,
            )
            try:
                os.write(target, body)
            finally:
                os.close(target)
            os.rename(temporary, "connection.json", src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        raise Unavailable(Reason.AGENT_ANSWER_REFUSED) from None


@contextlib.contextmanager
def _open(name: Path | str, parent: int | None) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _made(parent: int, name: str) -> Iterator[int]:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    with _open(name, parent) as descriptor:
        yield descriptor
