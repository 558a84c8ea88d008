"""What an installation has stored and must never lose: requests, votes, audit events, releases, files."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field, fields
from pathlib import Path

Rows = list[tuple[object, ...]]


@dataclass
class Known:
    """What has been seen and must never be missing again."""

    requests: set[str] = field(default_factory=set)
    votes: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    vault: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)

    def look(self, state: Path) -> None:
        """Add what is there now; fail if something known is gone."""
        seen = Known(
            _texts(review(state, "SELECT id, version, member, purpose FROM requests")),
            _texts(review(state, "SELECT request, version, reviewer, output, ballot, salt FROM votes")),
            _texts(review(state, "SELECT leaf, event_id, hex(body) FROM audit_leaves")),
            _texts(review(state, "SELECT id, request, version, leaf FROM releases")),
            {path.name for path in (state / "review" / "store" / "sha256").rglob("*") if path.is_file()},
            _texts(registry(state, "SELECT event_id FROM audit_refs")),
        )
        for one in fields(self):
            before, now = getattr(self, one.name), getattr(seen, one.name)
            assert before <= now, f"{one.name} lost: {before - now}"
            setattr(self, one.name, now)


def review(state: Path, query: str, *values: object) -> Rows:
    """Rows of egress review's database."""
    return _rows(state / "review" / "review.sqlite", query, values)


def registry(state: Path, query: str, *values: object) -> Rows:
    """Rows of the registry."""
    return _rows(state / "hub" / "registry.sqlite", query, values)


def log_and_registry_agree(state: Path) -> None:
    """What the log says was written to the registry is there, or the log says that it never came about."""
    events = [json.loads(str(row[0])) for row in review(state, "SELECT CAST(body AS TEXT) FROM audit_leaves")]
    said = {one["id"] for one in events if one["details"].get("write") == "registry"}
    voided = {one["subject"] for one in events if one["action"] == "event.voided"}
    done = {str(row[0]) for row in registry(state, "SELECT event_id FROM audit_refs")}
    assert said - voided == done, f"logged only: {said - voided - done}; unlogged: {done - said}"


def _texts(rows: Rows) -> set[str]:
    return {" ".join(map(str, row)) for row in rows}


def _rows(database: Path, query: str, values: tuple[object, ...]) -> Rows:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        return connection.execute(query, values).fetchall()
