"""What people and services do to the registry: one function for one action.

Each checks the actor's permission, writes, and has its audit event in the log before it commits. Web pages,
JSON API and command line call these functions and nothing else.
"""
