"""How votes stand in the audit log: sealed when cast, opened by the decision.

A `vote.cast` event holds only a commitment, so that whoever reads the log before all have voted learns that
a reviewer voted, not what. The event of the decision opens all of them; anyone can recompute the commitments
and see that nobody changed a vote after the other was known.

Source: commit-and-reveal with SHA-256 and a 256-bit random salt; hiding rests on the salt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from egress_review.domain import Vote
from onggi.events import canonical_json


def opened(votes: Sequence[Vote]) -> dict[str, Any]:
    """One reviewer's ballot paper as the decision's event shows it.

    Reasons may quote what they are about, so the log holds their salted hashes only.

    Args:
        votes: of one reviewer on one request version, at least one.
    """
    first = votes[0]
    return {
        "reviewer": first.reviewer,
        "salt": first.salt,
        "ballots": [
            [vote.output, vote.ballot.value, _hashed(vote.salt, vote.reason)]
            for vote in sorted(votes, key=lambda one: one.output)
        ],
    }


def commitment(votes: Sequence[Vote]) -> str:
    """What seals a ballot paper: SHA-256 over its opened form, its request and version."""
    first = votes[0]
    sealed = {"request": first.request, "version": first.version, **opened(votes)}
    return hashlib.sha256(canonical_json(sealed)).hexdigest()


def by_reviewer(votes: Sequence[Vote]) -> list[dict[str, Any]]:
    """All ballot papers opened, by reviewer's name."""
    names = sorted({vote.reviewer for vote in votes})
    return [opened([vote for vote in votes if vote.reviewer == name]) for name in names]


def _hashed(salt: str, reason: str) -> str:
    return hashlib.sha256(f"{salt}:{reason}".encode()).hexdigest() if reason else ""
