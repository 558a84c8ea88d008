"""Find it, or say that it is not there."""

from __future__ import annotations

from hub.registry.store import Reading
from onggi.domain import DatasetVersion, Person, Project
from onggi.errors import NotFound
from onggi.reasons import Reason


def the_project(store: Reading, slug: str) -> Project:
    """The project of that slug.

    Raises:
        NotFound: if there is none.
    """
    found = store.project(slug)
    if found is None:
        raise NotFound(Reason.NOT_FOUND)
    return found


def the_person(store: Reading, name: str) -> Person:
    """The person of that name.

    Raises:
        NotFound: `UNKNOWN_PERSON` if there is none.
    """
    found = store.person(name)
    if found is None:
        raise NotFound(Reason.UNKNOWN_PERSON, person=name)
    return found


def the_dataset(store: Reading, name: str, version: str) -> DatasetVersion:
    """The data-set version of the catalogue.

    Raises:
        NotFound: if there is none.
    """
    found = store.dataset(name, version)
    if found is None:
        raise NotFound(Reason.NOT_FOUND)
    return found
