"""Certificates of release: what was released, why, and the proof that it stands in the log."""
