"""Signed notes and checkpoints, against the examples of the specification."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.note import NoteSigner, NoteVerifier, open_note, read_verifier
from onggi.errors import Invalid, Tampered

SIGNER = NoteSigner("onggi/test", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
HEAD = Checkpoint("onggi/test", 7, b"\x07" * 32)
NOTE = SIGNER.sign(HEAD.text)


def test_the_example_key_of_the_go_implementation() -> None:
    """Key, key id, text and signature as published with golang.org/x/mod/sumdb/note."""
    verifier = read_verifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInN"
        "IuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert open_note(note, verifier).startswith("If you think")
    assert verifier.text == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_note_opens_with_its_key() -> None:
    verifier = read_verifier(SIGNER.verifier.text + "\n")
    assert open_note(NOTE, verifier) == "onggi/test\n7\n" + base64.b64encode(b"\x07" * 32).decode() + "\n"
    assert open_checkpoint(NOTE, verifier) == HEAD


def test_a_witness_may_add_a_signature() -> None:
    witness = NoteSigner("witness", Ed25519PrivateKey.generate())
    both = NOTE + witness.sign(HEAD.text).rpartition("\n\n")[2]
    assert open_note(both, SIGNER.verifier) == open_note(both, witness.verifier) == HEAD.text
    spoiled = both[:-6] + ("A" if both[-6] != "A" else "B") + both[-5:]
    assert open_note(spoiled, SIGNER.verifier) == HEAD.text
    with pytest.raises(Tampered):
        open_note(spoiled, witness.verifier)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_no_bit_of_a_note_can_change(bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Tampered):
        open_note(raw.decode("utf-8", "surrogateescape"), SIGNER.verifier)


@given(st.text())
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(Tampered):
        open_note(text, SIGNER.verifier)


@pytest.mark.parametrize(
    "body",
    [
        "onggi/test\n07\n" + base64.b64encode(b"\x07" * 32).decode() + "\n",
        "onggi/test\n-1\n" + base64.b64encode(b"\x07" * 32).decode() + "\n",
        "onggi/test\n7\n" + base64.b64encode(b"\x07" * 31).decode() + "\n",
        "onggi/other\n7\n" + base64.b64encode(b"\x07" * 32).decode() + "\n",
        HEAD.text + "extension\n",
        "onggi/test\n7\n",
    ],
)
def test_signed_but_no_checkpoint_of_this_log(body: str) -> None:
    with pytest.raises(Tampered):
        open_checkpoint(SIGNER.sign(body), SIGNER.verifier)


@pytest.mark.parametrize("text", ["no newline", "control\x07\n", "tab\t\n"])
def test_what_a_note_cannot_hold_is_not_signed(text: str) -> None:
    with pytest.raises(Invalid):
        SIGNER.sign(text)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        "name+00000000+AAAA",
        SIGNER.verifier.text.replace("onggi", "onggo"),
        SIGNER.verifier.text + "A",
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        read_verifier(key)


def test_another_key_of_the_same_name_does_not_open() -> None:
    other = NoteVerifier("onggi/test", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(Tampered):
        open_note(NOTE, other)
