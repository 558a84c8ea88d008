"""Looking at JSON whose shape a hostile side chose."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeGuard


def one_of(value: object, allowed: Collection[str]) -> TypeGuard[str]:
    """Whether `value` is one of these words; a list or an object, which no set can be asked for, is none."""
    return isinstance(value, str) and value in allowed
