"""What a session server keeps: its meter, its spool, its settings; each survives a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onggi.errors import Invalid, Unavailable
from session.settings import load, prepare_environment
from tests.support.session_meter import meter_with
from web.spool import Spool


def test_a_meter_never_forgets_what_was_shown(tmp_path: Path) -> None:
    meter = meter_with(tmp_path / "meter", 1_000_000)
    assert meter.take(1000)
    again = meter_with(tmp_path / "meter", 1_000_000)  # the first was killed: it settled nothing
    assert again.used >= 1000
    again.close()
    settled = meter_with(tmp_path / "meter", 1_000_000)
    assert settled.used == again.used
    settled.close()
    meter.close()


def test_a_meter_refuses_whole_or_charges_whole(tmp_path: Path) -> None:
    meter = meter_with(tmp_path / "meter", 100)
    assert meter.take(60)
    assert not meter.take(60)
    assert meter.used == 60
    meter.close()


def test_events_wait_in_order_until_they_arrived(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for number in range(3):
        spool.append({"id": str(number)})
    spool.sent()
    again = Spool(tmp_path / "spool")  # the first was killed
    assert again.first() == {"id": "1"}
    again.sent()
    assert again.first() == {"id": "2"}
    again.sent()
    assert again.first() is None
    again.append({"id": "3"})
    assert Spool(tmp_path / "spool").first() == {"id": "3"}


def test_a_half_written_event_is_cut_off(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append({"id": "whole"})
    with (tmp_path / "spool" / "events.jsonl").open("ab") as log:
        log.write(b'{"id": "ha')
    again = Spool(tmp_path / "spool")
    again.append({"id": "next"})
    again.sent()
    assert again.first() == {"id": "next"}


def test_too_many_waiting_events_refuse_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for _ in range(33):
        spool.append({"text": "x" * 1_000_000})
    with pytest.raises(Unavailable):
        spool.append({"text": "x" * 1_000_000})


def environment(tmp_path: Path) -> dict[str, str]:
    server = tmp_path / "server"
    server.mkdir()
    plan = {
        "session_id": "s-0123456789abcdef",
        "member": "researcher1",
        "project": "nafld",
        "language": "ko",
        "until": None,
        "session_key": "k",
        "project_folder": "/p",
    }
    (server / "plan.json").write_text(json.dumps(plan))
    (server / "environ.json").write_text(
        json.dumps(
            {
                "JUPYTERHUB_API_TOKEN": "t",
                "JUPYTERHUB_SERVICE_PREFIX": "/user/researcher1/nafld/",
                "LD_PRELOAD": "x",
            }
        )
    )
    return {
        "ONGGI_RUN_DIR": str(tmp_path),
        "ONGGI_SESSION_PLAN": str(server / "plan.json"),
        "ONGGI_SESSION_ENVIRON": str(server / "environ.json"),
        "ONGGI_HUB_ORIGIN": "http://127.0.0.1:8000",
        "ONGGI_DESK_URL": "http://127.0.0.1:8001/",
        "ONGGI_REVIEW_URL": "http://127.0.0.1:8002",
    }


def test_the_hubs_variables_are_read_and_their_file_is_gone(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    settings = load(environ)
    assert environ["JUPYTERHUB_API_TOKEN"] == "t"
    assert "LD_PRELOAD" not in environ
    assert not (tmp_path / "server" / "environ.json").exists()
    assert settings.desk_url == "http://127.0.0.1:8001"


def test_jupyter_finds_no_configuration_of_others(tmp_path: Path) -> None:
    environ = environment(tmp_path) | {
        "JUPYTER_PATH": "/project",
        "JUPYTER_CONFIG_PATH": "/project",
        "PYTHONSTARTUP": "/x",
    }
    settings = load(environ)
    prepare_environment(settings, environ)
    assert not {"JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "PYTHONSTARTUP"} & environ.keys()
    assert all(
        environ[name].startswith(str(tmp_path)) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    )


@pytest.mark.parametrize(
    "name", ["ONGGI_SESSION_PLAN", "ONGGI_HUB_ORIGIN", "ONGGI_DESK_URL", "ONGGI_REVIEW_URL"]
)
def test_a_missing_setting_is_named(tmp_path: Path, name: str) -> None:
    environ = environment(tmp_path)
    del environ[name]
    with pytest.raises(Invalid) as refused:
        load(environ)
    assert refused.value.params["field"] == name
