"""The ledger of releases: what was ever released, and who stood behind it, as far as that is known."""
