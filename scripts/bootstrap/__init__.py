"""From a bare machine to a running Onggi: system packages, the unprivileged user, the environments.

Standard library only, and `onggi.words` for its sentences: it runs before anything is installed.
"""
