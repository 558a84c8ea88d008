"""The data sets of this session: `onggi.datasets()`, and the choice of one version by name."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

from onggi.errors import NotFound, Unavailable
from onggi.manifest import Manifest, read_manifest
from onggi.notebook.client import call
from onggi.notebook.speech import day, html_table, language, say, speaking
from onggi.reasons import Reason


@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """A data-set version that this project may use until a moment.

    Attributes:
        name, version: as for `onggi.read`.
        titles: by language.
        until: RFC 3339 moment at which the grant ends, or None.
        path: the folder, read-only.
    """

    name: str
    version: str
    titles: Mapping[str, str]
    until: str | None
    path: str

    @property
    def manifest(self) -> Manifest:
        """All that is written down about it: tables, columns, licence, source."""
        return _manifest(self.path)

    @property
    def tables(self) -> dict[str, int]:
        """The tables and their rows."""
        return {table.name: table.rows for table in self.manifest.tables}

    @property
    def title(self) -> str:
        """The title in the session's language."""
        return self.titles.get(language()) or self.name

    def facts(self) -> list[str]:
        """What to know before using it, one line each."""
        kind = "notebook.synthetic" if self.manifest.synthetic else "notebook.real"
        return [
            say("notebook.until", until=day(self.until)),
            say(kind),
            say("notebook.licence", licence=self.manifest.licence),
            say("notebook.source", source=self.manifest.source),
        ]

    def __repr__(self) -> str:
        width = max(len(name) for name in self.tables)
        lines = [f"{self.name} {self.version} · {self.title}", *(f"  {fact}" for fact in self.facts())]
        lines += [f"    {name:<{width}}  {_rows(rows)}" for name, rows in self.tables.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = f"<b>{html.escape(self.name)} {html.escape(self.version)}</b> · {html.escape(self.title)}"
        facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in self.facts())
        header = (say("notebook.table"), say("notebook.rows"))
        return f"<p>{head}</p><ul>{facts}</ul>" + html_table(
            header, [(n, f"{r:,}") for n, r in self.tables.items()]
        )


class Datasets(Sequence[Dataset]):
    """The data sets of this session, as a list that can be read."""

    def __init__(self, members: Sequence[Dataset]) -> None:
        self._members = tuple(members)

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Dataset]: ...
    def __getitem__(self, index: int | slice) -> Dataset | Sequence[Dataset]:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self._members)

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self._members)) or say("notebook.no_datasets")

    def _repr_html_(self) -> str:
        return (
            "".join(one._repr_html_() for one in self._members)
            or f"<p>{html.escape(say('notebook.no_datasets'))}</p>"
        )


@speaking
def datasets() -> Datasets:
    """The data sets that this project may use now, with their tables and terms.

    Raises:
        OnggiError: the session does not answer, or has ended.
    """
    return granted()


def granted() -> Datasets:
    """As `datasets`, for other verbs."""
    answer = call("GET", "/v1/datasets").get("datasets", [])
    try:
        return Datasets([_dataset(one) for one in answer])
    except (KeyError, TypeError, AttributeError):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200) from None


def _dataset(body: Mapping[str, Any]) -> Dataset:
    return Dataset(body["name"], body["version"], body.get("titles") or {}, body.get("until"), body["path"])


def choose(name: str, version: str | None, among: Sequence[Dataset]) -> Dataset:
    """The data set of that name; of several versions the newest, unless one is asked for.

    Raises:
        NotFound: the project has none; the parameters list those that it has.
    """
    found = [one for one in among if one.name == name and version in {None, one.version}]
    if not found:
        listed = ", ".join(f"{one.name} ({one.version})" for one in among) or "-"
        raise NotFound(Reason.DATASET_UNKNOWN, dataset=f"{name} {version or ''}".strip(), known=listed)
    return max(found, key=lambda one: _version_key(one.version))


def _version_key(version: str) -> list[tuple[int, int, str]]:
    """`10` is newer than `9`, `1.10` than `1.9`."""
    parts = version.replace("-", ".").replace("_", ".").split(".")
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _rows(count: int) -> str:
    return say("notebook.table_rows", rows=f"{count:,}")


@lru_cache(maxsize=64)
def _manifest(path: str) -> Manifest:
    """Read once: a version never changes."""
    return read_manifest(path)
