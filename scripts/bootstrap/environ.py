"""Which variables of the caller go on, to the set-up and to what runs afterwards.

Guarantees: what runs (`onggi up`, the tests) sees the names of `_RUN` and nothing else: no registry
credential, no proxy, no token of the caller's shell. The set-up sees the package configuration besides.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from scripts.bootstrap.places import COMMON_PATH, Places

_RUN = frozenset({"CI", "COLUMNS", "FORCE_COLOR", "LANG", "LANGUAGE", "NO_COLOR", "TERM", "TZ"})
_RUN_PREFIXES = ("LC_", "ONGGI_", "PYTEST_", "HYPOTHESIS_")
# An ordinary user's own session bus: cgroup limits are asked for over it. Root's is not the service user's.
_SESSION = frozenset({"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"})

_SETUP = frozenset(
    """
    all_proxy http_proxy https_proxy no_proxy ssl_cert_dir ssl_cert_file requests_ca_bundle
    curl_ca_bundle node_extra_ca_certs netrc
    """.split()
)
_SETUP_PREFIXES = ("pip_", "uv_", "npm_config_")
# Places of the caller's that the service user cannot or should not write to.
_NOT_SETUP = frozenset(
    """
    pip_cache_dir pip_target pip_prefix pip_user pip_require_virtualenv uv_cache_dir
    uv_project_environment npm_config_cache npm_config_prefix npm_config_globalconfig
    """.split()
)


def for_setup(environ: Mapping[str, str]) -> dict[str, str]:
    """The package configuration in `environ`: indexes, proxies, certificates."""

    def goes_on(name: str) -> bool:
        known = name in _SETUP or name.startswith(_SETUP_PREFIXES)
        return known and name not in _NOT_SETUP

    return {name: value for name, value in environ.items() if goes_on(name.lower())}


def for_run(environ: Mapping[str, str], *, own: bool) -> dict[str, str]:
    """What `onggi` and the tests may know of the caller; `own`: the caller and the runner are one user."""
    return {
        name: value
        for name, value in environ.items()
        if (name in _RUN or name.startswith(_RUN_PREFIXES) or (own and name in _SESSION))
        and name != "ONGGI_CALLER_FOLDER"
    }


def person(name: str, home: Path) -> dict[str, str]:
    """The variables that say who runs."""
    return {"HOME": str(home), "USER": name, "LOGNAME": name, "SHELL": "/bin/sh", "PATH": COMMON_PATH}


def running(places: Places, base: Mapping[str, str]) -> dict[str, str]:
    """`base` for a program of the platform environment."""
    path = os.pathsep.join([str(places.platform / "bin"), str(places.node / "bin"), base["PATH"]])
    return {**base, "ONGGI_HOME": str(places.home), "PATH": path}
