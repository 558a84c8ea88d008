"""What the runner orders of one worker: one output, as paths in its box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from egress_review.checks.job import DatasetFolder
from egress_review.checks.policy import CheckPolicy, policy_from_json


@dataclass(frozen=True, slots=True)
class Order:
    """One output to check.

    Attributes:
        name: as the researcher named it.
        sha256: of the file, as the runner found it.
        file: its path in the box.
        scratch: a writable folder in the box.
        claim: the JSON of its claim, or None.
        datasets: those granted, with their folders in the box.
    """

    name: str
    sha256: str
    file: str
    scratch: str
    claim: Mapping[str, Any] | None
    datasets: tuple[DatasetFolder, ...]
    policy: CheckPolicy

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "file": self.file,
            "scratch": self.scratch,
            "claim": None if self.claim is None else dict(self.claim),
            "datasets": [asdict(one) for one in self.datasets],
            "policy": self.policy.to_json(),
        }


def order_from_json(body: Mapping[str, Any]) -> Order:
    """Read the wire form; it comes from the runner, which is trusted."""
    return Order(
        name=body["name"],
        sha256=body["sha256"],
        file=body["file"],
        scratch=body["scratch"],
        claim=body["claim"],
        datasets=tuple(DatasetFolder(**one) for one in body["datasets"]),
        policy=policy_from_json(body["policy"]),
    )
