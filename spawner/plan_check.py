"""Whether a plan asks for nothing but what a session may see.

Guarantees: the project folder is a folder right below the projects' folder, and no data-set folder shows
anything of our own state but data. The hub makes the plans; this is the second look, by the process that
acts on them.
"""

from __future__ import annotations

import re
from pathlib import Path

from onggi.errors import Invalid
from onggi.plan import SessionPlan
from onggi.reasons import Reason

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_plan(plan: SessionPlan, state: Path) -> None:
    """Go on if every path of the plan may be shown.

    Raises:
        Invalid: naming the field.
    """
    project = Path(plan.project_folder)
    if _resolved(project, "project_folder").parent != (state / "projects").resolve():
        raise Invalid(Reason.FIELD_INVALID, field="project_folder", value=project.name)
    for mount in plan.datasets:
        if not _VERSION.fullmatch(mount.version):
            raise Invalid(Reason.FIELD_INVALID, field="version", value=mount.version[:60])
        folder = _resolved(Path(mount.path), "path")
        own, data = state.resolve(), (state / "data").resolve()
        if own.is_relative_to(folder) or (folder.is_relative_to(own) and data not in folder.parents):
            raise Invalid(Reason.FIELD_INVALID, field="path", value=mount.name)


def _resolved(path: Path, field: str) -> Path:
    if not (path.is_absolute() and path.is_dir()):
        raise Invalid(Reason.FIELD_INVALID, field=field, value=path.name)
    return path.resolve()
