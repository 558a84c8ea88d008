"""The box of a compute: the agent and its kernels, which are hostile.

It sees the project folder (writable), the granted data sets (read-only), its environment, our package
`onggi`, the session API's socket and its kernels' folder. No network, no secret: no token or key is in its
variables or files.
"""

from __future__ import annotations

from pathlib import Path

from onggi.plan import ComputeLimits, SessionPlan
from onggi.sandbox import Bind, Box, Limits, Tmpfs, interpreter_binds
from onggi.sandbox.limits import BEHIND_SERVERS
from spawner.session_folder import SessionFolder

HOME = "/home/researcher"
ENVIRONMENT = "/opt/compute"
PACKAGES = "/opt/onggi"
MOST_TMPFS_BYTES = 2 * 1024**3
KOREAN_FONT = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")
"""Of Debian's `fonts-nanum`: boxes see the machine's /usr. Named only if there, else matplotlib warns."""

AGENT_ARGV = (f"{ENVIRONMENT}/bin/python", "-m", "onggi.agent")


def compute_box(
    plan: SessionPlan,
    folder: SessionFolder,
    environment: Path,
    source: Path,
    processors: tuple[int, ...] = (),
) -> Box:
    """The box of one session's compute.

    Args:
        plan: whose `limits` hold for it.
        folder: the session's.
        environment: the researchers' Python environment on the host.
        source: the folder that holds our packages.
        processors: those that it is kept to.
    """
    data = tuple(Bind(mount.path, f"/data/{mount.name}/{mount.version}") for mount in plan.datasets)
    quarter = min(plan.limits.memory_bytes // 4, MOST_TMPFS_BYTES)
    return Box(
        argv=AGENT_ARGV,
        binds=(
            *interpreter_binds(environment, ENVIRONMENT),
            Bind(str(source / "onggi"), f"{PACKAGES}/onggi"),
            Bind(str(folder.api), "/run/onggi/api"),
            Bind(str(folder.kernels), "/run/onggi/k", writable=True),
            Bind(plan.project_folder, "/project", writable=True),
            *data,
        ),
        tmpfs=(Tmpfs("/tmp", quarter), Tmpfs("/dev/shm", quarter), Tmpfs(HOME, quarter)),  # noqa: S108 - in the box
        env=compute_variables(plan),
        limits=box_limits(plan.limits),
        processors=processors,
        cwd="/project",
        home=HOME,
        hostname=plan.project,
    )


def compute_variables(plan: SessionPlan) -> dict[str, str]:
    """All variables that agent and kernels have."""
    threads = str(plan.limits.cpus)
    korean = {"MATPLOTLIBRC": f"{PACKAGES}/onggi/notebook/matplotlibrc"} if KOREAN_FONT.exists() else {}
    return {
        **korean,
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "PATH": f"{ENVIRONMENT}/bin:/usr/bin:/bin",
        "PYTHONPATH": PACKAGES,
        # What tqdm.auto says where widgets cannot be: it then draws its bar as text.
        "PYTHONWARNINGS": "ignore:IProgress not found",
        "SHELL": "/bin/sh",
        "USER": "researcher",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), threads),
    }


def box_limits(limits: ComputeLimits) -> Limits:
    """A profile's limits as the box's."""
    return Limits(
        memory_bytes=limits.memory_bytes,
        cpus=limits.cpus,
        processes=limits.processes,
        open_files=limits.open_files,
        file_bytes=limits.disk_bytes,
        nice=BEHIND_SERVERS,
    )
