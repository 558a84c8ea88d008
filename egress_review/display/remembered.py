"""What was made once and may be asked for again, as much of it as fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Remembered"]

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key; those not asked for the longest go when all together are larger than `most_bytes`.

    For several threads at once.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value, if it is still here."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep a value of about `size` bytes."""
        with self._lock:
            if key in self._values or size > self._most_bytes:
                return
            self._values[key] = value, size
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]
