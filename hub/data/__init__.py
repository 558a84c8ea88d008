"""Builders of data sets: the demo cohort, synthetic claims, and the check of what was built."""
