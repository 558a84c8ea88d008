"""What a forger can do to an export, with the file alone, is found and named."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.export import export_lines
from egress_review.audit.findings import Proof
from egress_review.audit.merkle import leaf_hash
from egress_review.audit.note import NoteSigner
from egress_review.audit.verify import AuditReport, verify_export
from onggi.events import canonical_json
from tests.support.audit import SIGNER, event, exported, log_of, notary_of

COUNT = 100
EVERY = 16


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return exported(tmp_path_factory.mktemp("log"), COUNT, EVERY)


def check(lines: Sequence[bytes], earlier: Sequence[Checkpoint] = ()) -> AuditReport:
    return verify_export(io.BytesIO(b"".join(lines)), SIGNER.verifier, earlier)


def codes(lines: Sequence[bytes], earlier: Sequence[Checkpoint] = ()) -> list[tuple[Proof, dict[str, str]]]:
    report = check(lines, earlier)
    assert report.ok == (not report.findings)
    for one in report.findings:
        for language in ("ko", "en"):
            assert "{" not in one.say(language)
            assert one.say(language) != f"audit.{one.code}"
    return [(one.code, dict(one.params)) for one in report.findings]


def place(lines: Sequence[bytes], number: int) -> int:
    return next(at for at, line in enumerate(lines) if b'"index":%d,' % number in line)


def forged(line: bytes, *, rehash: bool, **changes: Any) -> bytes:
    """An event line with another event; with its leaf hash made to fit, if `rehash`."""
    body = json.loads(line)
    body["event"].update(changes)
    if rehash:
        body["leaf"] = leaf_hash(canonical_json(body["event"])).hex()
    return canonical_json(body) + b"\n"


def renumbered(lines: Sequence[bytes], *, marks: bool = True) -> list[bytes]:
    """All events numbered from 0 again; checkpoint lines put where they seem to belong, if `marks`."""
    sizes = {json.loads(line)["size"]: line for line in lines if b'"kind":"checkpoint"' in line}
    result, number = [lines[0]], 0
    for line in lines[1:]:
        body = json.loads(line)
        if body["kind"] == "event":
            result.append(canonical_json({**body, "index": number}) + b"\n")
            number += 1
            if marks and number in sizes:
                result.append(sizes.pop(number))
        elif not marks:
            result.append(line)
    return result + (list(sizes.values()) if marks else [])


def test_what_nobody_touched_holds(lines: list[bytes]) -> None:
    report = check(lines)
    assert report.ok
    assert report.size == report.events == COUNT
    assert report.newest == open_checkpoint(json.loads(lines[0])["checkpoint"], SIGNER.verifier)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 33])
def test_logs_of_every_shape_hold(tmp_path: Path, count: int) -> None:
    report = check(exported(tmp_path, count))
    assert report.ok
    assert report.size == count


@pytest.mark.parametrize("number", [0, 15, 16, 57, 99])
def test_an_edited_event_is_named(lines: list[bytes], number: int) -> None:
    at = place(lines, number)
    edited = [*lines[:at], forged(lines[at], rehash=False, subject="researcher2"), *lines[at + 1 :]]
    assert codes(edited) == [(Proof.EVENT_CHANGED, {"index": str(number)})]


def test_an_edited_event_with_a_fitting_hash_is_confined_to_its_interval(lines: list[bytes]) -> None:
    at = place(lines, 57)
    edited = [*lines[:at], forged(lines[at], rehash=True, subject="researcher2"), *lines[at + 1 :]]
    assert codes(edited) == [(Proof.INTERVAL_CHANGED, {"first": "48", "last": "63"})]


def test_damage_in_two_places_is_named_twice(lines: list[bytes]) -> None:
    edited = list(lines)
    for number in (3, 80):
        at = place(edited, number)
        edited[at] = forged(edited[at], rehash=False, actor="reviewer1")
    assert codes(edited) == [(Proof.EVENT_CHANGED, {"index": str(number)}) for number in (3, 80)]


def test_a_changed_leaf_hash_does_not_cast_doubt_on_its_event(lines: list[bytes]) -> None:
    at = place(lines, 20)
    body = json.loads(lines[at]) | {"leaf": "00" * 32}
    assert codes([*lines[:at], canonical_json(body) + b"\n", *lines[at + 1 :]]) == [
        (Proof.LEAF_HASH_CHANGED, {"index": "20"})
    ]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 5), (17, 19), (90, 92)])
def test_removed_events_are_named(lines: list[bytes], first: int, last: int) -> None:
    cut = lines[: place(lines, first)] + lines[place(lines, last) + 1 :]
    assert codes(cut) == [(Proof.EVENT_REMOVED, {"first": str(first), "last": str(last)})]


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize(("first", "count"), [(5, 1), (20, 3)])
def test_removal_hidden_by_new_numbers_is_found(
    lines: list[bytes], first: int, count: int, marks: bool
) -> None:
    at = place(lines, first)
    cut = renumbered(lines[:at] + lines[at + count :], marks=marks)
    low = first // EVERY * EVERY
    expected = {"first": str(low), "last": str(low + EVERY - 1), "count": str(count)}
    assert codes(cut) == [(Proof.EVENTS_REMOVED_WITHIN, expected)]


def test_moved_lines_are_named(lines: list[bytes]) -> None:
    a, b = place(lines, 34), place(lines, 40)
    moved = list(lines)
    moved[a], moved[b] = moved[b], moved[a]
    assert codes(moved) == [(Proof.EVENTS_REORDERED, {"first": "34", "last": "40"})]
    assert codes(renumbered(moved)) == [(Proof.EVENTS_REORDERED, {"first": "34", "last": "40"})]


def test_new_numbers_alone_are_named(lines: list[bytes]) -> None:
    at = place(lines, 50)
    body = json.loads(lines[at]) | {"index": 51}
    assert codes([*lines[:at], canonical_json(body) + b"\n", *lines[at + 1 :]]) == [
        (Proof.NUMBERS_CHANGED, {"first": "48", "last": "63"})
    ]


def test_a_repeated_event_is_named(lines: list[bytes]) -> None:
    at = place(lines, 40)
    assert codes([*lines[: at + 1], *lines[at:]]) == [(Proof.EVENT_REPEATED, {"index": "40"})]


def test_an_added_event_is_named(lines: list[bytes]) -> None:
    at = place(lines, 40)
    body = json.loads(forged(lines[at], rehash=True, id="new"))
    added = [*lines[:at], canonical_json({**body, "index": 4000}) + b"\n", *lines[at:]]
    assert codes(added) == [(Proof.EVENT_ADDED, {"index": "40"})]


@pytest.mark.parametrize("keep", [0, 1, 16, 60, 99])
def test_a_file_that_was_cut_off_says_how_much_is_missing(lines: list[bytes], keep: int) -> None:
    cut = lines[: place(lines, keep)]
    assert codes(cut) == [(Proof.CUT_OFF, {"size": str(keep), "expected": "100"})]


def test_a_half_line_at_the_end_is_found(lines: list[bytes]) -> None:
    torn = [*lines[:-1], lines[-1][:-20]]
    assert [code for code, _ in codes(torn)] == [Proof.LINE_UNREADABLE, Proof.CHECKPOINT_MISSING]


def test_cutting_back_to_an_older_head_needs_a_kept_checkpoint(tmp_path: Path) -> None:
    """What nobody can see in the file alone: that is what certificates and witnesses hold checkpoints for."""
    log = log_of(40)
    notary = notary_of(log, tmp_path)
    short = list(export_lines(log, SIGNER.name, notary.checkpoint()))
    for number in range(40, 60):
        log.append(event(number))
    kept = open_checkpoint(notary.checkpoint().note, SIGNER.verifier)
    assert check(short).ok
    assert codes(short, [kept]) == [(Proof.CUT_OFF, {"size": "40", "expected": "60"})]


def test_a_rewritten_log_signed_again_contradicts_a_kept_checkpoint(tmp_path: Path) -> None:
    kept = open_checkpoint(notary_of(log_of(20), tmp_path).checkpoint().note, SIGNER.verifier)
    other = log_of(0)
    for number in range(30):
        other.append(event(number, source="hub" if number == 4 else "desk"))
    (tmp_path / "b").mkdir()
    lines = list(export_lines(other, SIGNER.name, notary_of(other, tmp_path / "b").checkpoint()))
    assert check(lines).ok
    assert codes(lines, [kept]) == [(Proof.CHECKPOINT_CONTRADICTED, {"size": "20"})]


def test_changed_hashes_beside_a_checkpoint_are_named_and_the_events_still_judged(lines: list[bytes]) -> None:
    at = next(number for number, line in enumerate(lines) if b'"size":48,' in line)
    body = json.loads(lines[at])
    body["subtrees"][0] = "11" * 32
    changed = [*lines[:at], canonical_json(body) + b"\n", *lines[at + 1 :]]
    assert codes(changed) == [(Proof.CHECKPOINT_CHANGED, {"size": "48"})]
    at = place(changed, 40)
    changed[at] = forged(changed[at], rehash=False, actor="admin2")
    assert codes(changed) == [
        (Proof.CHECKPOINT_CHANGED, {"size": "48"}),
        (Proof.EVENT_CHANGED, {"index": "40"}),
    ]


def test_a_missing_checkpoint_is_counted(lines: list[bytes]) -> None:
    at = next(number for number, line in enumerate(lines) if b'"size":48,' in line)
    assert codes(lines[:at] + lines[at + 1 :]) == [
        (Proof.CHECKPOINT_MISSING, {"count": "6", "expected": "7"})
    ]
    assert codes(lines[:-1]) == [(Proof.CHECKPOINT_MISSING, {"count": "6", "expected": "7"})]


def test_events_after_the_last_checkpoint_are_not_covered(lines: list[bytes]) -> None:
    body = json.loads(forged(lines[place(lines, 99)], rehash=True, id="tail")) | {"index": 100}
    assert codes([*lines, canonical_json(body) + b"\n"]) == [
        (Proof.NOT_COVERED, {"first": "100", "count": "1"})
    ]


def test_a_log_signed_with_another_key_is_refused(lines: list[bytes], tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    found = {one.code for one in verify_export(io.BytesIO(b"".join(lines)), other.verifier).findings}
    assert found == {Proof.CHECKPOINT_NOT_SIGNED, Proof.LOG_UNKNOWN}


@pytest.mark.parametrize(
    "content", [b"", b"sex,n\nF,12\nM,13\n" * 500, b"\x89PNG\r\n\x1a\n\0\0", b'{"a": 1}\n' * 300]
)
def test_a_file_that_is_no_export_is_told_in_one_word(content: bytes) -> None:
    assert codes([content]) == [(Proof.NO_EXPORT, {})]
    assert not check([content]).ok


def test_an_empty_log_signed_with_another_key_is_said_to_be_that(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    found = verify_export(io.BytesIO(b"".join(exported(tmp_path, 0))), other.verifier).findings
    assert {one.code for one in found} == {Proof.CHECKPOINT_NOT_SIGNED, Proof.LOG_UNKNOWN}


@given(st.data())
def test_no_bit_can_change(lines: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(lines))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert not check([bytes(whole)]).ok


@given(st.data())
def test_no_line_can_go_come_twice_or_move(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    to = data.draw(st.integers(0, len(lines) - 1).filter(lambda number: number != at))
    without = lines[:at] + lines[at + 1 :]
    assert not check(without).ok
    assert not check([*lines[: at + 1], *lines[at:]]).ok
    assert not check([*without[:to], lines[at], *without[to:]]).ok
    assert not check(lines[:at]).ok


@given(
    st.lists(
        st.one_of(st.binary(max_size=80), st.sampled_from([b"{}", b"[]", b"null", b'{"kind":"event"}'])),
        max_size=5,
    )
)
def test_rubbish_is_no_crash(rubbish: list[bytes]) -> None:
    assert not check([part + b"\n" for part in rubbish]).ok


def test_an_endless_line_is_not_read_whole(lines: list[bytes]) -> None:
    found = codes([lines[0], b"x" * 5_000_000 + b"\n", *lines[1:]])
    assert found == [(Proof.LINE_UNREADABLE, {"line": "2"})]
