"""The blocks of a day's budget that egress review has lent to this session server.

Guarantees: nothing is spent that was not lent, and nothing after the day that it was lent for. What is left
is written down ahead in steps and never as more than it is, so that whoever finds a killed server's slip can
give it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from web.slip import Slip

__all__ = ["Block", "Purse"]

_STEP_BYTES = 64 * 1024
"""What a killed server may lose of each block."""


@dataclass(slots=True)
class Block:
    """What is left of one lease, in bytes.

    Attributes:
        ends: POSIX time at which its day is over.
        sure: the least that is left of output and page, as it is written down.
    """

    id: str
    output: int
    page: int
    ends: float
    sure: tuple[int, int] = (0, 0)


class Purse:
    """Blocks, spent oldest first. Not for several threads at once.

    Args:
        slip: where it is written down what is left.
    """

    def __init__(self, slip: Slip) -> None:
        self._slip = slip
        self._blocks: list[Block] = []
        self.output = 0
        self.page = 0

    def add(self, block: Block) -> None:
        """Take a block."""
        self._blocks.append(block)
        self._sum()
        self._write_down()

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
        if any(block.output < block.sure[0] or block.page < block.sure[1] for block in self._blocks):
            self._write_down()
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
        """Hand out every block with something left; nothing can be spent afterwards.

        The slip stays as it is: a rest that does not get back now may still be found there.
        """
        blocks, self._blocks = self._blocks, []
        self._sum()
        return (block for block in blocks if block.output or block.page)

    def close(self) -> None:
        """Give the slip's file back."""
        self._slip.close()

    def _write_down(self) -> None:
        for block in self._blocks:
            block.sure = (max(0, block.output - _STEP_BYTES), max(0, block.page - _STEP_BYTES))
        self._slip.keep((block.id, *block.sure) for block in self._blocks)

    def _sum(self) -> None:
        self.output = sum(block.output for block in self._blocks)
        self.page = sum(block.page for block in self._blocks)
