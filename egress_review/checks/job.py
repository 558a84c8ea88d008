"""What is to be checked: outputs in the vault, the data sets that the project may use, and the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from egress_review.checks.policy import CheckPolicy


@dataclass(frozen=True, slots=True)
class OutputToCheck:
    """One submitted file as it lies in the vault.

    Attributes:
        name: as the researcher named it; only its ending is looked at.
        sha256: 64 hex digits; the runner refuses a vault file that does not match.
        path: absolute host path of the vault file; bound read-only into the box.
        claim: the JSON of `<file>.claim.json`, unread and hostile, or None.
    """

    name: str
    sha256: str
    path: str
    claim: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """A granted data-set version and the host folder that holds its manifest and tables.

    Attributes:
        outside: whether the folder is another system's and describes itself in the small form, if at all.
    """

    name: str
    version: str
    folder: str
    outside: bool = False


@dataclass(frozen=True, slots=True)
class CheckJob:
    """One run of the checks over the outputs of a request.

    Attributes:
        datasets: exactly those granted to the project; a claim on any other is blocked.
    """

    outputs: tuple[OutputToCheck, ...]
    datasets: tuple[DatasetFolder, ...] = ()
    policy: CheckPolicy = field(default_factory=CheckPolicy)
