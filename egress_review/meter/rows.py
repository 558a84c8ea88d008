"""Between the values of the display meter and rows."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import RowMapping

from egress_review.meter.domain import Amounts, DayUse, Kind, Lease, Lift, PolicyVersion, Showing, Verdict
from onggi.clock import from_text, text_or_none, to_text

__all__ = [
    "lease_row",
    "lift_row",
    "policy_row",
    "read_day",
    "read_lease",
    "read_lift",
    "read_policy",
    "read_showing",
    "showing_row",
]

_SHOWING = (
    *("id", "session", "project", "member", "day", "subject", "number", "code_sha256"),
    *("cuts", "sha256", "policy", "kept", "shown_bytes"),
)


def read_day(row: RowMapping) -> DayUse:
    """A member's day."""
    return DayUse(row["project"], row["member"], row["day"], _amounts(row))


def lease_row(lease: Lease) -> dict[str, Any]:
    """A lease for insertion."""
    names = ("id", "session", "project", "member", "day", "settled")
    return {name: getattr(lease, name) for name in names} | {
        "output": lease.lent.output,
        "page": lease.lent.page,
    }


def read_lease(row: RowMapping) -> Lease:
    """A lease."""
    names = ("id", "session", "project", "member", "day", "settled")
    return Lease(**{name: row[name] for name in names}, lent=_amounts(row))


def lift_row(lift: Lift) -> dict[str, Any]:
    """A lift for insertion."""
    names = ("id", "project", "member", "day", "extra_bytes", "reason", "by")
    return {name: getattr(lift, name) for name in names} | {"at": to_text(lift.at)}


def read_lift(row: RowMapping) -> Lift:
    """A lift."""
    return Lift(**(dict(row) | {"at": from_text(row["at"])}))


def policy_row(version: PolicyVersion) -> dict[str, Any]:
    """A version for insertion."""
    names = ("project", "number", "name", "text", "by", "reason")
    return {name: getattr(version, name) for name in names} | {"at": text_or_none(version.at)}


def read_policy(row: RowMapping) -> PolicyVersion:
    """A version."""
    return PolicyVersion(**(dict(row) | {"at": from_text(row["at"])}))


def showing_row(showing: Showing) -> dict[str, Any]:
    """A showing for insertion."""
    return {name: getattr(showing, name) for name in _SHOWING} | {
        "at": to_text(showing.at),
        "kind": showing.kind.value,
        "verdict": showing.verdict.value,
        "sizes": json.dumps(dict(showing.sizes)),
    }


def read_showing(row: RowMapping) -> Showing:
    """A showing."""
    values = {name: value for name, value in row.items() if name != "shown_bytes"}
    return Showing(
        **values
        | {
            "at": from_text(row["at"]),
            "kind": Kind(row["kind"]),
            "verdict": Verdict(row["verdict"]),
            "sizes": json.loads(row["sizes"]),
        }
    )


def _amounts(row: RowMapping) -> Amounts:
    return Amounts(int(row["output"]), int(row["page"]))
