"""RO-Crate metadata beside the tables: what each file is, from which data and by which query.

One `ro-crate-metadata.json` in a folder describes all tables that were written there; a table that is written
again replaces its own entries. What somebody else wrote into the file stays.

Source: RO-Crate 1.1, https://w3id.org/ro/crate/1.1
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onggi.claim import Claim, claim_file
from onggi.manifest import Manifest

CRATE_FILE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
MAX_CRATE_BYTES = 16 * 1024**2
_MEDIA = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Entity = dict[str, Any]


def describe(file: Path, size: int, claim: Claim, manifests: Sequence[Manifest]) -> Path:
    """Write the entries of a table into its folder's crate, and give the crate's path."""
    crate = file.with_name(CRATE_FILE)
    entries = {one["@id"]: one for one in _there(crate)}
    for one in _entities(file.name, size, claim, manifests):
        entries[one["@id"]] = one
    root = entries.setdefault("./", _root())
    parts = {one["@id"] for one in root.get("hasPart", [])} | {file.name, claim_file(file.name)}
    root["hasPart"] = [{"@id": name} for name in sorted(parts)]
    root["datePublished"] = claim.created
    entries.setdefault(CRATE_FILE, _descriptor())
    body = {"@context": CONTEXT, "@graph": list(entries.values())}
    beside = crate.with_name(f".{CRATE_FILE}.part")
    beside.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(crate)
    return crate


def _there(crate: Path) -> list[Entity]:
    """The entities of a crate that is there already; none if it cannot be read."""
    try:
        if crate.stat().st_size > MAX_CRATE_BYTES:
            return []
        graph = json.loads(crate.read_text(encoding="utf-8"))["@graph"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [one for one in graph if isinstance(one, dict) and isinstance(one.get("@id"), str)]


def _descriptor() -> Entity:
    return {
        "@id": CRATE_FILE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }


def _root() -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": "Result tables",
        "description": "Tables computed from granted data sets, each with a claim to compute it again by.",
        "license": {"@id": "#not-released"},
    }


def _entities(name: str, size: int, claim: Claim, manifests: Sequence[Manifest]) -> list[Entity]:
    query, run = f"#query-{name}", f"#run-{name}"
    sources = [f"#{one.name}-{one.version}" for one in manifests]
    return [
        {
            "@id": name,
            "@type": "File",
            "name": name,
            "encodingFormat": _MEDIA[claim.format.value],
            "contentSize": str(size),
            "sha256": claim.output_sha256,
            "dateCreated": claim.created,
            "variableMeasured": list(claim.columns),
            "isBasedOn": [{"@id": one} for one in sources],
        },
        {
            "@id": claim_file(name),
            "@type": "File",
            "name": f"Claim of {name}",
            "encodingFormat": "application/json",
            "about": {"@id": name},
        },
        {
            "@id": query,
            "@type": "SoftwareSourceCode",
            "name": f"Query of {name}",
            "programmingLanguage": "SQL (DuckDB)",
            "text": claim.sql,
        },
        {
            "@id": run,
            "@type": "CreateAction",
            "name": f"Computation of {name}",
            "endTime": claim.created,
            "instrument": {"@id": query},
            "object": [{"@id": one} for one in sources],
            "result": [{"@id": name}],
        },
        *(_dataset(one, place) for one, place in zip(manifests, sources, strict=True)),
        {
            "@id": "#not-released",
            "@type": "CreativeWork",
            "name": "Not released: may leave only by a request",
        },
    ]


def _dataset(manifest: Manifest, place: str) -> Entity:
    return {
        "@id": place,
        "@type": "Dataset",
        "name": manifest.titles.get("en", manifest.name),
        "identifier": manifest.name,
        "version": manifest.version,
        "license": manifest.licence,
        "creditText": manifest.source,
        "sha256": manifest.sha256(),
    }
