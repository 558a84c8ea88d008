"""The installer of everything else, and where it takes packages from: where this machine's pip takes them
from.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from scripts.bootstrap.places import COMMON_PATH

# The installed pip, or the wheel of it that Debian's python3-venv brings.
_FIND_PIP = """
import glob, importlib.util, sysconfig
folder = sysconfig.get_config_var("WHEEL_PKG_DIR")
wheels = sorted(glob.glob(folder + "/pip-*.whl")) if folder else []
print("-m" if importlib.util.find_spec("pip") else wheels[-1] + "/pip" if wheels else "")
"""

# Trust what Debian trusts: an institute's own certificate authority is installed there.
SYSTEM_TRUST = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}

# uv does not read pip's configuration; these are the settings of it that say where packages come from.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


def pip_command(interpreter: Path) -> list[str] | None:
    """How to run pip with `interpreter`; None where it has none."""
    asked = subprocess.run([interpreter, "-I", "-c", _FIND_PIP], check=False, capture_output=True, text=True)
    found = asked.stdout.strip()
    if not found:
        return None
    return [str(interpreter), *(["-m", "pip"] if found == "-m" else [found])]


def uv_install(interpreter: Path, folder: Path, lock: Path) -> list[str]:
    """The command that puts uv into `folder`, which is no environment: the program needs none."""
    pip = pip_command(interpreter) or [str(interpreter), "-m", "pip"]
    options = ["--quiet", "--no-deps", "--no-compile", "--upgrade", "--require-hashes"]
    return [
        *pip, "--disable-pip-version-check", "install", *options, "--target", str(folder), "-r", str(lock),
    ]  # fmt: skip


def uv_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The configuration of pip in uv's words: files, then variables; what is set for uv itself stays."""
    found: dict[str, str] = {}
    for path in _pip_files(environ):
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(path, "utf-8")
        except (ConfigError, UnicodeDecodeError):
            continue  # pip says what is wrong with it, and better
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    found.update(
        {name[4:].lower().replace("_", "-"): value for name, value in environ.items() if name[:4] == "PIP_"}
    )
    return {
        theirs: " ".join(found[ours].split())
        for ours, theirs in _SETTINGS.items()
        if found.get(ours) and theirs not in environ
    }


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME", "/nonexistent"))
    for folder in reversed(environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
        yield Path(folder, "pip", "pip.conf")
    yield from (Path("/etc/pip.conf"), home / ".pip" / "pip.conf")
    yield Path(environ.get("XDG_CONFIG_HOME", home / ".config"), "pip", "pip.conf")
    if own := environ.get("PIP_CONFIG_FILE"):
        yield Path(own)


def npm_settings(own: Path) -> dict[str, str]:
    """Variables for the npm under `own`: it looks for the machine's configuration beside itself, in vain."""
    variables = {"PATH": f"{own / 'bin'}:{COMMON_PATH}", **SYSTEM_TRUST}
    for configuration in (Path("/etc/npmrc"), Path("/usr/etc/npmrc")):
        if configuration.is_file() and "NPM_CONFIG_GLOBALCONFIG" not in os.environ:
            variables["NPM_CONFIG_GLOBALCONFIG"] = str(configuration)
            break
    return variables
