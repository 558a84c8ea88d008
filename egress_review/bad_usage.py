"""A command whose misuse ends with status 64, as `sysexits.h` names it."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand
from typer.exceptions import TyperException

BAD_USAGE = 64


class Command(TyperCommand):
    """A command whose misuse ends with status `BAD_USAGE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any command, but for the status."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            vars(error)["exit_code"] = BAD_USAGE
            raise
