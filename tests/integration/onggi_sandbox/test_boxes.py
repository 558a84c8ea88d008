"""Boxes do what they are for, and hold their limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.sandbox import Bind, Box, Launched, Limits, Tmpfs, bwrap, launch, probe

pytestmark = pytest.mark.sandbox
RunInBox = Callable[..., tuple[int, str]]


def test_the_probe_finds_boxes_working(ordinary_user: None) -> None:
    assert probe().working, probe().findings
    assert probe() is probe()


def test_binds_are_shown_as_said(run_in_box: RunInBox, tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "a").write_text("data")
    (tmp_path / "write").mkdir()
    code = """
        print(open("/data/x/a").read())
        open("/project/new", "w").write("kept")
        try:
            open("/data/x/a", "w")
        except OSError as error:
            print(error.strerror)
    """
    binds = (
        Bind(str(tmp_path / "read"), "/data/x"),
        Bind(str(tmp_path / "write"), "/project", writable=True),
    )
    status, said = run_in_box(textwrap.dedent(code), binds=binds)
    assert (status, said) == (0, "data\nRead-only file system\n")
    assert (tmp_path / "write" / "new").read_text() == "kept"


def test_the_exit_status_is_the_commands(run_in_box: RunInBox) -> None:
    assert run_in_box("raise SystemExit(7)")[0] == 7


def test_variables_are_those_named(run_in_box: RunInBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_LAUNCHER", "x")
    status, said = run_in_box("import os; print(sorted(os.environ))", env={"A": "1"})
    assert (status, said.strip()) == (0, "['A', 'LC_CTYPE', 'PWD']")


def test_launching_closes_no_descriptor_of_another_thread(
    monkeypatch: pytest.MonkeyPatch, launched_boxes: list[Launched]
) -> None:
    """A number that was given back may be another thread's by the time the box stands."""
    others: list[int] = []
    asked = bwrap._inner_pid

    def meanwhile(info: int) -> int:
        others.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(16))
        return asked(info)

    monkeypatch.setattr(bwrap, "_inner_pid", meanwhile)
    launched_boxes.append(launch(Box(("/usr/bin/sleep", "20"))))
    for descriptor in others:
        os.close(descriptor)


def test_launching_leaves_no_descriptor_open(launched_boxes: list[Launched]) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    launched_boxes.append(launch(Box(("/usr/bin/sleep", "20"))))
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_loopback_of_its_own_works(run_in_box: RunInBox) -> None:
    code = "import socket as s; l=s.create_server(('127.0.0.1', 0)); s.create_connection(l.getsockname())"
    assert run_in_box(code) == (0, "")


def test_variables_are_on_no_command_line(launched_boxes: list[Launched]) -> None:
    box = launch(Box(("/usr/bin/sleep", "20"), env={"TOKEN": "very-secret-token"}))
    launched_boxes.append(box)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.exists()]
    assert not any(b"very-secret-token" in line for line in lines)


def test_memory_of_a_process_is_limited(run_in_box: RunInBox) -> None:
    code = "b = []\ntry:\n while True: b.append(bytearray(16 << 20))\nexcept MemoryError: print(len(b) * 16)"
    status, said = run_in_box(code, limits=Limits(memory_bytes=256 * 1024**2))
    assert status == 0
    assert 100 < int(said) <= 256


FORK = """
import os, time
made = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(30); os._exit(0)
        made += 1
except OSError:
    pass
print(made, flush=True); os.kill(-1, 9)
"""


def test_processes_of_a_box_are_counted_for_it_alone(
    run_in_box: RunInBox, launched_boxes: list[Launched]
) -> None:
    busy = (
        "import os,time\nfor _ in range(40):\n  if os.fork()==0: time.sleep(30); os._exit(0)\ntime.sleep(30)"
    )
    launched_boxes.append(launch(Box(("/usr/bin/python3", "-I", "-c", busy), limits=Limits(processes=60))))
    time.sleep(0.5)
    _, said = run_in_box(FORK, limits=Limits(processes=30))
    assert 25 <= int(said.split()[0]) < 30


def test_open_files_are_limited(run_in_box: RunInBox) -> None:
    code = "f = []\ntry:\n while True: f.append(open('/usr/bin/env'))\nexcept OSError: print(len(f))"
    _, said = run_in_box(code, limits=Limits(open_files=40))
    assert 30 < int(said) < 40


def test_folders_in_memory_have_a_size(run_in_box: RunInBox) -> None:
    code = """
        for folder in ("/tmp", "/dev/shm"):
            written = 0
            try:
                with open(folder + "/f", "wb", buffering=0) as file:
                    while True: written += file.write(bytes(1 << 20))
            except OSError as error:
                print(folder, written >> 20, error.strerror)
    """
    _, said = run_in_box(
        textwrap.dedent(code), tmpfs=(Tmpfs("/tmp", 8 << 20), Tmpfs("/dev/shm", 4 << 20)), limits=Limits()
    )
    assert said.splitlines() == ["/tmp 8 No space left on device", "/dev/shm 4 No space left on device"]


def test_files_have_a_largest_size(run_in_box: RunInBox, tmp_path: Path) -> None:
    code = "import signal; signal.signal(25, signal.SIG_IGN); open('/project/f', 'wb').write(bytes(4 << 20))"
    binds = (Bind(str(tmp_path), "/project", writable=True),)
    status, said = run_in_box(code, binds=binds, limits=Limits(file_bytes=1 << 20))
    assert status != 0
    assert "File too large" in said
    assert (tmp_path / "f").stat().st_size <= 1 << 20


def test_processors_are_those_chosen(run_in_box: RunInBox) -> None:
    chosen = min(os.sched_getaffinity(0))
    code = """
        import os
        print(os.sched_getaffinity(0))
        try: os.sched_setaffinity(0, range(64))
        except PermissionError: print("refused")
    """
    _, said = run_in_box(textwrap.dedent(code), processors=(chosen,))
    assert said == f"{{{chosen}}}\nrefused\n"


@pytest.mark.parametrize("nice", [0, 10])
def test_a_box_steps_back(run_in_box: RunInBox, nice: int) -> None:
    code = """
        import os
        print(os.nice(0))
        try:
            print(open("/proc/self/autogroup").read().split()[-1])
        except FileNotFoundError:
            print("no groups here")
    """
    status, said = run_in_box(textwrap.dedent(code), limits=Limits(nice=nice))
    of_process, of_session = said.splitlines()
    assert (status, int(of_process)) == (0, min(os.nice(0) + nice, 19))
    assert of_session in (str(nice), "no groups here")


def test_a_box_ends_with_its_launcher(tmp_path: Path, ordinary_user: None) -> None:
    code = (
        "import sys,time; from onggi.sandbox import *; b=launch(Box(('/usr/bin/sleep','100')));"
        "print(b.process.pid, b.inner_pid, flush=True); time.sleep(100)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert launcher.stdout is not None
    pids = [int(word) for word in launcher.stdout.readline().split()]
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_starting_a_box_is_fast(run_in_box: RunInBox) -> None:
    began = time.monotonic()
    run_in_box("pass")
    assert time.monotonic() - began < 2.0
