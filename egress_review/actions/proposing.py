"""Proposals to protect an output, made beside the pages that ask for them: each takes up to a minute.

Guarantees: one that is being made or was made is not made again for the reviewer who asked, and is shown to
nobody else.
Does not guarantee: that it is remembered; the last ones are kept in memory, and lost with the process.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from egress_review.checks.report import Finding, FindingCode
from egress_review.domain import Request
from onggi.errors import OnggiError

log = logging.getLogger(__name__)
MOST_KEPT = 32

Propose = Callable[[str, Request, int, str, int], dict[str, Any]]
"""`Protector.propose`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reviewer asks.

    Attributes:
        number: of the output.
        way: a `Way`.
        base: of rounding.
    """

    reviewer: str
    request: str
    version: int
    number: int
    way: str
    base: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What has become of it: the answer, or why there is none; neither while it is being made."""

    answer: Mapping[str, Any] | None = None
    error: OnggiError | None = None

    @property
    def running(self) -> bool:
        """Whether it is being made."""
        return self.answer is None and self.error is None


class Proposals:
    """Makes proposals in threads, and keeps the last ones."""

    def __init__(self, propose: Propose) -> None:
        self._propose = propose
        self._lock = threading.Lock()
        self._kept: OrderedDict[Asked, Proposal] = OrderedDict()

    def begin(self, asked: Asked, request: Request) -> None:
        """Begin to make a proposal, unless it is there or being made; one that failed is tried again.

        Args:
            request: that `asked` is about.
        """
        with self._lock:
            known = self._kept.get(asked)
            if known is not None and known.error is None:
                return
            self._kept[asked] = Proposal()
            self._kept.move_to_end(asked)
            self._forget()
        threading.Thread(target=self._make, args=(asked, request), name="proposal", daemon=True).start()

    def get(self, asked: Asked) -> Proposal | None:
        """What has become of a proposal; None if nobody asked for it, or it is forgotten."""
        with self._lock:
            return self._kept.get(asked)

    def _make(self, asked: Asked, request: Request) -> None:
        try:
            answer = self._propose(asked.reviewer, request, asked.number, asked.way, asked.base)
            made = Proposal(answer)
        except OnggiError as error:
            made = Proposal(error=error)
        except Exception:  # a thread's error reaches nobody; the page must not wait for ever
            log.exception("proposal for %s", asked.request)
            made = Proposal({"stopped": Finding(FindingCode.CHECKER_CRASHED).to_json()})
        with self._lock:
            self._kept[asked] = made

    def _forget(self) -> None:
        done = [asked for asked, one in self._kept.items() if not one.running]
        for asked in done[: max(0, len(self._kept) - MOST_KEPT)]:
            del self._kept[asked]
