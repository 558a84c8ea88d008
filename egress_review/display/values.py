"""Looking at JSON whose shape a hostile side chose."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, TypeGuard


def one_of(value: object, allowed: Collection[str]) -> TypeGuard[str]:
    """Whether `value` is one of these words; a list or an object, which no set can be asked for, is none."""
    return isinstance(value, str) and value in allowed


MAX_DEPTH = 32
MAX_KEY_CHARACTERS = 200
_MAX_INTEGER = 2**63
_DANGEROUS_KEYS = frozenset({"__proto__", "constructor", "prototype"})


def plain_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A copy of JSON that every reader takes the same way: no depth, number or key that is out of bounds.

    Raises:
        ValueError: if there is one.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) >= _MAX_INTEGER:
            raise ValueError("integer")
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0:
        raise ValueError("depth")
    if isinstance(value, list):
        return [plain_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {usable_key(key): plain_json(item, depth - 1) for key, item in value.items()}
    raise ValueError("type")


def usable_key(key: object) -> str:
    """A key of an object in a page's script.

    Raises:
        ValueError: if it is none, or one that reaches the object's own machinery.
    """
    if not isinstance(key, str) or len(key) > MAX_KEY_CHARACTERS or key in _DANGEROUS_KEYS:
        raise ValueError("key")
    return key
