"""The display meter: policies by version, day budgets lent to sessions, the record of what was shown."""
