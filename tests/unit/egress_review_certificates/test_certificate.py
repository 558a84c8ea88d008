"""A certificate says what was released and why; whatever is changed in it is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from egress_review.audit.findings import Proof
from egress_review.audit.memory import MemoryAuditLog
from egress_review.audit.note import NoteSigner
from egress_review.certificates.dsse import PAYLOAD_TYPE, Envelope, _written, pae, read_envelope, seal
from egress_review.certificates.verify import verify_certificate
from onggi.errors import Conflict, Tampered
from onggi.events import canonical_json
from tests.support.audit import SIGNER
from tests.support.certificates import CONTENTS, Issued, digest, issued

Change = Callable[[dict[str, Any]], object]
HASHES = {name: digest(content) for name, content in CONTENTS.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issued(tmp_path_factory.mktemp("certificate"))


def statement_of(certificate: bytes) -> dict[str, Any]:
    statement: dict[str, Any] = json.loads(read_envelope(certificate).payload)
    return statement


def changed(certificate: bytes, change: Change) -> bytes:
    """The certificate with another statement under the old signature."""
    statement = statement_of(certificate)
    change(statement)
    return _written(replace(read_envelope(certificate), payload=canonical_json(statement)))


def resigned(certificate: bytes, change: Change) -> bytes:
    """The same by somebody who has the key: only the log is left to contradict him."""
    statement = statement_of(certificate)
    change(statement)
    return seal(canonical_json(statement), SIGNER)


def codes(certificate: bytes, files: dict[str, str] | None = None) -> list[tuple[Proof, dict[str, str]]]:
    report = verify_certificate(certificate, SIGNER.verifier, files)
    assert report.ok == (not report.findings) == (report.certificate is not None)
    for one in report.findings:
        for language in ("ko", "en"):
            assert "{" not in one.say(language)
            assert one.say(language) != f"audit.{one.code}"
    return [(one.code, dict(one.params)) for one in report.findings]


def test_the_pre_authentication_encoding_of_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_honest_certificate_holds(made: Issued) -> None:
    report = verify_certificate(made.certificate, SIGNER.verifier, HASHES)
    assert report.ok
    found = report.certificate
    assert found is not None
    assert (found.release, found.project, found.index) == (made.release.id, "liver-study", 10)
    assert found.files == HASHES
    assert found.checkpoint.size == 12


def test_it_is_an_in_toto_statement_in_a_dsse_envelope(made: Issued) -> None:
    envelope = read_envelope(made.certificate)
    assert envelope.payload_type == PAYLOAD_TYPE
    statement = statement_of(made.certificate)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:onggi:release:v1"
    assert statement["subject"] == [{"name": name, "digest": {"sha256": one}} for name, one in HASHES.items()]


def test_it_tells_votes_and_verdicts_but_nothing_of_what_stayed_inside(made: Issued) -> None:
    predicate = statement_of(made.certificate)["predicate"]
    assert [(one["output"], one["reviewer"], one["vote"]) for one in predicate["votes"]] == [
        (1, "reviewer1", "approve"),
        (1, "reviewer2", "approve"),
        (2, "reviewer1", "approve"),
        (2, "reviewer2", "approve"),
    ]
    assert [(one["verdict"], one["findings"]) for one in predicate["outputs"]] == [
        ("pass", ["recomputed"])
    ] * 2
    text = read_envelope(made.certificate).payload.decode()
    assert "secret.csv" not in text
    assert "3 persons" not in text
    assert "43" not in json.dumps([predicate["outputs"], predicate["votes"]]).replace(
        HASHES["표 1.csv"], ""
    ).replace(HASHES["figure.csv"], "")


def test_a_changed_file_is_named_a_renamed_one_is_known(made: Issued) -> None:
    assert codes(made.certificate, {"figure.csv": digest(b"forged")}) == [
        (Proof.FILE_CHANGED, {"name": "figure.csv"})
    ]
    assert codes(made.certificate, {"other.csv": digest(b"other")}) == [
        (Proof.FILE_NOT_NAMED, {"name": "other.csv"})
    ]
    assert codes(made.certificate, {"renamed.csv": HASHES["figure.csv"]}) == []


def _other_hash(statement: dict[str, Any]) -> None:
    for one in (statement["subject"][1]["digest"], statement["predicate"]["outputs"][1]):
        one["sha256"] = digest(b"forged")


def _predicate(**values: Any) -> Change:
    return lambda statement: statement["predicate"].update(values)


def _log(**values: Any) -> Change:
    return lambda statement: statement["predicate"]["log"].update(values)


SIGNATURE = (Proof.SIGNATURE_WRONG, {"name": SIGNER.name})
STATEMENT = (Proof.STATEMENT_CONTRADICTS, {"index": "10"})
CASES: list[tuple[str, Change, list[tuple[Proof, dict[str, str]]]]] = [
    ("hash", _other_hash, [(Proof.FILE_HASH_CONTRADICTS, {"name": "figure.csv"}), STATEMENT]),
    (
        "project",
        _predicate(project="heart-study"),
        [
            (Proof.EVENT_CONTRADICTS, {"field": "project", "said": "heart-study", "logged": "liver-study"}),
            STATEMENT,
        ],
    ),
    (
        "policy",
        _predicate(policy="review-2"),
        [(Proof.EVENT_CONTRADICTS, {"field": "policy", "said": "review-2", "logged": "review-1"}), STATEMENT],
    ),
    ("vote", lambda one: one["predicate"]["votes"][0].update(reviewer="reviewer9"), [STATEMENT]),
    ("reason", lambda one: one["predicate"]["votes"][0].update(reason=""), [STATEMENT]),
    ("verdict", lambda one: one["predicate"]["outputs"][0].update(verdict="not_proven"), [STATEMENT]),
    (
        "index",
        _log(index=9),
        [(Proof.PROOF_INVALID, {"index": "9", "size": "12"}), (STATEMENT[0], {"index": "9"})][:1],
    ),
    ("proof", _log(proof=[]), [(Proof.PROOF_INVALID, {"index": "10", "size": "12"})]),
]


@pytest.mark.parametrize(
    ("change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_every_change_is_named(
    made: Issued, change: Change, expected: list[tuple[Proof, dict[str, str]]]
) -> None:
    assert codes(changed(made.certificate, change)) == [SIGNATURE, *expected]
    assert codes(resigned(made.certificate, change)) == expected


def test_an_event_rewritten_to_match_is_not_in_the_log(made: Issued) -> None:
    def rewrite(statement: dict[str, Any]) -> None:
        _other_hash(statement)
        statement["predicate"]["log"]["event"]["details"]["files"][1]["sha256"] = digest(b"forged")

    found = [code for code, _ in codes(resigned(made.certificate, rewrite))]
    assert found == [Proof.PROOF_INVALID, Proof.STATEMENT_CONTRADICTS]


def test_a_changed_checkpoint_is_named(made: Issued) -> None:
    note = statement_of(made.certificate)["predicate"]["log"]["checkpoint"].replace("\n12\n", "\n13\n")
    found = codes(resigned(made.certificate, _log(checkpoint=note)))
    assert found == [(Proof.CHECKPOINT_NOT_SIGNED, {"name": SIGNER.name})]


def test_one_release_cannot_use_the_proof_of_another(tmp_path: Path) -> None:
    log = MemoryAuditLog()
    first, second = issued(tmp_path, "1", log), issued(tmp_path, "2", log)
    other = statement_of(second.certificate)["predicate"]["log"]
    found = codes(resigned(first.certificate, _log(**other)))
    assert {code for code, _ in found} == {Proof.EVENT_CONTRADICTS, Proof.STATEMENT_CONTRADICTS}


def test_another_kind_of_statement_is_not_taken_for_a_release(made: Issued) -> None:
    other = resigned(made.certificate, lambda one: one.update(predicateType="urn:other"))
    assert codes(other) == [(Proof.CERTIFICATE_FORM_UNKNOWN, {})]
    envelope = read_envelope(made.certificate)
    signature = SIGNER.private.sign(pae("text/plain", envelope.payload))
    plain = Envelope("text/plain", envelope.payload, envelope.key_id, signature)
    assert codes(_written(plain)) == [(Proof.CERTIFICATE_FORM_UNKNOWN, {})]


def test_another_key_verifies_nothing(made: Issued) -> None:
    other = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    found = [one.code for one in verify_certificate(made.certificate, other.verifier).findings]
    assert found == [Proof.SIGNATURE_WRONG, Proof.CHECKPOINT_NOT_SIGNED]


@given(st.data())
def test_no_bit_can_change(made: Issued, data: st.DataObject) -> None:
    raw = bytearray(made.certificate)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert not verify_certificate(bytes(raw), SIGNER.verifier).ok


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary(max_size=100) | JSON.map(lambda one: json.dumps(one).encode()))
def test_rubbish_is_no_crash(rubbish: bytes) -> None:
    assert not verify_certificate(rubbish, SIGNER.verifier).ok


@given(st.data())
def test_hostile_shapes_are_no_crash(made: Issued, data: st.DataObject) -> None:
    """Any value anywhere in the statement, even rightly signed."""
    statement = statement_of(made.certificate)
    at: Any = statement
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            drawn = data.draw(JSON)
            assume(drawn != at[key])
            at[key] = drawn
            break
        at = at[key]
    try:
        sealed = seal(canonical_json(statement), SIGNER)
    except Exception:  # noqa: BLE001 - some drawn values have no canonical form
        return
    assert not verify_certificate(sealed, SIGNER.verifier).ok


def test_no_certificate_before_the_event_is_in_the_log(made: Issued) -> None:
    with pytest.raises(Conflict):
        made.certifier.certificate(replace(made.release, leaf=None), made.request, made.votes)
    with pytest.raises(Tampered):
        made.certifier.certificate(replace(made.release, leaf=3), made.request, made.votes)
    with pytest.raises(Tampered):
        made.certifier.certificate(replace(made.release, leaf=99), made.request, made.votes)
