"""The display gate: what a session may show in a browser, decided message by message.

Pure policy: a kernel's message and a policy go in, what may be shown comes out, with what was cut and why. No
web, no sockets, no clock. The session server feeds it and carries out what it says.
"""
