"""The session API: the compute's only door, a socket on its own session server."""
