"""The `onggi` command: the same actions as the desk, with the same permission checks and the same audit
log.
"""
