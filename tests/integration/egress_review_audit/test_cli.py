"""`onggi audit` and `onggi certificate` as processes: what a third party runs, and what the operator runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from egress_review.audit.keys import load_or_create_signer
from egress_review.audit.sql import SqlAuditLog
from egress_review.settings import ReviewSettings
from egress_review.store.engine import open_engine, writing
from egress_review.store.migrate import upgrade
from tests.support.audit import SIGNER, event, exported
from tests.support.certificates import CONTENTS, issued

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [sys.executable, "-m", "egress_review.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    settings = ReviewSettings(state=state)
    engine = open_engine(settings.database)
    upgrade(engine)
    with writing(engine) as connection:
        log = SqlAuditLog(connection)
        for number in range(70):
            log.append(event(number))
    engine.dispose()
    load_or_create_signer(settings.keys / "audit.pem")
    return state


def test_export_here_verify_there(installation: Path, tmp_path: Path) -> None:
    there = tmp_path / "third-party"
    there.mkdir()
    assert run(tmp_path, "audit", "export", there, "--state", installation).returncode == 0
    assert sorted(item.name for item in there.iterdir()) == ["audit-log.jsonl", "audit-log.pub"]
    kept = run(tmp_path, "audit", "checkpoint", "--state", installation)
    (there / "kept").write_text(kept.stdout)
    good = run(there, "audit", "verify", "audit-log.jsonl", "--key", "audit-log.pub", "--checkpoint", "kept")
    assert (good.returncode, good.stderr) == (0, "")
    key = run(tmp_path, "audit", "key", "--state", installation).stdout.strip()
    assert key == (there / "audit-log.pub").read_text().strip()
    lines = (there / "audit-log.jsonl").read_bytes().splitlines(keepends=True)
    (there / "cut.jsonl").write_bytes(b"".join(lines[:20] + lines[21:]))
    bad = run(there, "audit", "verify", "cut.jsonl", "--key", key)
    assert bad.returncode == 1
    assert "19" in bad.stdout


def test_a_place_where_nothing_can_be_written_is_named(installation: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for target in (tmp_path / "missing" / "log.jsonl", closed / "log.jsonl"):
        answer = run(tmp_path, "audit", "export", target, "--state", installation)
        assert answer.returncode == 1
        assert answer.stderr.splitlines()[0].startswith(f"{target}에 쓸 수 없습니다.")


def test_a_certificate_with_its_files(tmp_path: Path) -> None:
    made = issued(tmp_path)
    (tmp_path / "c.json").write_bytes(made.certificate)
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    files = [part for name in CONTENTS for part in ("--file", name)]
    good = run(tmp_path, "certificate", "verify", "c.json", *files, "--key", SIGNER.verifier.text)
    assert good.returncode == 0
    assert made.release.id in good.stdout
    (tmp_path / "figure.csv").write_bytes(b"forged")
    bad = run(tmp_path, "certificate", "verify", "c.json", *files, "--key", SIGNER.verifier.text)
    assert bad.returncode == 1
    assert "figure.csv" in bad.stdout
    assert "표 1.csv" not in bad.stdout


def test_bad_usage_is_told_apart_from_tampering(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"".join(exported(tmp_path, 3)))
    (tmp_path / "note").write_text("no checkpoint")
    key = SIGNER.verifier.text
    for arguments in (
        ("audit", "verify", "log.jsonl"),
        ("audit", "verify", "log.jsonl", "--key", "nonsense"),
        ("audit", "verify", "missing", "--key", key),
        ("audit", "verify", "log.jsonl", "--key", key, "--checkpoint", "note"),
        ("audit", "verify", "log.jsonl", "--key", key, "--unknown"),
        ("certificate", "verify", "missing", "--key", key),
        ("certificate", "verify", "log.jsonl", "--key", key, "--file", "missing"),
        ("audit", "key", "--state", tmp_path / "nowhere"),
    ):
        assert run(tmp_path, *arguments).returncode == 64, arguments
    assert run(tmp_path, "audit", "verify", "log.jsonl", "--key", key).returncode == 0
    assert run(tmp_path, "certificate", "verify", "log.jsonl", "--key", key).returncode == 1


def test_a_missing_file_is_not_called_a_wrong_key(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"".join(exported(tmp_path, 3)))
    answer = run(tmp_path, "audit", "verify", "log.jsonl", "--key", "export/audit-log.pub")
    assert "export/audit-log.pub" in answer.stderr
    assert "onggi/audit-log+1a2b3c4d" not in answer.stderr


def test_a_verifier_needs_neither_database_nor_web() -> None:
    """So that a third party can run it from the source with two packages installed."""
    code = (
        "import sys, json; import egress_review.cli; heavy = ('sqlalchemy', 'starlette', 'pydantic', 'hub');"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == []
