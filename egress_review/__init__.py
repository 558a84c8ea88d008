"""Everything that decides what leaves: requests, checks, votes, releases, certificates, the audit log."""
