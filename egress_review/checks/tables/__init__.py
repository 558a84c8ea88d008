"""Submitted files: what they are, what they say, and whether they say what the source says."""
