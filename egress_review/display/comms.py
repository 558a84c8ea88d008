"""Channels between code in the page and code in the kernel ("comms"), for the targets that a policy names.

Guarantees: nothing passes for a target that is not named; a kernel's own names for its channels become
numbers of ours; the number of channels is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MAX_COMMS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Comms:
    """The open channels of one kernel: the page's name for each, and the kernel's."""

    def __init__(self) -> None:
        self._page: dict[str, str] = {}
        self._kernel: dict[str, str] = {}
        self._opened = 0

    def opened_by_kernel(self, comm_id: object) -> str | None:
        """The page's name for a channel that the kernel opens; None if there are too many or it is open."""
        if not isinstance(comm_id, str) or comm_id in self._page or len(self._page) >= _MAX_COMMS:
            return None
        self._opened += 1
        return self._pair(f"kernel-{self._opened}", comm_id[:200])

    def opened_by_page(self, comm_id: object) -> str | None:
        """The kernel's name for a channel that the page opens: the same."""
        if not isinstance(comm_id, str) or not _ID.fullmatch(comm_id) or len(self._page) >= _MAX_COMMS:
            return None
        if comm_id in self._kernel or comm_id in self._page:
            return None
        return self._pair(comm_id, comm_id)

    def page_name(self, comm_id: object) -> str | None:
        """The page's name for the kernel's channel."""
        return self._page.get(comm_id) if isinstance(comm_id, str) else None

    def kernel_name(self, comm_id: object) -> str | None:
        """The kernel's name for the page's channel."""
        return self._kernel.get(comm_id) if isinstance(comm_id, str) else None

    def close(self, page_name: str) -> None:
        """Forget a channel."""
        self._page.pop(self._kernel.pop(page_name, ""), None)

    def clear(self) -> None:
        """Forget all: the kernel is a new one."""
        self._page.clear()
        self._kernel.clear()

    def _pair(self, page: str, kernel: str) -> str:
        self._page[kernel] = page
        self._kernel[page] = kernel
        return page


def target(content: Mapping[str, Any], allowed: frozenset[str]) -> str | None:
    """The target that a channel is opened for, if it is allowed."""
    name = content.get("target_name")
    return name if isinstance(name, str) and name in allowed else None
