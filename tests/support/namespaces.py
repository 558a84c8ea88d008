"""Machines that differ in one thing, made of namespaces: a tool that is missing, a disk that is small.

The command runs under the caller's own user number and, since every wrapper becomes the next, under the
process id of who was started.
"""

from __future__ import annotations

import os
import shlex


def with_mounts(*commands: list[str]) -> list[str]:
    """What stands before a command that is to see a machine after these `mount` commands."""
    script = " && ".join(shlex.join(one) for one in commands)
    back = f'exec unshare --user --map-user={os.geteuid()} --map-group={os.getegid()} -- "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"{script} && {back}", "sh"]


def over(file: str, other: str) -> list[str]:
    """The mount that puts `other` in the place of `file`."""
    return ["mount", "--bind", other, file]


def small_disk(folder: str, size_bytes: int) -> list[str]:
    """The mount that makes `folder` a disk of its own with so much space."""
    return ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "tmpfs", folder]
