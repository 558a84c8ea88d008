"""The catalogue of data sets, and which project may use what until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hub.actions.context import Context, change, may
from hub.actions.lookup import the_dataset, the_project
from onggi.clock import text_or_none
from onggi.decision import require
from onggi.domain import DatasetVersion, Grant
from onggi.errors import Conflict, Invalid, NotFound
from onggi.manifest import read_manifest, verify_files
from onggi.permissions import Permission
from onggi.reasons import Reason


def register_dataset(context: Context, actor: str, folder: Path) -> DatasetVersion:
    """Take a data-set version into the catalogue, after every file was found to match its manifest.

    The manifest's hash is kept: another manifest under the same name and version is refused for ever. The
    same one in another folder moves the entry there.

    Raises:
        Tampered: `DATA_HASH_MISMATCH` naming the first wrong file.
        Conflict: `ALREADY_EXISTS`.
        NotFound, Invalid: no manifest, or not one.
        Refused, Unavailable: see `change`.
    """
    with context.registry.reading() as store:
        require(may(store, actor, Permission.DATASET_MANAGE, context.clock.now()))
    if not folder.is_absolute():
        raise Invalid(Reason.FIELD_INVALID, field="folder", value=str(folder)[:60])
    manifest = read_manifest(folder)
    verify_files(manifest, folder)
    dataset = DatasetVersion(
        manifest.name, manifest.version, manifest.titles, str(folder.resolve()), manifest.sha256()
    )
    with change(context, actor, Permission.DATASET_MANAGE) as change_:
        before = change_.store.dataset(dataset.name, dataset.version)
        if before is not None and replace(before, path=dataset.path) != dataset:
            raise Conflict(Reason.ALREADY_EXISTS, what="dataset", name=f"{dataset.name} {dataset.version}")
        change_.store.save_dataset(dataset)
        change_.record(
            "dataset.register",
            dataset.name,
            version=dataset.version,
            manifest_sha256=dataset.manifest_sha256,
            synthetic=manifest.synthetic,
        )
    return dataset


def give_grant(
    context: Context, actor: str, project: str, dataset: str, version: str, until: datetime | None = None
) -> Grant:
    """Give a project the right to a data-set version, or a new end to a right it has.

    Open sessions get it when they are opened anew.

    Raises:
        NotFound: no such project or data-set version.
        Invalid: if it would be over already.
        Refused, Unavailable: see `change`.
    """
    with change(context, actor, Permission.GRANT_MANAGE) as change_:
        the_project(change_.store, project)
        the_dataset(change_.store, dataset, version)
        if until is not None and until < change_.now:
            raise Invalid(Reason.FIELD_INVALID, field="until", value=until.date().isoformat())
        grant = Grant(project, dataset, version, until)
        change_.store.save_grant(grant)
        change_.record("grant.give", dataset, project, version=version, until=text_or_none(until))
    return grant


def end_grant(context: Context, actor: str, project: str, dataset: str, version: str) -> Grant:
    """End a project's right now. The reconciler stops the sessions that have the data mounted.

    Raises:
        NotFound: no such grant.
        Refused, Unavailable: see `change`.
    """
    with change(context, actor, Permission.GRANT_MANAGE) as change_:
        before = change_.store.grant(project, dataset, version)
        if before is None:
            raise NotFound(Reason.NOT_FOUND)
        grant = replace(before, until=change_.now)
        change_.store.save_grant(grant)
        change_.record("grant.end", dataset, project, version=version, until=text_or_none(change_.now))
    return grant
