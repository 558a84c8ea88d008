"""Makes certificates: the hand that `egress_review.room.Certifier` asks for."""

from __future__ import annotations

import json

from egress_review.audit.merkle import inclusion_proof
from egress_review.audit.notary import Notary, Transaction
from egress_review.audit.note import NoteSigner
from egress_review.certificates.dsse import seal
from egress_review.certificates.statement import core_of, core_sha256, statement_of
from egress_review.domain import Release, Request, Vote
from onggi.errors import Conflict, Tampered
from onggi.reasons import Reason

__all__ = ["LogCertifier"]


class LogCertifier:
    """Signs what a release is, with the proof from the log.

    Args:
        signer: the log's key.
        notary: signs the checkpoint that the proof leads to.
        transaction: begins a transaction on the log.
    """

    def __init__(self, signer: NoteSigner, notary: Notary, transaction: Transaction) -> None:
        self._signer = signer
        self._notary = notary
        self._transaction = transaction

    def statement_sha256(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        """What the release's event must hold under `statement`; known before the event has its place."""
        return core_sha256(core_of(release, request, votes))

    def certificate(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        """The certificate of a release whose event is committed at `release.leaf`.

        Raises:
            Conflict: if the release is not in the log yet.
            Tampered: if the log contradicts what was signed, or its event is another release's.
        """
        if release.leaf is None:
            raise Conflict(Reason.STATE_CONFLICT, state="unlogged")
        checkpoint = self._notary.checkpoint()
        with self._transaction() as log:
            logged = next(log.events(release.leaf, release.leaf + 1), None)
            if logged is None or checkpoint.size <= release.leaf:
                raise Tampered(Reason.AUDIT_TAMPERED, detail=str(release.leaf))
            proof = inclusion_proof(release.leaf, checkpoint.size, log.subtree)
        event = json.loads(logged.body)
        if event["subject"] != release.id:
            raise Tampered(Reason.AUDIT_TAMPERED, detail=str(release.leaf))
        core = core_of(release, request, votes)
        statement = statement_of(core, release.leaf, event, checkpoint, proof)
        return seal(statement, self._signer).decode()
