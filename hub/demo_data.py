"""The demo's data sets: built at the first start, verified against their manifests at every later one."""

from __future__ import annotations

import shutil
from pathlib import Path

from hub.composition import Installation
from hub.data import versions
from onggi.errors import Tampered
from onggi.manifest import read_manifest, verify_files

CLAIMS_ROWS = 200_000
CLAIMS_SEED = 1


def dataset_folders(installation: Installation) -> tuple[Path, ...]:
    """The folders of the demo's data-set versions."""
    return (
        installation.data / versions.NAFLD / versions.NAFLD_VERSION,
        installation.data / versions.CLAIMS / versions.claims_version(CLAIMS_ROWS, CLAIMS_SEED),
    )


def ensure_demo_data(installation: Installation) -> None:
    """Build what is missing, verify what is there.

    Raises:
        Tampered: `DATA_HASH_MISMATCH`, naming the file.
        Unavailable: if the compute environment cannot build it.
    """
    cohort, claims = dataset_folders(installation)
    if not _complete(cohort):
        from hub.data import nafld  # Arrow and DuckDB, which only the first start needs

        nafld.build(cohort, installation.compute_python)
    if not _complete(claims):
        from hub.data import synth

        synth.build(claims, CLAIMS_ROWS, CLAIMS_SEED)


def _complete(folder: Path) -> bool:
    """Whether a verified data set lies in `folder`; one without a manifest was cut off while it was built."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        return False
    if not (folder / "manifest.json").exists():
        shutil.rmtree(folder)
        return False
    try:
        verify_files(read_manifest(folder), folder)
    except Tampered as error:
        raise Tampered(error.reason, file=folder / error.params.get("file", "")) from None
    return True
