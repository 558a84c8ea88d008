"""The data sets that a project may use now, as the checks' boxes see them."""

from __future__ import annotations

from egress_review.checks.job import DatasetFolder
from egress_review.people import People
from onggi.errors import NotFound


def granted_folders(people: People, project: str) -> tuple[DatasetFolder, ...]:
    """Exactly those granted now; one that the desk no longer knows is as good as not granted.

    Raises:
        Refused, Unavailable: the desk does not know the project, or does not answer.
    """
    folders = []
    for grant in people.project(project).get("grants", ()):
        if grant.get("active") is not True:
            continue
        name, version = str(grant["dataset"]), str(grant["version"])
        try:
            folder = str(people.dataset(name, version)["path"])
        except NotFound:
            continue
        folders.append(DatasetFolder(name, version, folder))
    return tuple(folders)
