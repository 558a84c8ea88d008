"""The rules of disclosure control, by policy profile."""
