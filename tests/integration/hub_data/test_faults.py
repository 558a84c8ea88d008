"""A builder that is killed or runs out of disk leaves nothing that could be taken for a data set."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.data import folder, synth
from hub.data.verify import verify
from onggi.sandbox import Bind, Box, Tmpfs, interpreter_binds, launch
from tests.support.compute import ROOT

MIB = 1024**2
PLATFORM = Path(sys.prefix)


def _start(out: Path) -> "subprocess.Popen[bytes]":
    script = (
        "import sys; from pathlib import Path; from hub.data import synth\n"
        "synth.build(Path(sys.argv[1]), 10**7, 1)"
    )
    return subprocess.Popen([sys.executable, "-c", script, str(out)], cwd=ROOT)


def test_a_killed_builder_leaves_no_data_set_and_the_next_one_sweeps(tmp_path: Path) -> None:
    out = tmp_path / "v"
    process = _start(out)
    try:
        until = time.monotonic() + 60
        while not list(tmp_path.glob(".v.*/visits/*/*")) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not out.exists()
    assert list(tmp_path.glob(".v.*.partial"))
    manifest = synth.build(out, 2_000, 1)
    assert verify(out) == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["v"]


def test_another_builder_at_work_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / f".v.{os.getppid()}.partial"
    theirs.mkdir()
    with folder.new_folder(tmp_path / "v"):
        assert theirs.exists()
    assert theirs.exists()


@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() == 0, reason="boxes launched by root are none; run as an ordinary user")
def test_a_full_disk_is_said_and_leaves_nothing() -> None:
    script = (
        "import json, os; from pathlib import Path; from hub.data import synth\n"
        "from onggi.errors import OnggiError\n"
        "try: synth.build(Path('/out/v'), 200_000, 1)\n"
        "except OnggiError as error:\n"
        "    print(json.dumps([error.reason.value, error.params, os.listdir('/out')]))"
    )
    box = Box(
        ("/opt/platform/bin/python", "-c", script),
        (*interpreter_binds(PLATFORM, "/opt/platform"), Bind(str(ROOT), "/opt/src")),
        tmpfs=(Tmpfs("/out", MIB), Tmpfs("/tmp")),
        env={"PYTHONPATH": "/opt/src", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    process = launch(box, stdout=subprocess.PIPE, stderr=subprocess.PIPE).process
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 0, stderr.decode()
    assert json.loads(stdout) == ["disk_full", {"path": "/out/v"}, []]
