"""The tour's last steps: what a third party does with nothing but files and the public key.

The commands run in an empty environment and an empty folder, as on another machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hub.tour.steps import Journey, expect

TAMPERED = 1


def verify_certificate(journey: Journey) -> None:
    """`onggi certificate verify` accepts the release, and names a file of which one byte was changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = _public_key(journey, folder)
        (folder / "certificate.json").write_bytes(journey.certificate)
        file = folder / "persons-by-sex.csv"
        file.write_bytes(journey.file)
        command = ["certificate", "verify", "certificate.json", "--file", file.name, "--key", key.name]
        good = _onggi(folder, *command)
        expect(good.returncode == 0, f"the certificate was not accepted: {good.stdout}{good.stderr}")
        file.write_bytes(journey.file.replace(b"\n", b" \n", 1))
        bad = _onggi(folder, *command)
        named = bad.returncode == TAMPERED and file.name in bad.stdout + bad.stderr
        expect(named, f"a changed file was not named: {bad.returncode} {bad.stdout}{bad.stderr}")


def verify_audit(journey: Journey) -> None:
    """`onggi audit verify` accepts the exported log, and refuses one with an event cut out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = _public_key(journey, folder)
        export = folder / "audit.jsonl"
        state = str(journey.running.installation.state)
        made = _onggi(folder, "--state", state, "audit", "export", str(export))
        expect(made.returncode == 0, f"the log was not exported: {made.stdout}{made.stderr}")
        good = _onggi(folder, "audit", "verify", export.name, "--key", key.name)
        expect(good.returncode == 0, f"the log was not accepted: {good.stdout}{good.stderr}")
        lines = export.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        export.write_bytes(b"".join(lines[:middle] + lines[middle + 1 :]))
        bad = _onggi(folder, "audit", "verify", export.name, "--key", key.name)
        expect(bad.returncode == TAMPERED, f"a missing event was not found: {bad.stdout}{bad.stderr}")


def _public_key(journey: Journey, folder: Path) -> Path:
    key = folder / "review.pub"
    answer = journey.visitor("researcher1").get(journey.running.origin("review") + "/key")
    expect(answer.is_success, f"the public key was answered with {answer.status_code}")
    key.write_bytes(answer.content)
    return key


def _onggi(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": source, "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
