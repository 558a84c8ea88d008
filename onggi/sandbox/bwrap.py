"""Launching a box with bubblewrap.

Guarantees: the command runs as uid and gid 1000 of its own user, pid, ipc, uts, cgroup, mount and (unless
`Network.HOST`) network namespace, without capabilities or new privileges, with the filter of
`onggi.sandbox.seccomp`, and sees exactly what its `Box` names. Nothing is inherited: no variable
(bubblewrap itself is started with none, for its own variables can be read in the box at `/proc/1/environ`)
and no descriptor but the three given ones. Nothing is written that has no bound: `/` and `/dev` are
read-only, every tmpfs has a size. Variables and paths are not on the command line of any process. The box
ends with the process that launched it.

Does not guarantee: anything when launched as root, since uid 1000 would then be the host's root on bound
folders, so that is refused. Nor the size of bound folders (`spawner.watch` does that).

The launcher must be a long-lived process, and must launch from a thread that lives as long: the kernel ends
the box when that *thread* ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.sandbox import scenery, seccomp
from onggi.sandbox.box import BOX_ID, Box, Network
from onggi.sandbox.cgroup import Cgroup, CgroupHome
from onggi.sandbox.limits import AUTOGROUP, Held, held_by_rlimits, nice_argv, prlimit_argv

Stream = int | IO[bytes]
BASH = "/usr/bin/bash"
_SEARCH = "/usr/bin:/usr/local/bin:/bin"
# The guard is a bash, which would leave this variable to the command.
_FORGET_SHELL = ("/usr/bin/env", "--unset=SHLVL")
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")


@dataclass(frozen=True, slots=True)
class Launched:
    """A running box.

    Attributes:
        process: bubblewrap; killing it ends everything in the box, its exit status is the command's.
        inner_pid: the host's number of the first process in the box, the forebear of all others.
        held: by what each limit is held.
        cgroup: to be removed when the box has ended.
    """

    process: subprocess.Popen[bytes]
    inner_pid: int
    held: Held
    cgroup: Cgroup | None = None


def find_bwrap() -> str:
    """The path of bubblewrap.

    Raises:
        Unavailable: if it is not installed.
    """
    found = shutil.which("bwrap", path=_SEARCH)
    if found is None:
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="bwrap_missing")
    return found


def refuse_root() -> None:
    """Go on as an ordinary user only.

    Raises:
        Unavailable: as root, for whom a box is no wall.
    """
    if 0 in (os.getuid(), os.geteuid()):
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="launched_as_root")


def launch(
    box: Box,
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    cgroups: CgroupHome | None = None,
    name: str = "box",
) -> Launched:
    """Start a box.

    Args:
        box: what it is.
        stdin: as for `subprocess.Popen`, like `stdout` and `stderr`. A file given here can be written by
            the box without bound; a pipe cannot fill a disk.
        cgroups: where a cgroup can be made, if anywhere.
        name: of the cgroup, unique among the running boxes.

    Raises:
        Unavailable: if no box can be made here.
    """
    refuse_root()
    bwrap = find_bwrap()
    held = held_by_rlimits(box.limits, pinned=bool(box.processors))
    cgroup = None
    with contextlib.ExitStack() as stack:
        pipes = _Pipes(stack)
        files = _Files(stack)
        told = ["--info-fd", str(pipes.info[1]), "--block-fd", str(pipes.block[0])]
        arguments = [*told, *_arguments(box, files)]
        listed = files.add(b"".join(argument.encode() + b"\0" for argument in arguments))
        inner = [
            *_guard(pipes, box.limits.nice),
            *_FORGET_SHELL,
            *nice_argv(box.limits),
            *prlimit_argv(box.limits),
            *box.argv,
        ]
        process = subprocess.Popen(
            [*_pinning(box), bwrap, "--args", str(listed), "--", *inner],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={},
            cwd="/",
            close_fds=True,
            pass_fds=(*pipes.for_the_box, *files.descriptors),
        )
        try:
            pipes.close_ends_of_the_box()
            inner_pid = _inner_pid(pipes.info[0])
            if cgroups is not None:
                cgroup = cgroups.make(name, box.limits)
                cgroup.add(inner_pid)
                held |= dict.fromkeys(cgroup.folders, cgroup.kind)
            os.write(pipes.block[1], b"1")
            if not os.read(pipes.ready[0], 1):
                raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="box_not_made")
            os.write(pipes.go[1], b"\n")
        except BaseException as error:
            process.kill()
            process.wait()
            if isinstance(error, BrokenPipeError):
                raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="box_not_made") from None
            raise
    return Launched(process, inner_pid, held, cgroup)


class _Pipes:
    """What launcher and box tell each other while the box is made.

    `info`: the number of its first process. `block`: it may go on, its cgroup is set. `ready`: it is closed
    and bound to our life. `go`: the command may start; if we die before saying so, the box ends by itself.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._theirs = stack.enter_context(contextlib.ExitStack())
        self.info, self.ready = self._hears(stack), self._hears(stack)
        self.block, self.go = self._says(stack), self._says(stack)
        self.for_the_box = (self.info[1], self.block[0], self.ready[1], self.go[0])

    def close_ends_of_the_box(self) -> None:
        """Keep only our ends, so that the box's death can be seen.

        Each is closed once: another thread may have been given its number since.
        """
        self._theirs.close()

    def _hears(self, ours: contextlib.ExitStack) -> tuple[int, int]:
        return _pipe(reader=ours, writer=self._theirs)

    def _says(self, ours: contextlib.ExitStack) -> tuple[int, int]:
        return _pipe(reader=self._theirs, writer=ours)


