"""What deciding about one message of a kernel needs, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from egress_review.display.budget import Budget, Meter, Notice, charge_text, text_bytes
from egress_review.display.comms import Comms
from egress_review.display.images import Redraw, refuse_all
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import Request
from onggi.reasons import Reason

if TYPE_CHECKING:
    from egress_review.display.bundle import Prepared

__all__ = ["Answer", "Notice", "Outcome", "Scope", "limit_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that may be shown: type, content and metadata rebuilt from known keys, charged buffers."""

    kind: str
    content: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    buffers: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Outcome:
    """The gate's word on one message.

    Attributes:
        answers: what to show, in order.
        notices: what to say about what was cut; each reason once per cell.
        request: the forwarded request that this belongs to, or None.
        dropped: why nothing is shown, if nothing is.
        finished: whether the request's cell is done, so that it can be reported.
    """

    answers: list[Answer] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    request: Request | None = None
    dropped: Reason | None = None
    finished: bool = False


@dataclass(slots=True)
class Scope:
    """One decision in progress.

    Attributes:
        prepared: the output's forms, if they were made harmless beforehand.
        prepare: what makes them so, if it is not `bundle.prepare`.
        joined: whether the page will see this text together with the text before it, as one message.
        buffers: what came with the message beside its content.
    """

    policy: DisplayPolicy
    meter: Meter
    budget: Budget
    request: Request | None
    outcome: Outcome
    display_ids: dict[str, str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    comms: Comms = field(default_factory=Comms)
    redraw: Redraw = refuse_all
    prepared: Prepared | None = None
    prepare: Callable[..., Prepared] | None = None
    joined: bool = False
    buffers: tuple[bytes, ...] = ()

    def cut(self, reason: Reason, **params: str) -> None:
        """Tell once per cell that something is withheld; of the session's limits, the one that was met."""
        if reason is Reason.DISPLAY_SESSION_LIMIT:
            reason, params = self.meter.refusal.reason, dict(self.meter.refusal.params)
        if reason not in self.budget.told:
            self.budget.told.add(reason)
            self.outcome.notices.append(Notice(reason, limit_of(self.policy, reason) | params))

    def text(self, text: str, kind: str = "text/plain") -> str:
        """As much of `text` as may be shown."""
        text, encoded = self.budget.runs.cut(text)
        if encoded:
            self.budget.cuts += 1
            self.cut(Reason.DISPLAY_ENCODED_CUT)
        kept, reason = charge_text(self.meter, self.budget, text, kind)
        if reason is not None:
            self.cut(reason)
        return kept

    def raw(self, content: bytes, kind: str) -> bool:
        """Charge `content` to the cell's text, whole or not at all."""
        if len(content) > self.budget.text:
            self.budget.cuts += 1
            self.cut(Reason.DISPLAY_CELL_LIMIT)
            return False
        if not self.meter.take(len(content)):
            self.budget.cuts += 1
            self.cut(Reason.DISPLAY_SESSION_LIMIT)
            return False
        self.budget.text -= len(content)
        self.budget.record(kind, len(content))
        return True

    def error_text(self, text: str) -> str:
        """As `text`, but an error may use its own reserve when the cell is full."""
        reserve = min(self.budget.errors, text_bytes(text))
        self.budget.text += reserve
        kept = self.text(text, "text/x-error")
        self.budget.errors -= reserve
        return kept

    def flat(self) -> bool:
        """Charge the price of a message; False if the cell or the session has no more."""
        price = self.policy.message_bytes
        if self.budget.text < price:
            self.budget.cuts += 1
            self.cut(Reason.DISPLAY_CELL_LIMIT)
            return False
        if not self.meter.take(price):
            self.budget.cuts += 1
            self.cut(Reason.DISPLAY_SESSION_LIMIT)
            return False
        self.budget.text -= price
        return True

    def flat_for_error(self) -> bool:
        """As `flat`, but an error may pay from its reserve when the cell is full."""
        if self.budget.text >= self.policy.message_bytes:
            return self.flat()
        if self.budget.errors < self.policy.message_bytes or not self.meter.take(self.policy.message_bytes):
            self.budget.cuts += 1
            return False
        self.budget.errors -= self.policy.message_bytes
        return True

    def number(self) -> int | None:
        """The number of the cell that this belongs to: given once, when the kernel takes the cell up."""
        request = self.request
        if request is None or request.kind != "execute_request":
            return None
        counted = request.content.get("store_history", True) and not request.content.get("silent", False)
        if request.number is None and counted:
            request.number = next(self.numbers)
        return request.number


def limit_of(policy: DisplayPolicy, reason: Reason) -> dict[str, str]:
    """The limit that a reason for cutting speaks of, as its sentence names it; empty if it speaks of none."""
    limits = {
        Reason.DISPLAY_CELL_LIMIT: policy.cell_text_bytes,
        Reason.DISPLAY_ENCODED_CUT: policy.encoded_run,
        Reason.DISPLAY_IMAGE_LIMIT: policy.cell_images,
        Reason.DISPLAY_IMAGE_PIXELS: policy.image_pixels,
        Reason.DISPLAY_IMAGE_TOO_LARGE: policy.image_bytes,
        Reason.DISPLAY_MESSAGE_TOO_LARGE: policy.message_source_bytes,
        Reason.DISPLAY_PLOT_TOO_LARGE: policy.plot_bytes,
        Reason.DISPLAY_TABLE_CUT: policy.table_rows,
    }
    return {"limit": str(limits[reason])} if reason in limits else {}
