"""The generated files of a box: what stands in its `/etc`, and what hides the host in its `/proc`.

Guarantees: no file of the host's `/etc` is seen, and the listed files of `/proc`, which would tell one
session what the machine and so the other sessions are doing, are empty or invented.

Does not guarantee: that load cannot be felt. `sysinfo(2)` and the time that work takes still tell of it, and
`/proc/self/mountinfo` names the host folders that are bound.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from onggi.sandbox.box import BOX_ID, Box

_HIDDEN = (
    "cgroups", "cmdline", "config.gz", "consoles", "diskstats", "interrupts", "iomem", "ioports",
    "kallsyms", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats",
    "locks", "modules", "pagetypeinfo", "buddyinfo", "sched_debug", "schedstat", "slabinfo", "softirqs",
    "swaps", "timer_list", "vmallocinfo", "vmstat", "zoneinfo", "partitions", "mtrr",
)  # fmt: skip
_HIDDEN_FOLDERS = ("acpi", "pressure", "scsi", "driver", "fs", "dma")


def etc_files(box: Box) -> Mapping[str, bytes]:
    """The box's `/etc`, by path."""
    return {
        "/etc/fonts/fonts.conf": (
            b"<fontconfig><dir>/usr/share/fonts</dir>"
            b'<cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n'
        ),
        "/etc/group": f"{box.user}:x:{BOX_ID}:\nnogroup:x:65534:\n".encode(),
        "/etc/hosts": f"127.0.0.1 localhost {box.hostname}\n::1 localhost\n".encode(),
        "/etc/host.conf": b"multi on\n",
        "/etc/localtime": _utc(),
        "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\nservices: files\n",
        "/etc/passwd": (
            f"{box.user}:x:{BOX_ID}:{BOX_ID}::{box.home}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
        ).encode(),
        "/etc/resolv.conf": b"",
    }


def proc_files(box: Box) -> Mapping[str, bytes]:
    """What is laid over files of the box's `/proc`, by path; only what this kernel has."""
    invented = {
        "loadavg": b"0.00 0.00 0.00 1/1 1\n",
        "stat": _stat(len(box.processors) or len(os.sched_getaffinity(0))),
        "uptime": b"1.00 1.00\n",
    }
    if box.limits.memory_bytes is not None:
        invented["meminfo"] = _meminfo(box.limits.memory_bytes)
    files = dict.fromkeys(_HIDDEN, b"") | invented
    return {f"/proc/{name}": content for name, content in files.items() if Path("/proc", name).exists()}


def proc_folders() -> tuple[str, ...]:
    """Folders of `/proc` that are covered by empty ones; only what this kernel has."""
    return tuple(f"/proc/{name}" for name in _HIDDEN_FOLDERS if Path("/proc", name).is_dir())


def _meminfo(memory_bytes: int) -> bytes:
    """The box's own limit as the machine's memory: Dask sizes its workers by it."""
    kib = memory_bytes // 1024
    free = ("MemFree", "MemAvailable")
    empty = (
        "Buffers",
        "Cached",
        "SwapCached",
        "Active",
        "Inactive",
        "SwapTotal",
        "SwapFree",
        "Shmem",
        "Slab",
    )
    lines = [
        f"MemTotal: {kib} kB",
        *(f"{name}: {kib} kB" for name in free),
        *(f"{name}: 0 kB" for name in empty),
    ]
    return ("\n".join(lines) + "\n").encode()


def _stat(processors: int) -> bytes:
    """Idle processors and the true time of boot, which process ages are counted from."""
    idle = "0 0 0 1 0 0 0 0 0 0"
    boot = int(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))
    lines = [f"cpu  {idle}", *(f"cpu{index} {idle}" for index in range(processors))]
    return (
        "\n".join([*lines, "intr 0", "ctxt 0", f"btime {boot}", "processes 1", "procs_running 1"]) + "\n"
    ).encode()


def _utc() -> bytes:
    """The smallest time-zone file that says UTC (RFC 8536, version 1)."""
    counts = (0, 0, 0, 0, 1, 4)
    header = b"TZif" + b"\0" * 16 + b"".join(count.to_bytes(4, "big") for count in counts)
    return header + (0).to_bytes(4, "big") + b"\0\0" + b"UTC\0"
