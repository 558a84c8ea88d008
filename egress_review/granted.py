"""Where data sets lie: those that a project may use now, and any that was ever used."""

from __future__ import annotations

from egress_review.checks.job import DatasetFolder
from egress_review.ledger.remembering import Folder
from egress_review.people import People
from onggi.errors import NotFound, Unavailable
from onggi.reasons import Reason


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


def dataset_folder(people: People) -> Folder:
    """Where a data-set version lies, granted still or not: what it is asked for was approved.

    The function that is returned raises `Unavailable` if the desk does not answer, or no longer knows it.
    """

    def folder(name: str, version: str) -> DatasetFolder:
        try:
            return DatasetFolder(name, version, str(people.dataset(name, version)["path"]))
        except NotFound:
            raise Unavailable(Reason.LEDGER_NOT_WRITTEN, cause=f"{name} {version}") from None

    return folder
