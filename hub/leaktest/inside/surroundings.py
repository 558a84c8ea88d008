"""What can be seen and touched from within: processes, memory, files, devices, limits of the machine."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
from collections.abc import Iterator, Mapping

from hub.leaktest.inside.running import Given, Seen, Tried

_SECRET = re.compile(r"(?i)token|secret|passw|proxy|api_?key|cookie")
_DEVICES = frozenset(
    "console core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero".split()
)
_libc = ctypes.CDLL(None, use_errno=True)


def _processes(given: Given) -> Seen:
    """The sentinel that runs outside, looked for by its words and its variables in every process."""
    wanted, seen = given["sentinel"].encode(), 0
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208 - quick
        for part in ("cmdline", "environ"):
            content = _read(f"/proc/{pid}/{part}")
            seen += part == "cmdline"
            if wanted in content:
                return True, f"found in {part}"
    return False, f"{seen} processes"


def _environment(_given: Given) -> Seen:
    """Variables that sound like a secret or a proxy, of every process that can be looked into."""
    found: set[str] = set()
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208 - quick
        pairs = _read(f"/proc/{pid}/environ").decode("utf-8", "replace").split("\0")
        found |= {name for name, _, _ in (pair.partition("=") for pair in pairs) if _SECRET.search(name)}
    return bool(found), " ".join(sorted(found)[:4]) or "none"


def _descriptors(given: Given) -> Seen:
    """Open files of this process, its forebears and process 1 that lead anywhere else than into the box."""
    found = set()
    for pid in {1, os.getpid(), os.getppid(), *_forebears()}:
        folder = f"/proc/{pid}/fd"
        try:
            links = [_link(f"{folder}/{name}") for name in os.listdir(folder)]  # noqa: PTH208 - quick
        except OSError:
            continue
        found |= {link for link in links if link.startswith(tuple(given["host_tops"]))}
    return bool(found), " ".join(sorted(found)[:3]) or "none"


def _forebears() -> Iterator[int]:
    pid = os.getppid()
    while pid > 1:
        yield pid
        after = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        pid = int(after[1]) if len(after) > 1 else 0


def _posix_memory(given: Given) -> Seen:
    return given["mark"].encode() in _read(f"/dev/shm/{given['shared']}", must=True), "read"  # noqa: S108 - the machine's


def _system_v(name: str, arguments: tuple[int, ...]) -> Tried:
    """A segment, queue or semaphore that somebody outside made under a key."""

    def attempt(given: Given) -> Seen:
        ctypes.set_errno(0)
        found = getattr(_libc, name)(given["system_v_key"], *arguments)
        if found < 0:
            raise OSError(ctypes.get_errno(), name)
        return True, "found"

    return attempt


def _queue(given: Given) -> Seen:
    """A POSIX message queue that somebody outside made."""
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    if library.mq_open(given["queue"].encode(), os.O_RDONLY) < 0:
        raise OSError(ctypes.get_errno(), "mq_open")
    return True, "opened"


def _host_files(given: Given) -> Seen:
    """A file of the machine by its path, and files of that name anywhere in the tree of names."""
    for path in given["planted"]:
        if given["mark"].encode() in _read(path):
            return True, "read by its path"
    looked = 0
    for top in given["tops"]:
        for _, _, names in os.walk(top):
            looked += len(names)
            if given["planted_name"] in names:
                return True, f"found below {top}"
    return False, f"{looked} names"


def _secrets(given: Given) -> Seen:
    """Onggi's own keys, tokens, data bases and plans by their names, anywhere below what is not `/usr`."""
    wanted, found = set(given["secret_names"]), []
    for top in given["tops"]:
        for folder, folders, names in os.walk(top):
            found += [f"{folder}/{name}" for name in wanted.intersection((*names, *folders))]
    return bool(found), " ".join(found[:3]) or "none"


def _read_only(given: Given) -> Seen:
    """Writing, changing and linking in the data, the system and the programs; folders that one may write."""
    said = set()
    for folder in given["must_not_write"]:
        path = f"{folder}/leaktest-{os.getpid()}"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            said.add(errno.errorcode.get(error.errno or 0, "error"))
            continue
        os.unlink(path)  # noqa: PTH108 - no hub here
        return True, f"written in {folder}"
    return False, " ".join(sorted(said))


def _hard_link(given: Given) -> Seen:
    """A second name in the project folder for a file that lies outside of it."""
    path = f"{given['project']}/leaktest-{os.getpid()}.hard"
    said = set()
    for target in given["link_targets"]:
        try:
            os.link(target, path)
        except OSError as error:
            said.add(errno.errorcode.get(error.errno or 0, "error"))
            continue
        os.unlink(path)  # noqa: PTH108 - as above
        return True, "linked"
    return False, " ".join(sorted(said))


def _device(given: Given) -> Seen:
    """A device file made in the project folder, and devices in `/dev` beside the harmless ones."""
    others = sorted(set(os.listdir("/dev")) - _DEVICES)  # noqa: PTH208 - quick
    try:
        os.mknod(f"{given['project']}/leaktest-{os.getpid()}.dev", 0o060600, os.makedev(254, 0))
    except OSError as error:
        said = errno.errorcode.get(error.errno or 0, "error")
        return bool(others), f"mknod {said}; {len(others)} others: {' '.join(others[:3])}"
    return True, "made"


def _sysfs(_given: Given) -> Seen:
    """What the machine tells of itself by `/sys`, its cgroups and writable `/proc/sys`."""
    found = [path for path in ("/sys/kernel", "/sys/fs/cgroup", "/sys/class/net") if os.path.exists(path)]  # noqa: PTH110 - quick
    found += [
        path for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/hostname") if os.access(path, os.W_OK)
    ]
    return bool(found), " ".join(found) or "none"


def _privileges(_given: Given) -> Seen:
    """Capabilities, and programs that run as their owner."""
    lines = _read("/proc/self/status").decode().splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    capable = any(int(status[name], 16) for name in ("CapPrm", "CapEff", "CapAmb"))
    gains = status["NoNewPrivs"] != "1"
    return (
        capable or gains,
        f"NoNewPrivs {status['NoNewPrivs']}, CapEff {status['CapEff'].lstrip('0') or '0'}",
    )


def _core(_given: Given) -> Seen:
    """A crash that leaves its memory where the machine's pattern says, or to a program of the machine."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return most != 0, f"most {most} bytes"


def _read(path: str, *, must: bool = False) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - no hub here
            return file.read(1 << 20)
    except OSError:
        if must:
            raise
        return b""


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - no hub here
    except OSError:
        return ""


ATTEMPTS: Mapping[str, Tried] = {
    "processes": _processes,
    "environment": _environment,
    "descriptors": _descriptors,
    "posix_memory": _posix_memory,
    "system_v_memory": _system_v("shmget", (0, 0)),
    "system_v_queue": _system_v("msgget", (0,)),
    "system_v_semaphore": _system_v("semget", (0, 0)),
    "posix_queue": _queue,
    "host_files": _host_files,
    "secrets": _secrets,
    "read_only": _read_only,
    "hard_link": _hard_link,
    "device": _device,
    "sysfs": _sysfs,
    "privileges": _privileges,
    "core": _core,
}
