"""HTML and LaTeX from a kernel, made harmless.

Guarantees: the HTML that comes out holds tables, text and structure only: no script, style, link, form,
frame, image, event handler, id or address of anything; the page does not typeset formulas in it. LaTeX with a
command that makes links, attributes or new commands is refused. Does not guarantee that the text itself is
innocent: what is shown is counted, and a web address in plain text can still be copied or clicked by the
person who reads it.
"""

from __future__ import annotations

import re

import nh3

TAGS = frozenset(
    (
        "b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins "
        "kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr "
        "tt u ul var"
    ).split()
)
_DROPPED_WITH_CONTENT = {"script", "style"}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start"},
    "table": {"border"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
}
_CLASSES = {"table": {"dataframe"}}
_FRAME = ('<div class="mathjax_ignore">', "</div>")
_RISKY_LATEX = re.compile(
    r"\\(?:href|url|style|class|cssId|data|require|csname|def|edef|gdef|let|newcommand|renewcommand|newenvironment"
    r"|html[A-Za-z]*|includegraphics|unicode|mathchoice|DeclareMathOperator|texttip|mathtip|toggle|action"
    r"|bbox|embellished|Newextarrow|begingroup|input|special)(?![A-Za-z])"
)


def clean_html(source: str) -> str:
    """HTML reduced to `TAGS`, in a frame that no formulas are set in; doing it twice changes nothing."""
    if source.startswith(_FRAME[0]) and source.endswith(_FRAME[1]):
        source = source[len(_FRAME[0]) : -len(_FRAME[1])]
    cleaned = nh3.clean(
        source,
        tags=set(TAGS),
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
    )
    return f"{_FRAME[0]}{cleaned}{_FRAME[1]}"


def safe_latex(source: str) -> bool:
    """Whether LaTeX uses none of the commands that make links, attributes or new commands."""
    return _RISKY_LATEX.search(source) is None
