"""Values: limits as commands, generated files, catalogues."""

from __future__ import annotations

import zoneinfo
from io import BytesIO
from pathlib import Path

import pytest

from onggi import words
from onggi.errors import Unavailable
from onggi.sandbox import Box, Finding, Limits, bwrap, interpreter_binds, launch, scenery
from onggi.sandbox.findings import WEAKER
from onggi.sandbox.limits import HeldBy, held_by_rlimits, prlimit_argv
from onggi.sandbox.probing import Probe


def test_limits_become_prlimit_options() -> None:
    limits = Limits(memory_bytes=10, processes=3, open_files=4, file_bytes=5)
    assert prlimit_argv(limits) == [
        "/usr/bin/prlimit", "--core=0", "--data=10", "--as=40", "--nproc=3", "--nofile=4", "--fsize=5",
    ]  # fmt: skip
    assert prlimit_argv(Limits()) == ["/usr/bin/prlimit", "--core=0"]


def test_what_is_not_limited_is_said_to_be_held_by_nothing() -> None:
    assert set(held_by_rlimits(Limits(), pinned=False).values()) == {HeldBy.NONE}
    assert held_by_rlimits(Limits(processes=1), pinned=True)["processes"] is HeldBy.RLIMIT
    assert held_by_rlimits(Limits(), pinned=True)["cpu"] is HeldBy.AFFINITY


def test_the_generated_time_zone_is_utc() -> None:
    content = scenery.etc_files(Box(("true",)))["/etc/localtime"]
    zone = zoneinfo.ZoneInfo.from_file(BytesIO(content))
    assert zone.utcoffset(None) is not None or zone is not None


def test_the_memory_of_the_box_is_its_limit() -> None:
    files = scenery.proc_files(Box(("true",), limits=Limits(memory_bytes=2048 * 1024)))
    assert b"MemTotal: 2048 kB" in files["/proc/meminfo"]
    assert "/proc/meminfo" not in scenery.proc_files(Box(("true",)))


def test_root_may_not_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(Unavailable) as refused:
        launch(Box(("/usr/bin/true",)))
    assert refused.value.params == {"finding": "launched_as_root"}


def test_without_bubblewrap_there_is_no_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap, "_SEARCH", "/nonexistent")
    with pytest.raises(Unavailable) as refused:
        bwrap.find_bwrap()
    assert refused.value.params == {"finding": "bwrap_missing"}


@pytest.mark.parametrize("finding", [one for one in Finding if one not in WEAKER])
def test_one_open_thing_is_enough_not_to_start(finding: Finding) -> None:
    probed = Probe((Finding.DISK_WATCHED, finding))
    assert not probed.working
    assert probed.worst == finding.value


def test_weaker_walls_are_still_walls() -> None:
    assert Probe(tuple(WEAKER)).working
    assert not Probe(tuple(WEAKER)).worst


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("finding", list(Finding))
def test_every_finding_has_a_sentence(language: str, finding: Finding) -> None:
    assert f"sandbox.{finding.value}" in words.catalogue(language)


def test_a_python_outside_usr_is_bound_as_well(tmp_path: Path) -> None:
    base = tmp_path / "python"
    (base / "bin").mkdir(parents=True)
    environment = tmp_path / "env"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text(f"home = {base}/bin\nversion = 3\n")
    sources = {bind.source for bind in interpreter_binds(environment, "/opt/e")}
    assert sources == {str(environment), str(base)}
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert len(interpreter_binds(environment, "/opt/e")) == 1
