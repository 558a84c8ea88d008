"""HTML tables, capped by rows and cells; how many rows are left out is counted, so that it can be said.

Works on what the sanitiser wrote (`egress_review.display.markup`): tags are lower case, balanced, and no
attribute holds a `<` or `>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<(/?)(tr|td|th)(?=[ >])[^<>]*>")
_SHORTEST = len("<td></td>")


@dataclass(frozen=True, slots=True)
class Capped:
    """HTML within the caps, and how many rows are not in it."""

    html: str
    hidden_rows: int


def cap_tables(html: str, most_rows: int, most_cells: int) -> Capped:
    """HTML with at most so many rows and cells, all its tables together; rows go as a whole.

    A row that would pass the cap on cells goes too, with everything in it.
    """
    few_cells = len(html) <= most_cells * _SHORTEST
    if html.count("<tr") <= most_rows and (few_cells or html.count("<td") + html.count("<th") <= most_cells):
        return Capped(html, 0)
    rows = _rows(html)
    kept: list[str] = []
    at = shown = cells = hidden = 0
    for start, end, count in rows:
        if shown < most_rows and cells + count <= most_cells and not hidden:
            shown, cells = shown + 1, cells + count
            continue
        kept.append(html[at:start])
        at, hidden = end, hidden + 1
    kept.append(html[at:])
    return Capped("".join(kept), hidden)


def _rows(html: str) -> list[tuple[int, int, int]]:
    """Outermost rows: where each starts and ends, and its cells, those of tables inside it too."""
    rows: list[tuple[int, int, int]] = []
    depth = start = cells = 0
    for tag in _TAG.finditer(html):
        closing, name = bool(tag[1]), tag[2]
        if name != "tr":
            cells += not closing
        elif not closing:
            if depth == 0:
                start, cells = tag.start(), 0
            else:
                cells += 1  # a row inside a cell is no cheaper than a cell
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                rows.append((start, tag.end(), cells))
    return rows
