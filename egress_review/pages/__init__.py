"""The pages of egress review: the reviewers' queue, votes, releases and downloads, the audit log."""
