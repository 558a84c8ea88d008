"""Certificates of release: what was released, why it was allowed, and the proof that it stands in the audit log."""
