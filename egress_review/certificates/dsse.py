"""The envelope of a certificate: a payload and signatures over it and its type.

Guarantees: the signature covers the payload type too, so the bytes cannot be taken for something else; the
key also signs notes, whose text begins with the log's name and a newline, never with `DSSEv1 `.

Source: DSSE v1.0.0 (protocol.md, envelope.md).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from egress_review.audit.note import NoteSigner, NoteVerifier, decode_base64
from onggi.errors import Invalid
from onggi.events import canonical_json
from onggi.reasons import Reason

__all__ = ["PAYLOAD_TYPE", "Envelope", "pae", "read_envelope", "seal"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with one signature; nothing is known of its worth yet."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    def signed_by(self, verifier: NoteVerifier) -> bool:
        """Whether the key signed this payload as this type."""
        if self.key_id != verifier.key_id.hex():
            return False
        return verifier.verifies(self.signature, pae(self.payload_type, self.payload))


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signer: NoteSigner) -> bytes:
    """The signed envelope, as canonical JSON with a newline."""
    signature = signer.private.sign(pae(PAYLOAD_TYPE, payload))
    key_id = signer.verifier.key_id.hex()
    return _written(Envelope(PAYLOAD_TYPE, payload, key_id, signature))


def read_envelope(data: bytes) -> Envelope:
    """Read the one form that `seal` writes, so that no byte can be changed unnoticed.

    Raises:
        Invalid: if it is anything else.
    """
    try:
        body: Any = json.loads(data) if len(data) <= _MAX_BYTES else None
        (signature,) = body["signatures"]
        payload, signed = decode_base64(body["payload"]), decode_base64(signature["sig"])
        if payload is None or signed is None:
            raise ValueError
        envelope = Envelope(str(body["payloadType"]), payload, str(signature["keyid"]), signed)
        written = _written(envelope)
    except (ValueError, TypeError, KeyError, RecursionError, Invalid):
        raise Invalid(Reason.FIELD_INVALID, field="certificate", value="") from None
    if written != data:
        raise Invalid(Reason.FIELD_INVALID, field="certificate", value="")
    return envelope


def _written(envelope: Envelope) -> bytes:
    signature = {"keyid": envelope.key_id, "sig": base64.b64encode(envelope.signature).decode()}
    body = {
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": envelope.payload_type,
        "signatures": [signature],
    }
    return canonical_json(body) + b"\n"
