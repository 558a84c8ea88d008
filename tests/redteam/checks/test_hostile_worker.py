"""A worker that was taken over by the file it parsed, in its real box: its file is *not proven*, no more."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from egress_review.checks.boxed import Worker
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import Finding, OutputReport
from egress_review.checks.runner import run_checks
from onggi.errors import Tampered
from tests.support.check_tables import Source, Vault

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.geteuid() == 0, reason="a box started by root is no wall; run as an ordinary user"),
]

BY_SEX = "SELECT sex, COUNT(*) AS n FROM small.person GROUP BY sex"
PROOF = Finding(Code.RECOMPUTED, {"numbers": "2", "rows": "2", "persons": "15000"})


def hostile(source: Source, vault: Vault, code: str) -> Finding:
    """What is found when the worker runs `code`."""
    made = source.table(BY_SEX)
    job = vault.job(vault.keep(made.body, claim=made.claim), source)
    (report,) = run_checks(job, Worker(("-B", "-c", code))).outputs
    assert report.verdict is Verdict.NOT_PROVEN
    (found,) = report.findings
    return found


def test_the_real_worker_passes_a_true_table(source: Source, vault: Vault) -> None:
    made = source.table(BY_SEX)
    report = run_checks(vault.job(vault.keep(made.body, claim=made.claim), source))
    assert report.verdict is Verdict.PASS, report.outputs[0].findings
    assert report.policy_version == vault.policy.version
    assert report.engine.startswith("duckdb")


def test_each_output_is_judged_by_itself(source: Source, vault: Vault) -> None:
    made = source.table(BY_SEX)
    good = vault.keep(made.body, claim=made.claim)
    bad = vault.keep(b"PK\x03\x04 zip", "x.csv")
    job = replace(vault.job(good, source), outputs=(good, bad, good))
    report = run_checks(job)
    assert [one.verdict for one in report.outputs] == [Verdict.PASS, Verdict.BLOCK, Verdict.PASS]
    assert report.verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    "code",
    [
        "",
        "print('PASS')",
        "print('{}')",
        "print('[' * 100000)",
        'print(\'{"verdict": "pass"}\')',
        "import sys; sys.stdout.buffer.write(bytes(range(256)))",
    ],
)
def test_an_answer_that_is_no_report(code: str, source: Source, vault: Vault) -> None:
    assert hostile(source, vault, code).code is Code.ANSWER_UNREADABLE


def test_a_good_report_on_another_file(source: Source, vault: Vault) -> None:
    forged = OutputReport("other.csv", "0" * 64, "csv", (PROOF,), policy_version=vault.policy.version)
    found = hostile(source, vault, f"import json; print(json.dumps({forged.to_json()!r}))")
    assert (found.code, found.params) == (Code.ANSWER_UNREADABLE, {"cause": "subject"})


def test_an_answer_without_end(source: Source, vault: Vault) -> None:
    found = hostile(source, vault, "import os\nwhile True: os.write(1, b' ' * 65536)")
    assert (found.code, found.params) == (Code.ANSWER_UNREADABLE, {"cause": "size"})


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "raise SystemExit(3)",
        "1 / 0",
    ],
)
def test_a_worker_that_ends_badly(code: str, source: Source, vault: Vault) -> None:
    assert hostile(source, vault, code).code is Code.CHECKER_CRASHED


def test_a_worker_that_never_ends(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, time_s=2.0)
    started = time.monotonic()
    assert hostile(source, vault, "while True: pass").code is Code.TIME_LIMIT
    assert time.monotonic() - started < 6


def test_a_worker_that_closes_its_mouth_and_stays(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, time_s=2.0)
    code = "import os, time\nos.close(1)\ntime.sleep(600)"
    assert hostile(source, vault, code).code is Code.TIME_LIMIT


def test_a_worker_that_eats_memory(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, memory_bytes=512 * 1024**2)
    code = (
        "import sys\nfrom egress_review.checks.worker_status import OUT_OF_MEMORY\n"
        "held = []\ntry:\n    while True: held.append(bytearray(16 * 1024**2))\n"
        "except MemoryError:\n    held.clear()\n    sys.exit(OUT_OF_MEMORY)"
    )
    assert hostile(source, vault, code).code is Code.MEMORY_LIMIT


def test_a_worker_that_fills_its_scratch_folder(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, memory_bytes=256 * 1024**2)
    code = "file = open('/scratch/x', 'wb')\nwhile True: file.write(bytes(1024**2))"
    assert hostile(source, vault, code).code is Code.CHECKER_CRASHED


def test_a_worker_that_breeds(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, time_s=5.0)
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: raise SystemExit(9)"
    assert hostile(source, vault, code).code in {Code.CHECKER_CRASHED, Code.TIME_LIMIT}


LOOK_AROUND = """
import json, os, pathlib, socket
found = []
def reach(name, act):
    try: act()
    except OSError: pass
    else: found.append(name)
