"""The Merkle tree of the audit log: roots and proofs, as pure functions over stored subtree hashes.

Guarantees: a root fixes every leaf, their order and their number; a proof that verifies cannot be made for a
leaf or an older tree that is not in the root, as long as SHA-256 holds. Does not guarantee that a root is the
log's: that is what a signed checkpoint is for (`egress_review.audit.checkpoint`).

A *subtree* is a perfect one: `(level, index)` covers leaves `index·2^level` up to, not including,
`(index+1)·2^level`. Its hash never changes once those leaves exist, so it is stored once, and every root and
proof is put together from O(log² n) of them.

Source: RFC 6962 section 2.1 (hashes, audit paths, consistency proofs); RFC 9162 sections 2.1.3.2 and 2.1.4.2
(verification).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from hmac import compare_digest

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "Frontier",
    "Subtrees",
    "completed_by",
    "consistency_proof",
    "frontier_of",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_hash",
    "subtrees_of",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtrees = Callable[[int, int], bytes]
"""The stored hash of a perfect subtree, by level and index."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf; the prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def subtrees_of(size: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees, largest first, of which a tree of `size` leaves consists."""
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            yield level, start >> level
            start += 1 << level


class Frontier:
    """The right edge of a growing tree: all that is needed to add leaves and to tell the root.

    Args:
        size: leaves so far.
        hashes: of `subtrees_of(size)`.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError("a frontier has one hash for each bit of its size")
        self.size = size
        self.hashes = list(hashes)

    def add(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        index = self.size
        while index & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            index >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def copy(self) -> Frontier:
        """Another one that grows on its own."""
        return Frontier(self.size, self.hashes)

    def root(self) -> bytes:
        """The root hash of the tree so far."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root


def completed_by(index: int, leaf: bytes, get: Subtrees) -> Iterator[tuple[int, int, bytes]]:
    """The subtrees that the leaf at `index` completes, smallest first: level, index, hash."""
    level = 0
    yield level, index, leaf
    while index & 1:
        leaf = node_hash(get(level, index - 1), leaf)
        level, index = level + 1, index >> 1
        yield level, index, leaf


def frontier_of(size: int, get: Subtrees) -> Frontier:
    """The right edge of the tree of the first `size` leaves."""
    return Frontier(size, [get(level, index) for level, index in subtrees_of(size)])


def root_hash(size: int, get: Subtrees) -> bytes:
    """The root hash of the first `size` leaves."""
    return frontier_of(size, get).root()


def inclusion_proof(index: int, size: int, get: Subtrees) -> tuple[bytes, ...]:
    """The audit path of leaf `index` in the tree of the first `size` leaves, leaf side first.

    Raises:
        ValueError: unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, get))
            end = middle
        else:
            path.append(_range_hash(start, middle, get))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, get: Subtrees) -> tuple[bytes, ...]:
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves.

    Raises:
        ValueError: unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise ValueError("the older tree is not the larger one")
    if old in {0, new}:
        return ()
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end - start:
        half = _split(end - start)
        if old <= half:
            path.append(_range_hash(start + half, end, get))
            end = start + half
        else:
            path.append(_range_hash(start, start + half, get))
            start, old, whole = start + half, old - half, False
    if not whole:
        path.append(_range_hash(start, end, get))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf with hash `leaf` stands at `index` in the tree with this root."""
    if not 0 <= index < size or not _hashes(leaf, root, *proof):
        return False
    node, last, seen = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            seen = node_hash(step, seen)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            seen = node_hash(seen, step)
        node, last = node >> 1, last >> 1
    return last == 0 and compare_digest(seen, root)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree with `new_root` begins with the tree with `old_root`."""
    if not 0 <= old <= new or not _hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and compare_digest(old_root, new_root)
    if old == 0:
        return not proof and compare_digest(old_root, EMPTY_ROOT)
    steps = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    return bool(steps) and _climb(old, new, steps) == (old_root, new_root)


def _climb(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of both trees as a consistency proof tells them, or None if it is too long or too short."""
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_seen = new_seen = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_seen, new_seen = node_hash(step, old_seen), node_hash(step, new_seen)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new_seen = node_hash(new_seen, step)
        node, last = node >> 1, last >> 1
    return (old_seen, new_seen) if last == 0 else None


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(start: int, end: int, get: Subtrees) -> bytes:
    """The hash over leaves [start, end); `start` is a multiple of the next power of two of its length."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return get(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_hash(start, middle, get), _range_hash(middle, end, get))


def _hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
