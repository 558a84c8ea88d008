"""The HTTP edge that the trusted services share: pages, sign-in, guards, and clients of one another."""
