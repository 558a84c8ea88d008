"""The box of a session server: ours, trusted, and yet shown as little as possible.

It reads what hostile code wrote (sockets, notebooks, file names), so that a link that the compute plants in
a shared folder must lead to nothing. It sees its environment and our packages (read-only), the project
folder, and its session folder. It has the host's network, since it must reach hub, desk and review on
loopback and be reached by the proxy.

Its secrets are in two files that only it can read; the command line and the variables of its box hold none.
"""

from __future__ import annotations

from onggi.plan import SessionPlan
from onggi.sandbox import Bind, Box, Limits, Network, Tmpfs, interpreter_binds
from spawner.session_folder import SessionFolder
from spawner.settings import SpawnerSettings

ENVIRONMENT = "/opt/platform"
PACKAGES = "/opt/onggi"
OUR_PACKAGES = ("onggi", "session", "egress_review", "web")
HOME = "/home/session"
SERVER_ARGV = (f"{ENVIRONMENT}/bin/python", "-m", "session")
LIMITS = Limits(memory_bytes=2 * 1024**3, processes=256, open_files=4096)
"""Idle it needs 200 MiB; kernels hold several descriptors each."""


def session_box(
    plan: SessionPlan, folder: SessionFolder, settings: SpawnerSettings, argv: tuple[str, ...] = SERVER_ARGV
) -> Box:
    """The box of one session's server.

    Args:
        plan: whose project folder it sees.
        folder: the session's.
        settings: where environment and packages are.
        argv: the server's command.
    """
    packages = (
        Bind(str(settings.source / name), f"{PACKAGES}/{name}")
        for name in OUR_PACKAGES
        if (settings.source / name).is_dir()
    )
    return Box(
        argv=argv,
        binds=(
            *interpreter_binds(settings.platform_env, ENVIRONMENT),
            *packages,
            Bind(str(folder.api), "/run/onggi/api", writable=True),
            Bind(str(folder.kernels), "/run/onggi/k", writable=True),
            Bind(str(folder.server), "/run/onggi/server", writable=True),
            Bind(plan.project_folder, "/project", writable=True),
        ),
        tmpfs=(Tmpfs("/tmp"), Tmpfs("/dev/shm"), Tmpfs(HOME)),  # noqa: S108 - inside the box
        env={
            "HOME": HOME,
            "LANG": "C.UTF-8",
            "PATH": f"{ENVIRONMENT}/bin:/usr/bin:/bin",
            "PYTHONPATH": PACKAGES,
            "PYTHONDONTWRITEBYTECODE": "1",
            **server_variables("/run/onggi", "/project", settings),
        },
        network=Network.HOST,
        limits=LIMITS,
        cwd="/run/onggi/server",
        home=HOME,
        user="session",
        hostname="session",
    )


def server_variables(run: str, project: str, settings: SpawnerSettings) -> dict[str, str]:
    """What a session server is told in variables; nothing of it is secret.

    Args:
        run: the session folder, as the server sees it.
        project: the project folder, as the server sees it.
        settings: for the addresses of the services.
    """
    return {
        "ONGGI_SESSION_PLAN": f"{run}/server/plan.json",
        "ONGGI_SESSION_ENVIRON": f"{run}/server/environ.json",
        "ONGGI_RUN_DIR": run,
        "ONGGI_COMPUTE_RUN_DIR": run,
        "ONGGI_PROJECT_DIR": project,
        "ONGGI_HUB_ORIGIN": settings.origin("hub_public"),
        "ONGGI_DESK_URL": settings.origin("desk"),
        "ONGGI_REVIEW_URL": settings.origin("review"),
    }
