"""A checkpoint: the log's word that it has `size` events under this root.

Source: C2SP tlog-checkpoint.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from egress_review.audit.merkle import HASH_BYTES
from egress_review.audit.note import NoteVerifier, decode_base64, open_note
from onggi.errors import Tampered
from onggi.reasons import Reason

__all__ = ["Checkpoint", "open_checkpoint"]

_LINES = 4  # three lines, each ended
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the log at one size.

    Attributes:
        origin: which log it is; the name of its key.
        size: number of events.
        root: RFC 6962 root hash, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def open_checkpoint(note: str, verifier: NoteVerifier) -> Checkpoint:
    """The checkpoint in a note that the log's key signed; extension lines are not accepted.

    Raises:
        Tampered: SIGNATURE_INVALID if the key did not sign it, or it is not a checkpoint of the key's own
            log.
    """
    lines = open_note(note, verifier).split("\n")
    if len(lines) == _LINES and lines[0] == verifier.name and _SIZE.fullmatch(lines[1]):
        root = decode_base64(lines[2])
        if root is not None and len(root) == HASH_BYTES:
            return Checkpoint(lines[0], int(lines[1]), root)
    raise Tampered(Reason.SIGNATURE_INVALID, name=verifier.name)
