"""A decision is a value: `Allow`, or `Deny` with the reason that everyone is shown.

The same `Deny` refuses the API call, explains the greyed button and stands in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onggi.errors import Refused
from onggi.reasons import Reason


@dataclass(frozen=True, slots=True)
class Allow:
    """The rules say yes."""


@dataclass(frozen=True, slots=True)
class Deny:
    """A refusal. `reason` is a code; the catalogues hold the sentences."""

    reason: Reason
    params: Mapping[str, str] = field(default_factory=dict)


Decision = Allow | Deny


def require(decision: Decision) -> None:
    """Go on if allowed.

    Raises:
        Refused: with the reason of the `Deny`.
    """
    if isinstance(decision, Deny):
        raise Refused(decision.reason, **decision.params)
