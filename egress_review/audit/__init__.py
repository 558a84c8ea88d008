"""The audit log: append-only, a Merkle tree, signed checkpoints, proofs that anyone can check."""
