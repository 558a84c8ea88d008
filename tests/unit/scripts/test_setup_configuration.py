"""What of the caller's surroundings goes on, and where packages come from."""

from __future__ import annotations

from pathlib import Path

from scripts.bootstrap import environ
from scripts.bootstrap.installer import uv_settings

CALLER = {
    "HOME": "/root",
    "PATH": "/root/bin:/usr/bin",
    "CI": "true",
    "LC_ALL": "ko_KR.UTF-8",
    "ONGGI_BASE_PORT": "9000",
    "ONGGI_CALLER_FOLDER": "/root",
    "https_proxy": "proxy.example",
    "PIP_INDEX_URL": "mirror.example/simple",
    "PIP_CACHE_DIR": "/root/.cache/pip",
    "npm_config_registry": "mirror.example/npm",
    "NPM_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "XDG_RUNTIME_DIR": "/run/user/0",
}


def test_what_runs_sees_no_registry_proxy_or_secret() -> None:
    assert environ.for_run(CALLER, own=False) == {
        "CI": "true",
        "LC_ALL": "ko_KR.UTF-8",
        "ONGGI_BASE_PORT": "9000",
    }


def test_an_ordinary_user_keeps_the_session_bus() -> None:
    assert environ.for_run(CALLER, own=True)["XDG_RUNTIME_DIR"] == "/run/user/0"


def test_the_setup_sees_indexes_and_proxies_but_no_cache_of_the_caller() -> None:
    assert set(environ.for_setup(CALLER)) == {"https_proxy", "PIP_INDEX_URL", "npm_config_registry"}


def test_uv_asks_the_index_of_pips_files_and_variables(tmp_path: Path) -> None:
    own = tmp_path / "pip.conf"
    own.write_text(
        "[global]\nindex-url = a.example\ncert = /ca.pem\nextra-index-url =\n  b.example\n  c.example\n"
    )
    settings = uv_settings({"PIP_CONFIG_FILE": str(own), "PIP_INDEX_URL": "mirror.example/variable"})
    assert settings["UV_DEFAULT_INDEX"] == "mirror.example/variable"
    assert settings["SSL_CERT_FILE"] == "/ca.pem"
    assert settings["UV_INDEX"] == "b.example c.example"


def test_what_is_set_for_uv_itself_stays() -> None:
    assert "UV_DEFAULT_INDEX" not in uv_settings(
        {"PIP_INDEX_URL": "a.example", "UV_DEFAULT_INDEX": "b.example"}
    )
