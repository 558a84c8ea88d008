"""The checks: what can be said about an output before people look at it.

`runner.run_checks` is the way in; `report` holds what comes out. Nothing here is trusted with a signing
key, and nothing that was computed in a session is believed.
"""
