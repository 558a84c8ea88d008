"""Signed notes: text with Ed25519 signatures, in the form that transparency logs use.

Guarantees: `open_note` returns text only if the known key signed exactly that text. Signatures of unknown
keys are ignored, as the form demands (witnesses may add theirs); one that claims to be of the known key
must verify.

Source: C2SP signed-note (signature type 0x01); RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onggi.errors import Invalid, Tampered
from onggi.reasons import Reason

__all__ = ["MAX_NOTE_BYTES", "NoteSigner", "NoteVerifier", "decode_base64", "open_note", "read_verifier"]

MAX_NOTE_BYTES = 64 * 1024
_ED25519 = b"\x01"
_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_MAX_SIGNATURES = 16
_NAME = re.compile(r"[^\s+\x00-\x1f]{1,200}")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public key with the name it signs under.

    Attributes:
        name: of the key; for a log, its origin.
        public: 32 bytes.
    """

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys apart; no security rests on them."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The verifier key as it is handed to third parties: `name+key id+base64`."""
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the key made this signature over this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key with its name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""
        return NoteVerifier(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note: text, blank line, signature line.

        Raises:
            Invalid: if the text cannot be the text of a note.
        """
        if not text.endswith("\n") or not _fit(text):
            raise Invalid(Reason.FIELD_INVALID, field="note", value="text")
        signature = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(signature).decode()}\n"


def read_verifier(text: str) -> NoteVerifier:
    """A verifier key from its text form.

    Raises:
        Invalid: if it is not one, or its key id does not belong to its key.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    body = decode_base64(encoded)
    if not _NAME.fullmatch(name) or body is None or body[:1] != _ED25519 or len(body) != 1 + _KEY_BYTES:
        raise Invalid(Reason.FIELD_INVALID, field="key", value=text[:40])
    verifier = NoteVerifier(name, body[1:])
    if key_id != verifier.key_id.hex():
        raise Invalid(Reason.FIELD_INVALID, field="key", value=text[:40])
    return verifier


def open_note(note: str, verifier: NoteVerifier) -> str:
    """The text of a note that `verifier` signed.

    Raises:
        Tampered: SIGNATURE_INVALID if the note is malformed, not signed by the key, or the signature is
            wrong.
    """
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not separator or not text or not _fit(note) or lines.pop() != "":
        raise Tampered(Reason.SIGNATURE_INVALID, name=verifier.name)
    text += "\n"
    # Every line is looked at: a wrong signature of the known key spoils the note even beside a right one.
    signed = [_signed(text, line, verifier) for line in lines[:_MAX_SIGNATURES]]
    if True not in signed or len(lines) > _MAX_SIGNATURES:
        raise Tampered(Reason.SIGNATURE_INVALID, name=verifier.name)
    return text


def decode_base64(text: str) -> bytes | None:
    """Strictly decoded standard base64, so that no two texts mean the same bytes; None if it is not that."""
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return body if base64.b64encode(body).decode() == text else None


def _signed(text: str, line: str, verifier: NoteVerifier) -> bool:
    """Whether the line is a valid signature of the key; False for another key's.

    Raises:
        Tampered: if the line is malformed, or says it is of the key and is not.
    """
    match = _SIGNATURE.fullmatch(line)
    body = decode_base64(match["signature"]) if match else None
    if match is None or body is None or len(body) <= _KEY_ID_BYTES:
        raise Tampered(Reason.SIGNATURE_INVALID, name=verifier.name)
    if match["name"] != verifier.name or body[:_KEY_ID_BYTES] != verifier.key_id:
        return False
    if not verifier.verifies(body[_KEY_ID_BYTES:], text.encode()):
        raise Tampered(Reason.SIGNATURE_INVALID, name=verifier.name)
    return True


def _fit(note: str) -> bool:
    """UTF-8 without control characters but the newline, and not too long."""
    try:
        raw = note.encode()
    except UnicodeEncodeError:
        return False
    return len(raw) <= MAX_NOTE_BYTES and not any(byte < ord(" ") and byte != ord("\n") for byte in raw)
