"""`onggi …` against a running installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.ready import Ready

ROOT = Path(__file__).resolve().parents[3]


def onggi(site: Any, *arguments: str, actor: str = "admin", language: str = "en", port: bool = True) -> Any:
    settings = site.settings
    before = ["--state", str(settings.state)] + ["--base-port", str(settings.base_port)] * port
    command = [sys.executable, "-m", "hub.cli", *before, "--as", actor, "--language", language, *arguments]
    environ = {"PATH": os.environ["PATH"], "HOME": str(settings.state), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_project_from_start_to_end(site: Any) -> None:
    titles = ["--title-ko", "폐", "--title-en", "Lung"]
    for arguments in (
        ["project", "create", "lung-study", *titles, "--ends", "2099-01-01"],
        ["role", "add-person", "visitor"],
        ["member", "add", "lung-study", "visitor", "--role", "lead"],
        ["quota", "set", "lung-study", "--sessions", "1"],
        ["member", "end", "lung-study", "visitor"],
        ["project", "end", "lung-study"],
    ):
        done = onggi(site, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
    shown = json.loads(onggi(site, "--json", "project", "show", "lung-study").stdout)[0]
    assert shown["active"] is False
    assert [(one["person"], one["role"], one["active"]) for one in shown["members"]] == [
        ("visitor", "lead", False)
    ]
    assert shown["quota"]["sessions"] == 1
    assert shown["quota"]["cpus"] == 4
    assert "project.create" in site.notary.actions("lung-study")
    assert "lung-study" in onggi(site, "project", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["project", "create", "nafld-study", "--title-ko", "가", "--title-en", "A"], "exists already"),
        (["project", "create", "No", "--title-ko", "가", "--title-en", "A"], "cannot be a name"),
        (["project", "end", "nafld-study", "--ends", "soon"], "The value of End is not valid (soon)"),
        (["project", "end", "nafld-study", "--ends", "tomorrow"], "YYYY-MM-DD"),
        (["member", "add", "nafld-study", "stranger"], "There is no person named stranger"),
        (["role", "take", "admin", "admin"], "last administrator"),
        (["dataset", "register", "/nowhere"], "There is no file"),
    ],
)
def test_a_refusal_is_a_sentence_and_a_status(site: Any, arguments: list[str], said: str) -> None:
    done = onggi(site, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_running_installation_is_found_without_its_port(site: Any) -> None:
    titles = ["--title-ko", "간", "--title-en", "Liver"]
    create = ["project", "create", "liver-2", *titles]
    note = site.settings.ready_file
    note.parent.mkdir(exist_ok=True)
    refused = onggi(site, *create, port=False)
    assert (refused.returncode, "audit log" in refused.stderr) == (1, True), refused
    Ready(2**22 - 1, site.settings.base_port).write(note)  # of a process that is gone
    assert onggi(site, *create, port=False).returncode == 1
    Ready(os.getpid(), site.settings.base_port).write(note)
    done = onggi(site, *create, port=False)
    note.unlink()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("actor", ["researcher1", "reviewer1", "stranger", "service:desk"])
def test_the_same_permissions_as_on_the_desk(site: Any, actor: str) -> None:
    done = onggi(site, "member", "end", "nafld-study", "researcher1", actor=actor)
    assert done.returncode == 1
    assert "do not have the right" in done.stderr or "no person named" in done.stderr


def test_korean(site: Any) -> None:
    done = onggi(site, "member", "end", "nafld-study", "researcher2", language="ko")
    assert "구성원이 아닙니다" in done.stderr


def test_without_the_audit_log_nothing_changes(site: Any) -> None:
    site.notary.open = False
    try:
        done = onggi(site, "project", "end", "claims-study")
    finally:
        site.notary.open = True
    assert done.returncode == 1
    assert "audit log does not answer" in done.stderr
    with site.context.registry.reading() as store:
        assert store.project("claims-study").ends is None


def test_the_demos_passwords(site: Any) -> None:
    shown = json.loads(onggi(site, "--json", "demo", "passwords").stdout)
    assert shown == {name: site.password(name) for name in shown}
    assert len(shown) == 5


def test_a_folder_without_onggi(site: Any, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "--language", "en", "project", "list"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "onggi up" in done.stderr
    assert list(tmp_path.iterdir()) == []
