"""The stores of egress review: a Protocol, a memory twin, and SQL (SQLite, PostgreSQL)."""
