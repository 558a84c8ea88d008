"""Cgroups for boxes, where somebody with the right to do so has delegated a part of the tree to us.

Version 2: the parent of our own cgroup is writable (systemd: `Delegate=yes` with `DelegateSubgroup=`).
Version 1: the folder `onggi` of a controller is writable, or our own cgroup there is.
Controllers are taken one by one: what is not found is simply not held.

Guarantees: a box is in its cgroup before its command starts (the launcher holds it back until then), and a
hostile process cannot leave, since the box shows no cgroup file system.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onggi.sandbox.limits import HeldBy, Limits

CPU_PERIOD_US = 100_000
_CONTROLLERS = {"memory": "memory", "processes": "pids", "cpu": "cpu"}
_Settings = dict[str, dict[str, int | str]]
"""What is written into which file of which controller."""
_V1_SHARES, _NICE_STEP = 1024, 1.25
"""What a group has without stepping back, and how many times less with each step (sched(7))."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The cgroup of one box: one folder (version 2), or one for each controller (version 1)."""

    folders: Mapping[str, Path]
    kind: HeldBy

    def add(self, pid: int) -> None:
        """Put a process in; what it starts afterwards follows.

        Raises:
            OSError: if the kernel refuses.
        """
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid), "ascii")

    def remove(self) -> None:
        """Take the folders away once the box has ended; one that is still in use stays."""
        for folder in set(self.folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


@dataclass(frozen=True, slots=True)
class CgroupHome:
    """Where cgroups of boxes may be made. `parents` maps `memory`, `processes`, `cpu` to a folder."""

    parents: Mapping[str, Path]
    kind: HeldBy

    def make(self, name: str, limits: Limits) -> Cgroup:
        """A fresh cgroup with the limits that this home can hold.

        Raises:
            OSError: if the kernel refuses.
        """
        settings = _version2_files(limits) if self.kind is HeldBy.CGROUP2 else _version1_files(limits)
        folders: dict[str, Path] = {}
        for what, parent in self.parents.items():
            if what not in settings:
                continue
            folder = folders[what] = parent / name
            folder.mkdir(exist_ok=True)
            for file, value in settings[what].items():
                (folder / file).write_text(str(value), "ascii")
        return Cgroup(folders, self.kind)


def find_home(
    mounts: Path = Path("/proc/self/mountinfo"), own: Path = Path("/proc/self/cgroup")
) -> CgroupHome | None:
    """The delegated part of the tree, or None."""
    try:
        mounted, paths = _mounted(mounts.read_text()), _own_paths(own.read_text())
    except OSError:
        return None
    return _version2(mounted, paths) or _version1(mounted, paths)


def _version2_files(limits: Limits) -> _Settings:
    files: _Settings = {}
    if limits.memory_bytes is not None:
        files["memory"] = {"memory.max": limits.memory_bytes}
    if limits.processes is not None:
        files["processes"] = {"pids.max": limits.processes}
    if limits.cpus is not None:
        quota = limits.cpus * CPU_PERIOD_US
        files["cpu"] = {"cpu.max": f"{quota} {CPU_PERIOD_US}", "cpu.weight.nice": limits.nice}
    return files


def _version1_files(limits: Limits) -> _Settings:
    files: _Settings = {}
    if limits.memory_bytes is not None:
        files["memory"] = {"memory.limit_in_bytes": limits.memory_bytes}
    if limits.processes is not None:
        files["processes"] = {"pids.max": limits.processes}
    if limits.cpus is not None:
        shares = round(_V1_SHARES / _NICE_STEP**limits.nice)
        files["cpu"] = {"cpu.cfs_quota_us": limits.cpus * CPU_PERIOD_US, "cpu.shares": shares}
    return files


def _mounted(mountinfo: str) -> dict[str, Path]:
    """Mount points by controller; version 2 stands under the empty name."""
    found: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point, kind = before.split()[4], after.split()[0]
        if kind == "cgroup2":
            found.setdefault("", Path(point))
        elif kind == "cgroup":
            for option in after.split()[2].split(","):
                found.setdefault(option, Path(point))
    return found


def _own_paths(text: str) -> dict[str, str]:
    """Our own cgroup by controller; version 2 stands under the empty name."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path.lstrip("/")
    return found


def _version2(mounted: Mapping[str, Path], own: Mapping[str, str]) -> CgroupHome | None:
    if "" not in mounted or not own.get(""):
        return None
    parent = (mounted[""] / own[""]).parent
    if not (_writable(parent) and _writable(parent / "cgroup.procs")):
        return None
    parents: dict[str, Path] = {}
    for what, controller in _CONTROLLERS.items():
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}", "ascii")
            parents[what] = parent
    return CgroupHome(parents, HeldBy.CGROUP2) if parents else None


def _version1(mounted: Mapping[str, Path], own: Mapping[str, str]) -> CgroupHome | None:
    parents: dict[str, Path] = {}
    for what, controller in _CONTROLLERS.items():
        if controller not in mounted:
            continue
        for candidate in (mounted[controller] / "onggi", mounted[controller] / own.get(controller, "")):
            if _writable(candidate):
                parents[what] = candidate
                break
    return CgroupHome(parents, HeldBy.CGROUP1) if parents else None


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK)
