"""Network from a cell: real listeners stand outside, and only what they heard counts as reached."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import struct
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from hub.leaktest.inside.running import Given, Seen, Tried

_SECONDS = 1.5
_FAMILIES = range(1, 46)
_KINDS = (1, 2, 3, 5)
_ALLOWED = {"1", "2", "10", "16"}
_ICMP = (1, 58)


def _tcp(family: int, host: str, port: str) -> Tried:
    def attempt(given: Given) -> Seen:
        with socket.socket(family, socket.SOCK_STREAM) as link:
            link.settimeout(_SECONDS)
            link.connect((given[host], given[port]))
            return link.recv(64).decode() == given["greeting"], "connected"

    return attempt


def _udp(family: int, host: str, port: str) -> Tried:
    """The listener answers, so that reached means there and back."""

    def attempt(given: Given) -> Seen:
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.settimeout(_SECONDS)
            link.sendto(b"leaktest", (given[host], given[port]))
            return link.recv(64).decode() == given["greeting"], "answered"

    return attempt


def _name_look_up(given: Given) -> Seen:
    """A well-formed DNS query to a name server that answers whoever reaches it."""
    name = b"".join(bytes([len(part)]) + part for part in (b"leaktest", b"onggi", b"invalid")) + b"\0"
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(_SECONDS)
        link.sendto(query, (given["host4"], given["udp4"]))
        return link.recv(64).decode() == given["greeting"], "answered"


def _name_servers(given: Given) -> Seen:
    """A query to each of the machine's name servers: can it even be sent?"""
    said = []
    for server in given["name_servers"]:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            try:
                link.connect((server, 53))
                return True, f"route to {server}"
            except OSError as error:
                said.append(errno.errorcode.get(error.errno or 0, "error"))
    return False, " ".join(said) or "no name server"


def _route(given: Given) -> Seen:
    """Any way to the machine's own address on its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
        link.settimeout(_SECONDS)
        link.connect((given["address"], given["tcp_any"]))
        return link.recv(64).decode() == given["greeting"], "connected"


def _namespace(given: Given) -> Seen:
    mine = os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116 - a link that leads nowhere by name
    return mine == given["net_namespace"], "the machine's" if mine == given["net_namespace"] else "its own"


def _abstract(given: Given) -> Seen:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_SECONDS)
        link.connect("\0" + given["abstract"])
        return link.recv(64).decode() == given["greeting"], "connected"


def _by_path(name: str) -> Tried:
    def attempt(given: Given) -> Seen:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_SECONDS)
            link.connect(given[name])
            return link.recv(64).decode() == given["greeting"], "connected"

    return attempt


def _by_link(given: Given) -> Seen:
    """Through a link that is planted in the project folder."""
    path = f"{given['project']}/leaktest-{os.getpid()}.link"
    os.symlink(given["socket_path"], path)  # noqa: PTH211 - by text, whatever it leads to
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_SECONDS)
            link.connect(path)
            return link.recv(64).decode() == given["greeting"], "connected"
    finally:
        os.unlink(path)  # noqa: PTH108 - as above


def _sockets_seen(given: Given) -> Seen:
    """Every socket that lies anywhere in the tree of names and is not this session's own."""
    own = ("/run/onggi/", "/proc/")
    found: list[str] = []
    for top in given["tops"]:
        for folder, _, names in os.walk(top):
            paths = (f"{folder}/{name}" for name in names)
            found += [one for one in paths if _is_socket(one) and not one.startswith(own)]
    return bool(found), " ".join(found[:3]) or "none"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def _families(_given: Given) -> Seen:
    """Every family and kind that a socket can be made of, beside UNIX, TCP, UDP and routing."""
    made = {str(family) for family in _FAMILIES for kind in _KINDS if _makes(family, kind)}
    others = made - _ALLOWED
    if not made & {"1"}:
        return None, "not even a UNIX socket can be made"
    return bool(others), f"families {' '.join(sorted(made, key=int))}"


def _makes(family: int, kind: int, protocol: int = 0) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True


def _vsock(_given: Given) -> Seen:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM):
        return True, "made"


def _netlink(_given: Given) -> Seen:
    """Netlink of any other kind than routing: uevents, audit, connectors, netfilter."""
    made = [str(kind) for kind in range(1, 23) if _makes(socket.AF_NETLINK, socket.SOCK_RAW, kind)]
    return bool(made), " ".join(made) or "none"


def _raw(_given: Given) -> Seen:
    """ICMP by a raw or a ping socket; the control is a namespace of one's own, where root may."""
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        if _makes(socket.AF_INET, kind, _ICMP[0]) or _makes(socket.AF_INET6, kind, _ICMP[1]):
            return True, "made"
    flags = 0x1000_0000 | 0x4000_0000  # CLONE_NEWUSER | CLONE_NEWNET
    _unshare(flags)
    made = _makes(socket.AF_INET, socket.SOCK_RAW, _ICMP[0])
    return made, "made in a namespace" if made else "not even in a namespace"


def _unshare(flags: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def _program(*argv: str) -> Tried:
    """A program of the machine, told to fetch from the listener."""

    def attempt(given: Given) -> Seen:
        filled = [one.format(**given) for one in argv]
        if shutil.which(filled[0]) is None:
            return False, "no such program"
        done = subprocess.run(filled, capture_output=True, text=True, timeout=6, check=False)
        return given["greeting"] in done.stdout, f"status {done.returncode}"

    return attempt


def _buses(given: Given) -> Seen:
    """D-Bus and the sockets of display, sound and containers, where they usually are."""
    places = ["/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket", "/run/docker.sock"]
    places += [f"/run/user/{given['uid']}/bus", "/tmp/.X11-unix/X0", given["socket_path"]]  # noqa: S108 - not ours
    found = [place for place in places if os.path.exists(place)]  # noqa: PTH110 - quick
    return bool(found), " ".join(found) or "none"


def _broker(given: Given) -> Seen:
    """Onggi's own broker, which could start anything."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_SECONDS)
        link.connect(given["broker"])
        return True, "connected"


_READ = 'import socket;print(socket.create_connection(("{host4}",{tcp4}),2).recv(64).decode())'
ATTEMPTS: Mapping[str, Callable[[Mapping[str, Any]], Seen]] = {
    "namespace": _namespace,
    "tcp4": _tcp(socket.AF_INET, "host4", "tcp4"),
    "tcp6": _tcp(socket.AF_INET6, "host6", "tcp6"),
    "udp4": _udp(socket.AF_INET, "host4", "udp4"),
    "udp6": _udp(socket.AF_INET6, "host6", "udp6"),
    "address": _route,
    "dns": _name_look_up,
    "name_servers": _name_servers,
    "abstract": _abstract,
    "unix_path": _by_path("socket_path"),
    "unix_link": _by_link,
    "unix_seen": _sockets_seen,
    "broker": _broker,
    "families": _families,
    "vsock": _vsock,
    "netlink": _netlink,
    "icmp": _raw,
    "bash": _program("bash", "-c", "exec 3<>/dev/tcp/{host4}/{tcp4}; cat <&3"),
    "subprocess": _program("python3", "-c", _READ),
    "buses": _buses,
}