def write(path):
    def act(): open(path, "r+b").close()
    return act
reach("output", write("/in/output"))
for path in pathlib.Path("/data").rglob("*"):
    if path.is_file(): reach(str(path), write(path))
reach("code", lambda: open("/opt/onggi/onggi/x", "w").close())
reach("root", lambda: open("/x", "w").close())
reach("order", lambda: os.ftruncate(os.open("/proc/self/fd/0", os.O_RDWR), 1 << 40))
reach("order", lambda: os.write(os.open("/proc/self/fd/0", os.O_RDWR), b"x"))
reach("net", lambda: socket.create_connection(("127.0.0.1", 22), 1))
reach("net4", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("1.1.1.1", 53)))
for path in ("/work", "/root", "/home", "/var/lib/onggi", "/etc/shadow", "/var/log", "/opt/onggi/hub",
             "/opt/onggi/egress_review/audit"):
    if os.path.exists(path): found.append(path)
if set(os.environ) - {"PYTHONPATH", "HOME", "LC_ALL", "LC_CTYPE", "PWD"}: found.append(str(set(os.environ)))
raise SystemExit(0 if not found else print(json.dumps(found)) or 5)
"""


def test_a_worker_that_looks_around_finds_nothing(source: Source, vault: Vault) -> None:
    found = hostile(source, vault, LOOK_AROUND)
    # Status 0 with an empty answer: nothing was reachable. Status 5 would be `checker_crashed`.
    assert found.code is Code.ANSWER_UNREADABLE, found


def test_a_query_that_never_ends_is_stopped(source: Source, vault: Vault) -> None:
    vault.policy = replace(vault.policy, time_s=4.0)
    sql = (
        "SELECT a.sex, COUNT(*) AS n, COUNT(DISTINCT c.person_id) AS p FROM small.person a"
        " JOIN small.person b ON a.one = b.one JOIN small.person c ON b.one = c.one GROUP BY a.sex"
    )
    made = source.made(sql, b"sex,n,p\nF,1,1\nM,1,1\n", ["sex", "n", "p"])
    started = time.monotonic()
    (report,) = run_checks(vault.job(vault.keep(made.body, claim=made.claim), source)).outputs
    assert time.monotonic() - started < 8
    assert [one.code for one in report.findings] == [Code.TIME_LIMIT]
    assert report.verdict is Verdict.NOT_PROVEN


def test_a_vault_file_that_is_not_what_was_submitted_is_an_alarm(source: Source, vault: Vault) -> None:
    made = source.table(BY_SEX)
    output = vault.keep(made.body, claim=made.claim)
    Path(output.path).write_bytes(made.body + b"X,1\n")
    with pytest.raises(Tampered):
        run_checks(vault.job(output, source))
    Path(output.path).unlink()
    with pytest.raises(Tampered):
        run_checks(vault.job(output, source))


def test_a_vault_file_that_became_a_link_is_an_alarm(source: Source, vault: Vault) -> None:
    made = source.table(BY_SEX)
    output = vault.keep(made.body, claim=made.claim)
    path = Path(output.path)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    with pytest.raises(Tampered):
        run_checks(vault.job(output, source))


def test_data_that_do_not_fit_their_manifest_prove_nothing(
    source: Source, vault: Vault, tmp_path: Path
) -> None:
    import shutil

    copy = Source(tmp_path / "copy")
    shutil.copytree(source.folder, copy.folder)
    made = source.table(BY_SEX)
    with (copy.folder / "person/bucket=000/part-0.parquet").open("ab") as file:
        file.write(b"x")
    (report,) = run_checks(vault.job(vault.keep(made.body, claim=made.claim), copy)).outputs
    assert [one.code for one in report.findings] == [Code.DATASET_UNREADABLE]
    shutil.rmtree(copy.folder)
    gone = replace(source.granted, folder=str(copy.folder))
    table, words = vault.keep(made.body, claim=made.claim), vault.keep(b"Nothing.\n", "words.txt")
    reports = run_checks(replace(vault.job(table), outputs=(table, words), datasets=(gone,))).outputs
    assert [one.code for report in reports for one in report.findings] == [
        Code.DATASET_UNREADABLE, Code.NO_PROOF_FOR_TYPE,
    ]  # fmt: skip


def test_a_job_without_outputs_does_not_pass(source: Source, vault: Vault) -> None:
    job = replace(vault.job(vault.keep(b"x", "x.txt"), source), outputs=())
    assert run_checks(job).verdict is Verdict.NOT_PROVEN
