"""The evidence behind a table, computed from the source."""
