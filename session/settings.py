"""What a session server is told when it starts. The only place in this room that reads the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from onggi.errors import Invalid
from onggi.plan import SessionPlan, plan_from_json
from onggi.reasons import Reason

_HUB_VARIABLE = re.compile(r"(?:JUPYTERHUB_[A-Z0-9_]+|JPY_API_TOKEN)")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are, and who to speak to.

    Attributes:
        run_dir: `/run/onggi` in the server's box.
        compute_run_dir: the same folder as the compute sees it; differs only where there is no box.
        project_dir: the project folder as the server sees it; hostile content.
        desk_url, review_url: base addresses of the services.
        hub_origins: origins under which a browser may show this session, e.g. `http://127.0.0.1:8000`.
        prefix: path under which the session is served, with a slash at both ends.
    """

    plan: SessionPlan
    run_dir: Path
    compute_run_dir: Path
    project_dir: Path
    desk_url: str
    review_url: str
    hub_origins: frozenset[str]
    prefix: str

    @property
    def state_dir(self) -> Path:
        """The server's own folder; nobody else writes there."""
        return self.run_dir / "server"

    @property
    def kernels_dir(self) -> Path:
        """The folder shared with the compute; nothing read from it is believed."""
        return self.run_dir / "k"

    @property
    def api_socket(self) -> Path:
        """The session API's socket."""
        return self.run_dir / "api" / "session.sock"


def load(environ: MutableMapping[str, str] = os.environ) -> Settings:
    """Read the settings, and put the hub's variables into `environ`, as Jupyter expects them there.

    The file that holds those is removed once it is read: it holds the session's token for the hub.

    Raises:
        Invalid: naming the variable that is missing or wrong.
    """
    hub_file = environ.get("ONGGI_SESSION_ENVIRON")
    if hub_file:
        environ.update(_hub_variables(Path(hub_file)))
        Path(hub_file).unlink()
    run_dir = Path(environ.get("ONGGI_RUN_DIR", "/run/onggi"))
    origins = frozenset(_require(environ, "ONGGI_HUB_ORIGIN").split(","))
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise Invalid(Reason.FIELD_INVALID, field="ONGGI_HUB_ORIGIN", value="")
    prefix = _require(environ, "JUPYTERHUB_SERVICE_PREFIX")
    if not (prefix.startswith("/") and prefix.endswith("/")):
        raise Invalid(Reason.FIELD_INVALID, field="JUPYTERHUB_SERVICE_PREFIX", value=prefix[:60])
    return Settings(
        plan=plan_from_json(json.loads(Path(_require(environ, "ONGGI_SESSION_PLAN")).read_bytes())),
        run_dir=run_dir,
        compute_run_dir=Path(environ.get("ONGGI_COMPUTE_RUN_DIR", "/run/onggi")),
        project_dir=Path(environ.get("ONGGI_PROJECT_DIR", "/project")),
        desk_url=_require(environ, "ONGGI_DESK_URL").rstrip("/"),
        review_url=_require(environ, "ONGGI_REVIEW_URL").rstrip("/"),
        hub_origins=origins,
        prefix=prefix,
    )


def prepare_environment(settings: Settings, environ: MutableMapping[str, str] = os.environ) -> None:
    """Point everything that Jupyter could read as configuration into the server's own, empty folders."""
    home = settings.state_dir / "home"
    for name in ("home", "config", "data", "runtime", "workspaces", "settings"):
        (settings.state_dir / name).mkdir(mode=0o700, exist_ok=True)
    for name in [key for key in environ if key.startswith(("JUPYTER_", "IPYTHON", "PYTHON"))]:
        if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}:
            del environ[name]
    environ.update(
        {
            "HOME": str(home),
            "IPYTHONDIR": str(home),
            "JUPYTER_CONFIG_DIR": str(settings.state_dir / "config"),
            "JUPYTER_DATA_DIR": str(settings.state_dir / "data"),
            "JUPYTER_RUNTIME_DIR": str(settings.state_dir / "runtime"),
            "JUPYTER_NO_CONFIG": "1",
            "JUPYTER_PLATFORM_DIRS": "1",
            "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
            "JUPYTERLAB_WORKSPACES_DIR": str(settings.state_dir / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings.state_dir / "settings"),
        }
    )


def _hub_variables(path: Path) -> dict[str, str]:
    values = json.loads(path.read_bytes())
    if not isinstance(values, Mapping):
        raise Invalid(Reason.FIELD_INVALID, field="ONGGI_SESSION_ENVIRON", value="")
    return {key: str(value) for key, value in values.items() if _HUB_VARIABLE.fullmatch(key)}


def _require(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise Invalid(Reason.FIELD_MISSING, field=name)
    return value
