"""What can be wrong with the sandbox of a machine. Sentences: `words/<language>/sandbox.toml`."""

from __future__ import annotations

from enum import StrEnum


class Finding(StrEnum):
    """One code for one thing."""

    # no box can be made
    BOX_NOT_MADE = "box_not_made"
    BWRAP_MISSING = "bwrap_missing"
    LAUNCHED_AS_ROOT = "launched_as_root"
    PROCESSOR_UNKNOWN = "processor_unknown"
    SELFCHECK_FAILED = "selfcheck_failed"

    # a box can be made, but it is not closed
    CAPABILITIES_LEFT = "capabilities_left"
    DESCRIPTORS_INHERITED = "descriptors_inherited"
    ENVIRONMENT_SHOWN = "environment_shown"
    HOST_FILES_SHOWN = "host_files_shown"
    NETWORK_OPEN = "network_open"
    NEW_PRIVILEGES = "new_privileges"
    ROOT_WRITABLE = "root_writable"
    SECCOMP_INACTIVE = "seccomp_inactive"
    UID_NOT_MAPPED = "uid_not_mapped"

    # it is closed, but weaker than it could be
    CPU_BY_AFFINITY = "cpu_by_affinity"
    DISK_WATCHED = "disk_watched"
    LANDLOCK_MISSING = "landlock_missing"
    MEMORY_WATCHED = "memory_watched"


WEAKER = frozenset(
    {Finding.CPU_BY_AFFINITY, Finding.DISK_WATCHED, Finding.LANDLOCK_MISSING, Finding.MEMORY_WATCHED}
)
"""Findings with which compute may start; the pages show them. Any other one refuses."""
