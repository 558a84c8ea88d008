"""The tree against RFC 6962 written down word by word, and against its published test vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    completed_by,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    root_hash,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots that certificate-transparency implementations test with.
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


class Tree:
    """What an adapter does: stores the subtrees that each leaf completes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.stored: dict[tuple[int, int], bytes] = {}
        for index, leaf in enumerate(leaves):
            for level, number, digest in completed_by(index, leaf_hash(leaf), self.get):
                self.stored[level, number] = digest

    def get(self, level: int, number: int) -> bytes:
        return self.stored[level, number]


LEAVES = [str(number).encode() for number in range(300)]
TREE = Tree(LEAVES)
sizes = st.integers(1, len(LEAVES))


@pytest.mark.parametrize("size", sorted(KNOWN_ROOTS))
def test_the_published_roots(size: int) -> None:
    leaves = KNOWN_LEAVES[:size]
    assert root_hash(size, Tree(leaves).get).hex() == KNOWN_ROOTS[size] == naive_root(leaves).hex()


def test_every_root_up_to_300_is_that_of_the_rfc() -> None:
    edge = Frontier()
    assert edge.root() == EMPTY_ROOT == naive_root([])
    for size, leaf in enumerate(LEAVES, 1):
        edge.add(leaf_hash(leaf))
        if size < 70 or size % 37 == 0:
            assert root_hash(size, TREE.get) == edge.root() == naive_root(LEAVES[:size])
    assert frontier_of(300, TREE.get).hashes == edge.hashes


@given(sizes)
def test_the_subtrees_of_a_size_are_its_bits(size: int) -> None:
    parts = list(subtrees_of(size))
    assert sum(1 << level for level, _ in parts) == size
    assert [number << level for level, number in parts] == sorted(number << level for level, number in parts)


@given(sizes, st.data())
def test_inclusion_is_that_of_the_rfc_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TREE.get)
    assert list(proof) == naive_path(index, LEAVES[:size])
    root = root_hash(size, TREE.get)
    leaf = leaf_hash(LEAVES[index])
    assert verify_inclusion(leaf, index, size, proof, root)
    other = data.draw(
        st.integers(0, size - 1).filter(lambda number: number != index) if size > 1 else st.just(-1)
    )
    assert not verify_inclusion(leaf, other, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, (*proof, root), root)
    if proof:
        assert not verify_inclusion(leaf, index, size, proof[:-1], root)
        place = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = bytearray(proof[place])
        flipped[bit // 8] ^= 1 << bit % 8
        assert not verify_inclusion(
            leaf, index, size, (*proof[:place], bytes(flipped), *proof[place + 1 :]), root
        )


@given(sizes, st.data())
def test_consistency_is_that_of_the_rfc_and_verifies(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, TREE.get)
    assert list(proof) == naive_subproof(old, LEAVES[:new], whole=True)
    old_root, new_root = root_hash(old, TREE.get), root_hash(new, TREE.get)
    assert verify_consistency(old, new, old_root, new_root, proof)
    if old == new:
        return
    wrong = leaf_hash(b"wrong")
    assert not verify_consistency(old, new, wrong, new_root, proof)
    assert not verify_consistency(old, new, old_root, wrong, proof)
    assert not verify_consistency(old, new, old_root, new_root, (*proof, wrong))
    assert not verify_consistency(old, new, old_root, new_root, proof[:-1])
    rewritten = Tree([b"rewritten", *LEAVES[1:new]])
    forged = consistency_proof(old, new, rewritten.get)
    assert not verify_consistency(old, new, old_root, root_hash(new, rewritten.get), forged)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=12), st.integers(-2, 400), st.integers(-2, 400))
def test_nonsense_never_verifies_and_never_crashes(proof: list[bytes], first: int, second: int) -> None:
    root = root_hash(300, TREE.get)
    assert not verify_inclusion(leaf_hash(b"x"), first, second, proof, root)
    assert not verify_consistency(first, second, leaf_hash(b"x"), root, proof)


def test_an_empty_tree_is_the_beginning_of_every_tree() -> None:
    root = root_hash(5, TREE.get)
    assert consistency_proof(0, 5, TREE.get) == ()
    assert verify_consistency(0, 5, EMPTY_ROOT, root, ())
    assert not verify_consistency(0, 5, root, root, ())


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_proof_for_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index, size, TREE.get)
    with pytest.raises(ValueError, match="older"):
        consistency_proof(size + 1, size, TREE.get)
