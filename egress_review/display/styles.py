"""Colours, weight and alignment in HTML: the few properties that tables need, each value read strictly.

Guarantees: no value holds an address, a function that fetches or computes, or a position; nothing can be
drawn outside its own cell. pandas' `Styler` writes a style sheet with one rule per cell; those rules become
attributes of the cells before the sanitiser drops the sheet and all names.
"""

from __future__ import annotations

import re

# No colour's name begins with `url`, so no word that does gets near a bracket.
_COLOUR = r"(?:#[0-9a-f]{3,8}|(?!url)[a-z]{3,20}|(?:rgb|hsl)a?\([0-9., %]{1,40}\))"
_STOP = rf"{_COLOUR}(?: [0-9.]{{1,8}}%)?"
_VALUES: dict[str, re.Pattern[str]] = {
    "background": re.compile(
        rf"{_COLOUR}|linear-gradient\((?:[0-9]{{1,3}}deg, ?)?{_STOP}(?:, ?{_STOP}){{1,8}}\)(?: no-repeat)?"
    ),
    "background-color": re.compile(_COLOUR),
    "color": re.compile(_COLOUR),
    "font-style": re.compile(r"normal|italic"),
    "font-weight": re.compile(r"normal|bold|[1-9]00"),
    "text-align": re.compile(r"left|right|center|justify"),
    "text-decoration": re.compile(r"none|underline|line-through"),
    "vertical-align": re.compile(r"top|middle|bottom|baseline"),
    "white-space": re.compile(r"normal|nowrap|pre|pre-wrap"),
    "width": re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?(?:em|px|%)"),
}
_SHEET = re.compile(r"<style\b[^<>]{0,100}>([^<]{0,262144})</style\s*>", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,65536})\{([^{}]{0,2000})\}")
_CELL = re.compile(r"\s*#(T_[0-9a-z]{1,40}_(?:row|level)[0-9]{1,6}_(?:row|col)[0-9]{1,6})\s*")
_ID = re.compile(r"""\bid=(["'])(T_[0-9a-z]{1,40}_(?:row|level)[0-9]{1,6}_(?:row|col)[0-9]{1,6})\1""")


def safe_style(value: str) -> str | None:
    """The declarations of a style attribute that are allowed; None if none is."""
    kept = []
    for declaration in value.split(";")[:20]:
        name, _, content = declaration.partition(":")
        name, content = name.strip().lower(), " ".join(content.split()).lower()
        pattern = _VALUES.get(name)
        if pattern is not None and pattern.fullmatch(content):
            kept.append(f"{name}:{content}")
    return ";".join(kept) or None


def inline_styles(source: str) -> str:
    """Move the rules of a Styler's sheet to the cells that they name; everything else stays as it is."""
    declarations: dict[str, str] = {}
    for sheet in _SHEET.finditer(source):
        for selectors, body in _RULE.findall(sheet[1]):
            safe = safe_style(body)
            for selector in selectors.split(",") if safe else ():
                cell = _CELL.fullmatch(selector)
                if cell is not None:
                    before = declarations.get(cell[1])
                    declarations[cell[1]] = f"{before};{safe}" if before else str(safe)
    if not declarations:
        return source
    return _ID.sub(
        lambda found: f'style="{declarations[found[2]]}"' if found[2] in declarations else "", source
    )
