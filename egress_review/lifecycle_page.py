"""The reference page and the picture of the lifecycle, made from its table; `make docs` writes both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from egress_review.domain import State
from egress_review.lifecycle import TABLE, Action, Move
from onggi.words import say

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = Path("reference") / "lifecycle.md"
PICTURE = Path("pictures") / "lifecycle.svg"

_WIDTH, _HEIGHT = 128, 44
_LONG = 100
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>'
)
_HALO = 'paint-order="stroke" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"'
_PLACES = {
    State.DRAFT: (90, 170),
    State.CHECKING: (310, 170),
    State.IN_REVIEW: (530, 170),
    State.APPROVED: (750, 170),
    State.RELEASED: (970, 170),
    State.RETURNED: (530, 50),
    State.WITHDRAWN: (310, 290),
    State.REJECTED: (750, 290),
}
_WHAT = {
    Action.APPROVE: "At least one output is approved, and none is returned.",
    Action.CHECK: "The checks say something about every output; a checker that fails says *not proven*.",
    Action.RECEIVE: "The bytes of one output are in the vault and are what was announced.",
    Action.REJECT: "No output is approved, and none is returned.",
    Action.RELEASE: "The approved outputs, hashed once more, become a release.",
    Action.RETURN: "At least one reviewer asks for a change; or what was released since forbids it.",
    Action.REVISE: "A new version with new outputs, checks and votes; the old one stays as it was.",
    Action.SET_ASIDE: "A reviewer who has voted has become a member since, or reviews no more.",
    Action.SUBMIT: "Every announced output has been received.",
    Action.VOTE: "One ballot paper over all outputs; a reviewer from outside the project, once.",
    Action.WITHDRAW: "The request is taken back.",
}


def page() -> str:
    """The reference page, Markdown."""
    return "\n".join(
        [
            "# The lifecycle of a request",
            "",
            "Made from `egress_review/lifecycle.py` by `make docs`; do not edit.",
            "",
            f"![The lifecycle](../{PICTURE})",
            "",
            "## States",
            "",
            "| state | on the pages | Korean | meaning |",
            "|---|---|---|---|",
            *(_state_row(state) for state in _PLACES),
            "",
            "## Moves",
            "",
            "What does not stand here cannot happen. Who is asked first: a stranger learns no state.",
            "",
            "| from | action | to | who | condition | audit event | |",
            "|---|---|---|---|---|---|---|",
            *(_move_row(begin, action, move) for (begin, action), move in TABLE.items()),
            "",
            "*submitter*: who made the request, as a member of its project. *reviewer*: has the role, is and",
            "was no member of the project, and did not submit the request. *service*: egress review itself.",
            "",
        ]
    )


def picture() -> str:
    """The picture, SVG."""
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1060 350" font-family="sans-serif">',
            "<title>The lifecycle of a request</title>",
            _TIP,
            '<rect width="1060" height="350" fill="#ffffff"/>',
            *(_arrow(begin, action, move) for (begin, action), move in TABLE.items()),
            *_boxes(),
            "</svg>",
            "",
        ]
    )


def _state_row(state: State) -> str:
    words = [say(language, f"review.state_{state.value}") for language in ("en", "ko")]
    return f"| `{state.value}` | {words[0]} | {words[1]} | {say('en', f'review.about_state_{state.value}')} |"


def _move_row(begin: State, action: Action, move: Move) -> str:
    guard = move.guard.__name__.replace("_", " ")
    cells = (f"`{begin.value}`", f"`{action.value}`", f"`{move.next.value}`", move.who.value, guard)
    return f"| {' | '.join(cells)} | `{move.event}` | {_WHAT[action]} |"


def _boxes() -> Iterator[str]:
    for state, (x, y) in _PLACES.items():
        yield (
            f'<rect x="{x - _WIDTH // 2}" y="{y - _HEIGHT // 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" '
            'fill="#f6f4f1" stroke="#7a3e1d" stroke-width="1.5"/>'
        )
        yield _label(x, y + 5, state.value.replace("_", " "), 16, "#1f2328", halo="")


def _arrow(begin: State, action: Action, move: Move) -> str:
    (x1, y1), (x2, y2) = _PLACES[begin], _PLACES[move.next]
    if begin is move.next:
        top = y1 - _HEIGHT // 2
        path = f"M{x1 + 52} {top}C{x1 + 77} {top - 42} {x1 + 27} {top - 42} {x1 + 40} {top - 2}"
        return _stroke(path) + _label(x1 + 50, top - 36, action.value, 13, "#57606a")
    (x1, y1), (x2, y2) = _edge(x1, y1, x2, y2), _edge(x2, y2, x1, y1)
    along = 0.3 if abs(y2 - y1) > _LONG else 0.5  # a long arrow crosses others in its middle
    x, y = round(x1 + (x2 - x1) * along), round(y1 + (y2 - y1) * along)
    label = _label(x, y - 7, action.value, 13, "#57606a")
    return _stroke(f"M{x1} {y1}L{x2} {y2}") + label


def _edge(x: int, y: int, toward_x: int, toward_y: int) -> tuple[int, int]:
    """Where the line from (x, y) leaves its box."""
    dx, dy = toward_x - x, toward_y - y
    scale = min(
        (_WIDTH / 2) / abs(dx) if dx else float("inf"),
        (_HEIGHT / 2) / abs(dy) if dy else float("inf"),
    )
    return round(x + dx * scale), round(y + dy * scale)


def _stroke(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#57606a" stroke-width="1.5" marker-end="url(#tip)"/>'


def _label(x: int, y: int, text: str, size: int, colour: str, halo: str = _HALO) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="middle" {halo}>{text}</text>'
    )
