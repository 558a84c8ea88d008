"""Between rows and values. Rows never leave the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from egress_review.checks.report import output_report_from_json
from egress_review.domain import Ballot, Output, Release, ReleasedFile, Request, State, Vote
from egress_review.store import tables
from onggi.clock import from_text, text_or_none, to_text

Row = Mapping[str, Any] | sa.RowMapping


def maybe_moment(text: str | None) -> datetime | None:
    """A moment from a column that may be empty."""
    return from_text(text) if text else None


def request_row(request: Request) -> dict[str, Any]:
    """The columns of a request; `newest` is set by the unit."""
    return {
        "id": request.id,
        "version": request.version,
        "project": request.project,
        "member": request.member,
        "purpose": request.purpose,
        "context": request.context,
        "state": request.state.value,
        "policy": request.policy,
        "reviewers": request.reviewers,
        "created": to_text(request.created),
        "submitted": text_or_none(request.submitted),
        "decided": text_or_none(request.decided),
    }


def output_row(request: Request, output: Output) -> dict[str, Any]:
    """The columns of an output."""
    return {
        "request": request.id,
        "version": request.version,
        "number": output.number,
        "name": output.name,
        "size": output.size,
        "sha256": output.sha256,
        "declared_sha256": output.declared_sha256,
        "claim": _to_json(output.claim),
        "report": _to_json(output.report.to_json() if output.report else None),
    }


def vote_row(vote: Vote) -> dict[str, Any]:
    """The columns of a vote."""
    return {
        "request": vote.request,
        "version": vote.version,
        "reviewer": vote.reviewer,
        "output": vote.output,
        "ballot": vote.ballot.value,
        "reason": vote.reason,
        "cast": to_text(vote.cast),
        "salt": vote.salt,
    }


def read_output(row: Row) -> Output:
    """An output from its row."""
    report = json.loads(row["report"]) if row["report"] else None
    return Output(
        number=row["number"],
        name=row["name"],
        size=row["size"],
        sha256=row["sha256"],
        declared_sha256=row["declared_sha256"],
        claim=json.loads(row["claim"]) if row["claim"] else None,
        report=output_report_from_json(report) if report else None,
    )


def read_vote(row: Row) -> Vote:
    """A vote from its row."""
    return Vote(
        request=row["request"],
        version=row["version"],
        reviewer=row["reviewer"],
        output=row["output"],
        ballot=Ballot(row["ballot"]),
        reason=row["reason"],
        cast=from_text(row["cast"]),
        salt=row["salt"],
    )


def load_requests(connection: sa.Connection, rows: Sequence[Row]) -> tuple[Request, ...]:
    """Requests from their rows, with outputs and voters."""
    ids = {row["id"] for row in rows}
    outputs = _grouped(connection, sa.select(tables.outputs).where(tables.outputs.c.request.in_(ids)))
    voters_query = sa.select(
        tables.votes.c.request, tables.votes.c.version, tables.votes.c.reviewer
    ).distinct()
    voters = _grouped(connection, voters_query.where(tables.votes.c.request.in_(ids)))
    return tuple(
        Request(
            id=row["id"],
            version=row["version"],
            project=row["project"],
            member=row["member"],
            purpose=row["purpose"],
            context=row["context"],
            state=State(row["state"]),
            policy=row["policy"],
            reviewers=row["reviewers"],
            created=from_text(row["created"]),
            outputs=tuple(sorted(map(read_output, outputs.get(_key(row), ())), key=lambda one: one.number)),
            submitted=maybe_moment(row["submitted"]),
            decided=maybe_moment(row["decided"]),
            voters=frozenset(vote["reviewer"] for vote in voters.get(_key(row), ())),
        )
        for row in rows
    )


def load_releases(connection: sa.Connection, rows: Sequence[Row]) -> tuple[Release, ...]:
    """Releases from their rows, with files and the number of downloads."""
    ids = {row["id"] for row in rows}
    files: dict[str, list[ReleasedFile]] = {}
    found = sa.select(tables.released_files).where(tables.released_files.c.release.in_(ids))
    for file in connection.execute(found.order_by(tables.released_files.c.number)).mappings():
        values = {name: file[name] for name in ("number", "name", "sha256", "size")}
        files.setdefault(file["release"], []).append(ReleasedFile(**values))
    counted = sa.select(tables.downloads.c.release, sa.func.count()).where(
        tables.downloads.c.release.in_(ids)
    )
    grouped = counted.group_by(tables.downloads.c.release)
    downloads: dict[str, int] = {name: count for name, count in connection.execute(grouped)}  # noqa: C416 - typed
    return tuple(
        Release(
            id=row["id"],
            request=row["request"],
            version=row["version"],
            project=row["project"],
            files=tuple(files.get(row["id"], ())),
            created=from_text(row["created"]),
            expires=from_text(row["expires"]),
            leaf=row["leaf"],
            certificate=row["certificate"],
            downloads=downloads.get(row["id"], 0),
        )
        for row in rows
    )


def _grouped(connection: sa.Connection, query: sa.Select[Any]) -> dict[tuple[str, int], list[Row]]:
    grouped: dict[tuple[str, int], list[Row]] = {}
    for row in connection.execute(query).mappings():
        grouped.setdefault((row["request"], row["version"]), []).append(dict(row))
    return grouped


def _key(row: Row) -> tuple[str, int]:
    return row["id"], row["version"]


def _to_json(value: object) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))
