"""The installer of everything else: uv as locked, from whatever index pip is configured for."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from scripts.bootstrap.places import COMMON_PATH

_FIND_PIP = """
import glob, importlib.util, sysconfig
folder = sysconfig.get_config_var("WHEEL_PKG_DIR")
wheels = sorted(glob.glob(folder + "/pip-*.whl")) if folder else []
print(wheels[-1] + "/pip" if wheels else "-m" if importlib.util.find_spec("pip") else "")
"""


def pip_command(interpreter: Path) -> list[str] | None:
    """How to run pip with `interpreter`: Debian's own wheel of it, or the installed module; None without
    either.
    """
    asked = subprocess.run([interpreter, "-I", "-c", _FIND_PIP], check=False, capture_output=True, text=True)
    found = asked.stdout.strip()
    if not found:
        return None
    return [str(interpreter), *(["-m", "pip"] if found == "-m" else [found])]


def uv_install(interpreter: Path, folder: Path, lock: Path) -> list[str]:
    """The command that puts uv into `folder`, which is no environment: the program needs none."""
    pip = pip_command(interpreter) or [str(interpreter), "-m", "pip"]
    options = ["--quiet", "--no-deps", "--upgrade", "--require-hashes", "--disable-pip-version-check"]
    return [*pip, "install", *options, "--target", str(folder), "-r", str(lock)]


# uv does not read pip's configuration; these are the settings of it that say where packages come from.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
# Trust what Debian trusts: an institute's own certificate authority is installed there.
SYSTEM_TRUST = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}


@cache
def uv_settings(interpreter: Path) -> dict[str, str]:
    """The effective configuration of pip in uv's words; what the caller set for uv itself stays."""
    pip = pip_command(interpreter)
    if pip is None:
        return {}
    listed = subprocess.run([*pip, "config", "list"], check=False, capture_output=True, text=True).stdout
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = _SETTINGS.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            found[name] = value.strip("'\"").replace("\\n", " ").strip()
    return found


def npm_settings(own: Path) -> dict[str, str]:
    """Variables for the npm under `own`: it looks for the machine's configuration beside itself, in vain."""
    variables = {"PATH": f"{own / 'bin'}:{COMMON_PATH}", **SYSTEM_TRUST}
    for configuration in (Path("/etc/npmrc"), Path("/usr/etc/npmrc")):
        if configuration.is_file() and "NPM_CONFIG_GLOBALCONFIG" not in os.environ:
            variables["NPM_CONFIG_GLOBALCONFIG"] = str(configuration)
            break
    return variables
