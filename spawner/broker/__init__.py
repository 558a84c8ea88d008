"""The broker: the one process that may start sessions, and the long-lived parent of all of them."""
