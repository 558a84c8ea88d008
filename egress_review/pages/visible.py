"""Hostile names made visible: what would hide or turn text is shown as its code point."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

from egress_review.checks.report import Finding
from egress_review.checks.sentences import evidence, remedy
from onggi import words

_HIDING = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
MAX_SHOWN = 300
MAX_TEXT = 20_000
_OWN = frozenset({"key", "language"})


def hides(character: str) -> bool:
    """Whether a character is not seen as itself: controls, direction marks, separators, blanks but U+0020."""
    category = unicodedata.category(character)
    return category in _HIDING or (category == "Zs" and character != " ")


def visible(text: str) -> Markup:
    """Text as HTML, isolated from the direction of its surroundings, with hidden characters spelled out."""
    shown = text[:MAX_SHOWN]
    rest = Markup("…") if len(text) > MAX_SHOWN else Markup("")
    return Markup("<bdi>{}{}</bdi>").format(_spelled(shown), rest)


def _spelled(text: str) -> Markup:
    mark = Markup('<span class="badge warn">U+{}</span>')
    return Markup("").join(mark.format(f"{ord(one):04X}") if hides(one) else escape(one) for one in text)


def visible_text(text: str) -> Markup:
    """Text of several lines as HTML: line ends stay, everything else as `visible`."""
    lines = text[:MAX_TEXT].replace("\r\n", "\n").split("\n")
    return Markup("<br>").join(_spelled(line) for line in lines)


def visible_line(line: str) -> Markup:
    """A line as HTML, as `visible`, with the blanks at its end spelled out too: nobody sees those."""
    kept = line.rstrip(" ")
    blanks = len(line) - len(kept)
    mark = Markup('<span class="badge warn">U+0020 × {}</span>').format(blanks) if blanks else Markup("")
    return Markup("<bdi>{}{}</bdi>").format(_spelled(kept), mark)


def finding_text(language: str, finding: Finding) -> Markup:
    """The sentence of a finding; what the file brought into it is spelled out as any hostile text."""
    params = {name: value for name, value in finding.params.items() if name not in _OWN}
    return visible_text(words.say(language, f"findings.{finding.code.value}", **params))


def remedy_text(language: str, finding: Finding) -> Markup:
    """What the researcher can do about a finding; empty if nothing."""
    return visible_text(remedy(finding, language))


def evidence_text(language: str, finding: Finding) -> Markup:
    """The values of the data behind a finding, for reviewers; empty if it has none."""
    return visible_text(evidence(finding, language))


def plain_name(name: str) -> str:
    """A file name that is safe to save under: one path part, nothing hidden, at most 150 characters."""
    cleaned = "".join("_" if hides(one) or one in '/\\:*?"<>|' else one for one in name)
    return cleaned.strip(". ")[-150:] or "output"
