"""The folder of one running session on the host: `run/s/<8 hex>/{api,k,server}`.

`api` holds the session API's socket (the compute sees it read-only), `k` is shared with the compute, which
may put anything in it, and `server` is the session server's own. The broker reads nothing in `k`, it only
measures it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onggi.plan import SessionPlan
from spawner.undelivered import rescue, undelivered_of

_PARTS = ("api", "k", "server")


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """The folder's path; its name is short, since socket paths end at 107 bytes."""

    path: Path

    @property
    def api(self) -> Path:
        """Folder of the session API's socket."""
        return self.path / "api"

    @property
    def kernels(self) -> Path:
        """Folder shared by session server and compute."""
        return self.path / "k"

    @property
    def server(self) -> Path:
        """The session server's own folder; holds its secrets until it has read them."""
        return self.path / "server"

    def write_secrets(self, plan: SessionPlan, environ: Mapping[str, str]) -> None:
        """Leave `plan.json` and `environ.json` for the session server, readable by nobody else."""
        _write(self.server / "plan.json", plan.to_json())
        _write(self.server / "environ.json", dict(environ))

    def tell_limits(self, held: Mapping[str, str], *, unsafe: bool) -> None:
        """Leave `compute.json` for the session server: what holds which limit, for its page to say."""
        _write(self.server / "compute.json", {"limits": dict(held), "unsafe": unsafe})

    def remove(self) -> None:
        """Delete everything but audit events on their way; a link in it is deleted, never followed."""
        rescue(self.server, undelivered_of(self.path.parent))
        shutil.rmtree(self.path, ignore_errors=True)


def make_session_folder(sessions: Path) -> SessionFolder:
    """A fresh, empty folder."""
    sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = sessions / secrets.token_hex(4)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        for part in _PARTS:
            (path / part).mkdir(mode=0o700)
        return SessionFolder(path)


def remove_all(sessions: Path) -> None:
    """Delete what an earlier broker left; its sessions ended with it."""
    for path in sessions.glob("*"):
        SessionFolder(path).remove()


def as_seen_in_box(plan: SessionPlan) -> SessionPlan:
    """The plan with the paths of the boxes in place of the host's."""
    mounts = tuple(replace(mount, path=f"/data/{mount.name}/{mount.version}") for mount in plan.datasets)
    return replace(plan, project_folder="/project", datasets=mounts)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
