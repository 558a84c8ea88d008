"""Service tokens: who is calling is the name of the token file.

Tokens are compared in constant time. A token file is readable by its owner only, or it is refused.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request

from onggi.errors import Refused
from onggi.ids import new_secret
from onggi.reasons import Reason

SERVICES = ("hub", "desk", "review", "broker")


def token_of(secrets: Path, service: str) -> str:
    """Read the token of `service`, making it on first use.

    Raises:
        PermissionError: if the file can be read by others.
    """
    path = secrets / f"{service}.token"
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} must not be readable by others (chmod 600)")
    return path.read_text("ascii").strip()


def _make(path: Path) -> None:
    """A fresh token, whole or not at all, whoever else makes it or kills this process meanwhile."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_secret())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def bearer(request: Request) -> str | None:
    """The bearer token of a request, if it has one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() in {"bearer", "token"} and value else None


def calling_service(request: Request, tokens: Mapping[str, str]) -> str:
    """The name of the service whose token the request carries.

    Args:
        tokens: service name → token.

    Raises:
        Refused: `SIGN_IN_REQUIRED` if it carries none of them.
    """
    given = (bearer(request) or "").encode()
    found = [name for name, token in tokens.items() if hmac.compare_digest(given, token.encode())]
    if not given or not found:
        raise Refused(Reason.SIGN_IN_REQUIRED)
    return found[0]
