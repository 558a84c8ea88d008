"""Dense elimination modulo the prime, wider than one block, against LAPACK and against its own claims."""

from __future__ import annotations

import numpy as np
import pytest

from egress_review.checks.attack.modular import PRIME, echelon, lift, null_vectors, rank_is_proven


def sparse_signs(height: int, width: int, seed: int, dependent: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    matrix = generator.choice([-1.0, 0.0, 0.0, 0.0, 1.0], size=(height, width))
    for row in range(dependent):
        matrix[-1 - row] = matrix[row] - matrix[row + 1]
    return matrix


def test_the_prime_is_one() -> None:
    assert all(PRIME % divisor for divisor in range(2, int(PRIME**0.5) + 1))


@pytest.mark.parametrize(("height", "width", "dependent"), [(90, 200, 0), (200, 150, 5), (150, 300, 12)])
def test_rank_null_vectors_and_their_proof(height: int, width: int, dependent: int) -> None:
    matrix = sparse_signs(height, width, 7, dependent)
    found = echelon(matrix)
    assert found.rank == np.linalg.matrix_rank(matrix)
    again = np.mod(found.multipliers @ found.rows, PRIME)
    assert np.array_equal(again, np.mod(matrix[found.order], PRIME))
    free = np.random.default_rng(1).integers(1, PRIME, size=(width, 3)).astype(float)
    vectors = null_vectors(found, free)
    assert not np.mod(matrix.astype(np.int64) @ vectors.astype(np.int64), PRIME).any()
    if height < width:
        assert rank_is_proven(matrix, found)


def test_a_rank_that_is_too_low_is_not_proven() -> None:
    """A row that vanishes modulo the prime only: the proof in whole numbers sees it."""
    matrix = np.array([[1.0, 0.0], [0.0, float(PRIME)]])
    assert not rank_is_proven(matrix, echelon(matrix))


def test_small_fractions_are_lifted() -> None:
    half = pow(2, -1, PRIME)
    lifted = lift(np.array([half, PRIME - 1.0, 3.0]))
    assert lifted is not None
    assert (lifted[0].tolist(), lifted[1]) == ([1, -2, 6], 2)
    assert lift(np.array([123_457.0])) is None
