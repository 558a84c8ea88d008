"""The blocks of a day's budget that egress review has lent to this session server.

Guarantees: nothing is spent that was not lent, and nothing after the day that it was lent for. Does not
survive the process: what was lent and not spent is lost with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Block", "Purse"]


@dataclass(slots=True)
class Block:
    """What is left of one lease, in bytes; `ends` is the POSIX time at which its day is over."""

    id: str
    output: int
    page: int
    ends: float


class Purse:
    """Blocks, spent oldest first. Not for several threads at once."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self.output = 0
        self.page = 0

    def add(self, block: Block) -> None:
        """Take a block."""
        self._blocks.append(block)
        self._sum()

    def spend(self, name: str, count: int, now: float) -> bool:
        """Take `count` bytes of `output` or `page`; False, and nothing taken, if there are not as many.

        Args:
            now: POSIX time.
        """
        self.expire(now)
        if getattr(self, name) < count:
            return False
        setattr(self, name, getattr(self, name) - count)
        for block in self._blocks:
            part = min(count, getattr(block, name))
            setattr(block, name, getattr(block, name) - part)
            count -= part
            if not count:
                break
        return True

    def expire(self, now: float) -> None:
        """Let go of blocks whose day is over."""
        if self._blocks and self._blocks[0].ends <= now:
            self._blocks = [block for block in self._blocks if block.ends > now]
            self._sum()

    def tidy(self) -> None:
        """Let go of blocks that are spent."""
        self._blocks = [block for block in self._blocks if block.output or block.page]

    def empty(self) -> Iterator[Block]:
        """Hand out every block with something left; nothing can be spent afterwards."""
        blocks, self._blocks = self._blocks, []
        self._sum()
        return (block for block in blocks if block.output or block.page)

    def _sum(self) -> None:
        self.output = sum(block.output for block in self._blocks)
        self.page = sum(block.page for block in self._blocks)
