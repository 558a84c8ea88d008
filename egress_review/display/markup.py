"""HTML and Markdown from a kernel, made harmless.

Guarantees: the HTML that comes out holds tables, text and structure only: no script, style sheet, link, form,
frame, image, event handler, id or address of anything; attributes hold one of a few words, a small number, or
colours and alignment; the page does not typeset formulas in it. Markdown that could make a link, an image or
HTML is refused. Does not guarantee that the text itself is innocent: what is shown is counted, and a web
address in plain text can still be copied or clicked by the person who reads it. LaTeX:
`egress_review.display.formulas`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import nh3

from egress_review.display.encoded import cut_runs
from egress_review.display.plain_tables import plain_table
from egress_review.display.policy import DisplayPolicy
from egress_review.display.styles import inline_styles, safe_style
from egress_review.display.tables import cap_tables

TAGS = frozenset(
    (
        "b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins "
        "kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr "
        "tt u ul var"
    ).split()
)
_DROPPED_WITH_CONTENT = {"script", "style"}
_STYLED = ("b", "code", "div", "em", "i", "p", "pre", "span", "strong", "td", "th", "u")
_SPAN = {str(number) for number in range(1, 1001)}
_ALIGN = {"left", "right", "center", "justify", "char"}
_VALIGN = {"top", "middle", "bottom", "baseline"}
_VALUES: dict[str, dict[str, set[str]]] = {
    "*": {"dir": {"auto", "ltr", "rtl"}},
    "col": {"span": _SPAN},
    "colgroup": {"span": _SPAN},
    "ol": {"start": _SPAN},
    "table": {"border": {"0", "1"}},
    "td": {"colspan": _SPAN, "rowspan": _SPAN, "align": _ALIGN, "valign": _VALIGN},
    "th": {
        "colspan": _SPAN,
        "rowspan": _SPAN,
        "align": _ALIGN,
        "valign": _VALIGN,
        "scope": {"col", "colgroup", "row", "rowgroup"},
    },
}
_CLASSES = {"table": {"dataframe"}}
_FRAME = ('<div class="mathjax_ignore">', "</div>")
# Whatever may start HTML, a link, an image, a reference or an entity that stands for one of these signs.
_RISKY_MARKDOWN = re.compile(r"[<\[\]&\\]|://|www\.|@")


@dataclass(frozen=True, slots=True)
class CleanHtml:
    """What may be shown of HTML, how many rows of tables it lacks, and whether encoded data was cut."""

    html: str
    hidden_rows: int = 0
    encoded: bool = False


def clean_html(source: str, policy: DisplayPolicy) -> CleanHtml:
    """HTML reduced to `TAGS`, tables capped, in a frame that no formulas are set in.

    Doing it twice changes nothing.
    """
    if source.startswith(_FRAME[0]) and source.endswith(_FRAME[1]):
        source = source[len(_FRAME[0]) : -len(_FRAME[1])]
    if not source.isascii():
        source = source.encode("utf-8", "replace").decode("utf-8")  # halves of characters are no text
    known = plain_table(source)
    harmless = _sanitised(source, policy) if known is None else known
    capped = cap_tables(harmless, policy.table_rows, policy.table_cells)
    html, encoded = cut_runs(capped.html, policy.encoded_run, markup=True, plain_tags=known is not None)
    return CleanHtml(f"{_FRAME[0]}{html}{_FRAME[1]}", capped.hidden_rows, encoded)


def _sanitised(source: str, policy: DisplayPolicy) -> str:
    styled = policy.table_styles and "style" in source
    return _cleaner(styled=styled).clean(inline_styles(source) if styled else source)


@cache
def _cleaner(*, styled: bool) -> nh3.Cleaner:
    def keep(_: str, name: str, value: str) -> str | None:
        return safe_style(value) if name == "style" else value

    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={tag: {"style"} for tag in _STYLED} if styled else {},
        attribute_filter=keep if styled else None,
        tag_attribute_values=_VALUES,
        allowed_classes=_CLASSES,
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
    )


def safe_markdown(source: str) -> bool:
    """Whether Markdown holds nothing that could become a link, an image or HTML, and safe formulas only."""
    return _RISKY_MARKDOWN.search(source) is None
