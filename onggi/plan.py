"""What a session is to be: the plan that the hub hands to the broker.

A plan is complete and final: the broker adds nothing to it from its surroundings and believes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from onggi.errors import Invalid
from onggi.ids import person_name, slug
from onggi.reasons import Reason

_SESSION_ID = re.compile(r"s-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ComputeLimits:
    """What the compute of a session may use.

    Attributes:
        memory_bytes: of all its processes together.
        cpus: processor cores.
        processes: processes and threads.
        open_files: descriptors per process.
        disk_bytes: of the project folder.
    """

    memory_bytes: int = 4 * 1024**3
    cpus: int = 2
    processes: int = 512
    open_files: int = 4096
    disk_bytes: int = 10 * 1024**3


@dataclass(frozen=True, slots=True)
class DatasetMount:
    """A granted data-set version and the host folder that holds it."""

    name: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """One session of one member in one project.

    Attributes:
        session_id: `s-` and 16 hex digits.
        until: RFC 3339 end of the right to this session, or None.
        session_key: the bearer secret with which the session server speaks to desk and review.
        project_folder: host path, writable from the compute at `/project`.
    """

    session_id: str
    member: str
    project: str
    language: str
    until: str | None
    session_key: str
    project_folder: str
    datasets: tuple[DatasetMount, ...] = ()
    limits: ComputeLimits = field(default_factory=ComputeLimits)

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return asdict(self)


def plan_from_json(body: object) -> SessionPlan:
    """Read the wire form, refusing what is unknown.

    Raises:
        Invalid: naming what is wrong.
    """
    if not isinstance(body, Mapping):
        raise Invalid(Reason.FIELD_INVALID, field="plan", value="")
    try:
        values = dict(body)
        values["datasets"] = tuple(DatasetMount(**one) for one in values.get("datasets", ()))
        values["limits"] = ComputeLimits(**values.get("limits", {}))
        plan = SessionPlan(**values)
    except TypeError:
        raise Invalid(Reason.FIELD_INVALID, field="plan", value="keys") from None
    if not _SESSION_ID.fullmatch(plan.session_id):
        raise Invalid(Reason.FIELD_INVALID, field="session_id", value=plan.session_id[:40])
    person_name(plan.member)
    slug(plan.project)
    for mount in plan.datasets:
        slug(mount.name)
    return plan