def _guard(pipes: _Pipes, nice: int) -> list[str]:
    """The first command in the box: it waits until bubblewrap has bound the box to the launcher's life.

    Bubblewrap does so (PR_SET_PDEATHSIG) only at the end of its work, just before its process 1 begins to
    wait for the command; a launcher that was killed earlier would leave the box behind.

    It is the first of the box's session, so that it can let the whole session step back.
    """
    ready, go = pipes.ready[1], pipes.go[0]
    step_back = f"{{ echo {nice} >{AUTOGROUP}; }} 2>/dev/null; " if nice else ""
    script = step_back + (
        "until read -r -a s </proc/1/stat && [[ ${s[2]} == S ]]; do :; done; "
        f'echo >&{ready} && read -r <&{go} && exec {ready}>&- {go}<&- && exec "$@"'
    )
    return [BASH, "-p", "-c", script, "onggi-box"]


class _Files:
    """Content that bubblewrap reads from descriptors: never on a disk, never on a command line."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.descriptors: list[int] = []

    def add(self, content: bytes) -> int:
        descriptor = os.memfd_create("onggi-box", os.MFD_CLOEXEC)
        self._stack.callback(os.close, descriptor)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        self.descriptors.append(descriptor)
        return descriptor


def _pipe(*, reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose ends close with the stacks that own them."""
    read, write = os.pipe()
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    return read, write


def _pinning(box: Box) -> list[str]:
    if not box.processors:
        return []
    return ["/usr/bin/taskset", "--cpu-list", ",".join(map(str, box.processors))]


def _inner_pid(info: int) -> int:
    """The first process's number, from bubblewrap's own word.

    Raises:
        Unavailable: if bubblewrap ended without making the box.
    """
    text = b""
    while b"}" not in text:
        part = os.read(info, 4096)
        if not part:
            raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="box_not_made")
        text += part
    return int(json.loads(text)["child-pid"])


def _arguments(box: Box, files: _Files) -> Iterator[str]:
    yield from ("--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session")
    if box.network is Network.HOST:
        yield "--share-net"
    yield from ("--uid", str(BOX_ID), "--gid", str(BOX_ID), "--cap-drop", "ALL", "--hostname", box.hostname)
    yield "--clearenv"
    for variable, value in box.env.items():
        yield from ("--setenv", variable, value)
    yield from ("--proc", "/proc", "--dev", "/dev", "--ro-bind", "/usr", "/usr")
    for name in _MERGED:
        yield from _top_folder(Path("/", name))
    yield from _contents(scenery.etc_files(box), files)
    yield from _mounts(box)
    yield from _contents(scenery.proc_files(box), files)
    for folder in scenery.proc_folders():
        yield from ("--size", "4096", "--tmpfs", folder, "--remount-ro", folder)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", box.cwd)
    yield from ("--seccomp", str(files.add(seccomp.program())))


def _top_folder(path: Path) -> Iterator[str]:
    if path.is_symlink():
        yield from ("--symlink", str(path.readlink()), str(path))
    elif path.is_dir():
        yield from ("--ro-bind", str(path), str(path))


def _contents(content: Mapping[str, bytes], files: _Files) -> Iterator[str]:
    for target, text in content.items():
        yield from ("--ro-bind-data", str(files.add(text)), target)


def _mounts(box: Box) -> Iterator[str]:
    """Binds and tmpfs, outer folders before what lies in them."""
    steps: list[tuple[str, tuple[str, ...]]] = [
        (bind.target, ("--bind" if bind.writable else "--ro-bind", bind.source, bind.target))
        for bind in box.binds
    ]
    steps += [
        (one.target, ("--perms", "0700", "--size", str(one.size_bytes), "--tmpfs", one.target))
        for one in box.tmpfs
    ]
    for _, arguments in sorted(steps, key=lambda step: step[0].rstrip("/").split("/")):
        yield from arguments
