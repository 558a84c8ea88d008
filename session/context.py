"""What the parts of one session server share; made once in `session.app`, handed to each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from egress_review.display.policy import DisplayPolicy
from onggi.errors import OnggiError
from session.audit import AuditTrail
from session.contents.figures import ShownFigures
from session.contents.store import ProjectStore
from session.kernels.agent_client import AgentClient
from session.kernels.gates import Gates
from session.meter import SessionMeter
from session.record import DisplayRecord
from session.services import Service
from session.settings import Settings

POLICY_UNKNOWN = replace(
    DisplayPolicy(),
    version="unknown",
    mime_types=frozenset(),
    table_styles=False,
    cell_text_bytes=0,
    cell_error_bytes=0,
    cell_images=0,
    background_bytes=0,
    assist_bytes=0,
    record_days=0,
)
"""What holds until egress review has said which policy the project has: nothing of a kernel is shown."""


@dataclass(slots=True)
class SessionContext:
    """The session in this process.

    Attributes:
        facts: the desk's last answer about this session, empty before the first.
        closed: why no kernel socket may be open now, or None.
    """

    settings: Settings
    desk: Service
    review: Service
    audit: AuditTrail
    meter: SessionMeter
    record: DisplayRecord
    gates: Gates
    agent: AgentClient
    figures: ShownFigures
    store: ProjectStore
    facts: dict[str, Any] = field(default_factory=dict)
    closed: OnggiError | None = None

    def apply(self, policy: DisplayPolicy) -> None:
        """Show by another policy from now on."""
        self.meter.apply(policy)
        self.gates.use(policy)
        self.store.apply(policy)
        self.record.policy = policy.version
        self.record.keeps_contents = policy.record_days > 0
