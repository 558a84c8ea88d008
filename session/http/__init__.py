"""The session server's door to the browser: which requests are let in, from where, and with which headers."""
