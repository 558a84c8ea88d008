"""Which files a browser may open, and under which names."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from onggi.errors import Invalid, Refused
from onggi.reasons import Reason
from onggi.safe_files import check_name, shown

NOTEBOOK = ".ipynb"
TEXT_SUFFIXES = frozenset(
    {".cfg", ".ini", ".md", ".py", ".r", ".rst", ".sh", ".sql", ".tex", ".toml", ".txt", ".yaml", ".yml"}
)


def api_path(path: str, name_characters: int) -> str:
    """A path of the contents API as a name below the project folder.

    Raises:
        Invalid: FILE_NAME_REFUSED.
    """
    stripped = path.strip("/")
    if not stripped:
        return ""
    checked = check_name(stripped)
    if any(len(part) > name_characters or hidden_part(part) for part in checked.split("/")):
        raise Invalid(Reason.FILE_NAME_REFUSED, name=shown(stripped))
    return checked


def hidden_part(part: str) -> bool:
    """Whether a name is not shown: dot files, caches, and names with characters that do not show."""
    if part.startswith(".") or part == "__pycache__":
        return True
    return any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for character in part
    )


def is_notebook(path: str) -> bool:
    """Whether a name is a notebook's."""
    return PurePosixPath(path).suffix.lower() == NOTEBOOK


def require_text(path: str) -> None:
    """Go on if a file of this name may be opened as text.

    Raises:
        Refused: FILE_TYPE_NOT_SHOWN.
    """
    if PurePosixPath(path).suffix.lower() not in TEXT_SUFFIXES:
        raise Refused(Reason.FILE_TYPE_NOT_SHOWN, name=shown(path))
