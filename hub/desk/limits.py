"""Which limits of the compute are not held by the kernel here; the broker knows, the pages say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx

from onggi.errors import OnggiError
from web.clients import ServiceClient


class LimitReport:
    """Asks the broker once; what it answers cannot change while it runs.

    Args:
        ask: the broker's answer about its sandbox.
    """

    def __init__(self, ask: Callable[[], dict[str, object]]) -> None:
        self._ask = ask
        self._known: tuple[str, ...] | None = None

    def findings(self) -> tuple[str, ...]:
        """Codes of the catalogue area `sandbox`; none while the broker does not answer."""
        if self._known is None:
            try:
                found = self._ask().get("findings", [])
            except OnggiError:
                return ()
            self._known = tuple(str(one) for one in found) if isinstance(found, list) else ()
        return self._known


def report_of(socket: Path, token: str) -> LimitReport:
    """The report of the broker that listens on `socket`."""
    client = ServiceClient("broker", "http://broker", token, httpx.HTTPTransport(uds=str(socket)))
    return LimitReport(lambda: client.call("GET", "/sandbox"))
