"""Which file names the trusted side is willing to handle, and how a refused one is shown.

Guarantees: a checked name stays below its root by its spelling alone (no `..`, not absolute), can be shown
on one line and reads the way it is stored (no control characters, no bidirectional overrides), and is UTF-8.
Does not guarantee that the file exists, is regular, or is not a link: that is `onggi.safe_files`.

Korean and other letters are welcome; NFC and NFD spellings are different names, as on disk.
"""

from __future__ import annotations

import unicodedata

from onggi.errors import Invalid
from onggi.reasons import Reason

__all__ = ["MAX_COMPONENT_BYTES", "MAX_LEVELS", "check_name", "shown"]

MAX_COMPONENT_BYTES = 255
MAX_LEVELS = 16
_SHOWN_CHARACTERS = 120
_BYTES_NOT_UTF8 = range(0xDC80, 0xDD00)  # how os.fsdecode writes them
# The characters with the Unicode property Bidi_Control: they make a name read differently from its bytes.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_name(relative: str) -> str:
    """The same name, if it is fit to be opened below a project folder.

    Args:
        relative: components separated by `/`, at most `MAX_LEVELS` of them.

    Raises:
        Invalid: FILE_NAME_REFUSED, for empty, `.` and `..` components, absolute names, control characters,
            bidirectional controls, bytes that are not UTF-8, spaces at either end, and what is too long.
    """
    components = relative.split("/")
    if len(components) > MAX_LEVELS or not all(_component_is_fit(component) for component in components):
        raise Invalid(Reason.FILE_NAME_REFUSED, name=shown(relative))
    return relative


def shown(name: str) -> str:
    """A name fit for a person's eyes: what could mislead is an escape, what is long ends in an ellipsis."""
    safe = "".join(_escaped(one) if _misleads(one) else one for one in name[:_SHOWN_CHARACTERS])
    return safe if len(name) <= _SHOWN_CHARACTERS else safe + "…"


def _component_is_fit(component: str) -> bool:
    if component in ("", ".", "..") or component != component.strip() or any(map(_misleads, component)):
        return False
    return len(component.encode("utf-8")) <= MAX_COMPONENT_BYTES


def _misleads(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in _CATEGORIES


def _escaped(character: str) -> str:
    point = ord(character)
    if point in _BYTES_NOT_UTF8:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\u{point:04x}"
