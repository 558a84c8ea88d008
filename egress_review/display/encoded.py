"""Long runs of encoded data in text: base64, base32 and hexadecimal, also when broken up.

What it is for: data printed as text by mistake, or without thinking, is seen at once. What it does not
guarantee: that text carries no data. Whoever wants to can write numbers as words; what bounds that is the
budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
_SPACES = " \t\r\n\x0b\x0c"
_WORD = r"[A-Za-z0-9+/=_-]+"
_SPACE = re.compile(rf"[{_SPACES}]+")
_TAG_CHARACTERS = 200
_TAG = re.compile(rf"<[^<>]{{0,{_TAG_CHARACTERS}}}>")
_RAW_TAG = re.compile(_TAG.pattern.encode())
_USUAL_TAGS = tuple(f"<{end}{name}>".encode() for name in ("td", "tr", "th") for end in ("", "/"))
_TAG_OR_SPACE = re.compile(rf"(?:[{_SPACES}]|{_TAG.pattern})+")
_RUN_IN_MARKUP = re.compile(rf"{_WORD}(?:{_TAG_OR_SPACE.pattern}{_WORD})*")
_JOINED, _BROKEN = b"a", b"."
_CONTINUE = _LETTERS + _SPACES
_CONTINUE_IN_MARKUP = _CONTINUE + '<>"'
_KINDS, _KINDS_IN_MARKUP = (
    bytes(_JOINED[0] if byte in joined.encode() else _BROKEN[0] for byte in range(256))
    for joined in (_CONTINUE, _CONTINUE_IN_MARKUP)
)
# Tags with anything in them that would break a run; the usual ones have none.
_ODD_TAG = re.compile(rb'<[A-Za-z0-9+/=_\- \t\r\n\x0b\x0c"]*+[^<>A-Za-z0-9+/=_\- \t\r\n\x0b\x0c"]')
_UPPER, _LOWER, _DIGITS = (bytes(range(ord(a), ord(z) + 1)) for a, z in ("AZ", "az", "09"))
_HEX = b"0123456789abcdefABCDEF"
_BLOCK = 128
_STEP = 16
_MARK = "…"

# Of a block: shares of upper case, lower case and digits. Base64 of anything but text in one case has about
# 0.41, 0.41 and 0.16; sentences, numbers, names of genes and identifiers do not come near all three.
_MIXED = (0.15, 0.15, 0.05)
_HEX_LETTERS, _HEX_DIGITS, _HEX_SPACES = 0.15, 0.30, 0.25
_BASE32_UPPER, _BASE32_DIGITS, _BASE32_SPACES = 0.50, 0.08, 0.07


class Runs:
    """Watches text that comes in pieces, so that a run in many small messages is one run.

    Args:
        limit: characters of a run that may be shown; 0: any number.
    """

    __slots__ = ("_going_on", "_tail", "_unjudged", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._tail = ""
        self._unjudged = 0
        self._going_on = False

    def cut(self, text: str) -> tuple[str, bool]:
        """The next piece without encoded runs, and whether there were any."""
        limit, before = self.limit, self._tail
        if not limit:
            return text, False
        head = text.rstrip(_CONTINUE)
        # With room for as many gaps as letters.
        self._tail = (text[len(head) :] if head else before + text)[-2 * limit :]
        self._unjudged += len(text)
        if len(before) + len(text) < limit or (self._unjudged < _BLOCK and not self._going_on):
            self._going_on = self._going_on and not head
            return text, False
        self._unjudged = 0
        whole = before + text
        found = encoded_spans(whole, limit)
        self._going_on = bool(found) and found[-1][1] == len(whole.rstrip(_SPACES))
        # What was shown of a run before stays shown; the rest of it goes.
        spans = [(max(start, len(before)), end) for start, end in found if end > len(before)]
        return _without(whole, spans, begin=len(before)) if spans else text, bool(spans)


def cut_runs(text: str, limit: int, *, markup: bool = False, plain_tags: bool = False) -> tuple[str, bool]:
    """Text with each encoded run of more than `limit` characters replaced by an ellipsis.

    Args:
        markup: whether tags may stand inside a run, and are kept.
        plain_tags: whether tags are known to hold nothing that would break a run.
    """
    if plain_tags and not _unbroken(text, limit, _CONTINUE_IN_MARKUP):
        return text, False
    spans = encoded_spans(text, limit, markup=markup)
    return (_without(text, spans, markup=markup), True) if spans else (text, False)


def encoded_spans(text: str, limit: int, *, markup: bool = False) -> list[tuple[int, int]]:
    """Where encoded blocks follow one another for at least `limit` characters."""
    if not limit or len(text) < limit or not (_unbroken_markup if markup else _unbroken)(text, limit):
        return []
    runs = _runs_in_markup(text, limit) if markup else _runs(text, limit)
    return [
        (first + start, first + end)
        for first, run in runs
        if _possible(run, limit, markup=markup)
        for start, end in _spans_of_run(run, limit, _TAG_OR_SPACE if markup else _SPACE)
    ]


def _unbroken(text: str, limit: int, joined: str = _CONTINUE) -> bool:
    """Whether so many letters, digits and spaces follow one another anywhere; most text ends here.

    Quick, because it is asked of everything: of `limit` characters it looks at a few, at all only if they
    are such; and goes on behind the last that breaks a run.
    """
    begin = 0
    while limit and begin + limit <= len(text):
        end = begin + limit
        broken = len(text[begin:end:_STEP].rstrip(joined))
        if broken:
            begin += (broken - 1) * _STEP + 1
            continue
        broken = len(text[begin:end].rstrip(joined))
        if not broken:
            return True
        begin += broken
    return False


def _unbroken_markup(text: str, limit: int) -> bool:
    """As `_unbroken`, with tags between them; may say yes where there is no run, not the other way round."""
    raw = text.encode("ascii", "replace")
    if _ODD_TAG.search(raw) is None:
        return _JOINED * limit in raw.translate(_KINDS_IN_MARKUP)
    bare = _RAW_TAG.sub(b"", raw)
    return _JOINED * limit in raw.translate(_KINDS) or _JOINED * limit in bare.translate(_KINDS)


def _runs(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Words with nothing but spaces between them, of at least `limit` characters, and where they begin."""
    kinds = text.encode("ascii", "replace").translate(_KINDS)
    end = 0
    while (found := kinds.find(_JOINED * limit, end)) >= 0:
        end = kinds.find(_BROKEN, found)
        end = end if end >= 0 else len(kinds)
        run = text[found:end].lstrip(_SPACES)
        begin, run = end - len(run), run.rstrip(_SPACES)
        if len(run) >= limit:
            yield begin, run


def _runs_in_markup(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """As `_runs`, with tags between the words as well; one may begin in what only looks like a tag."""
    if limit > _TAG_CHARACTERS and not _possible(text, limit, markup=True):
        return
    for run in _RUN_IN_MARKUP.finditer(text):
        if run.end() - run.start() >= limit:
            yield run.start(), run[0]


def _possible(run: str, limit: int, *, markup: bool) -> bool:
    """Whether there are letters and digits enough for one span."""
    raw = run.encode("ascii", "ignore")
    if markup:
        for tag in _USUAL_TAGS:  # nearly all that there are in a table
            raw = raw.replace(tag, b" ")
        raw = _RAW_TAG.sub(b" ", raw)
    digits = len(raw) - len(raw.translate(None, _DIGITS))
    letters = len(raw) - len(raw.translate(None, _UPPER + _LOWER))
    return digits >= _MIXED[2] * limit and letters >= _HEX_LETTERS * limit


def _spans_of_run(run: str, limit: int, gap: re.Pattern[str]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    begun, length, at = 0, 0, 0
    for end, bare, gaps in _blocks(run, gap):
        if _looks_encoded(bare, gaps):
            begun = begun if length else at
            length += len(bare)
        else:
            if length >= limit:
                spans.append((begun, at))
            length = 0
        at = end
    if length >= limit:
        spans.append((begun, len(run)))
    return spans


def _blocks(run: str, gap: re.Pattern[str]) -> list[tuple[int, bytes, int]]:
    """The run in blocks: where each ends, its letters alone, and how many gaps stand between them.

    A short rest belongs to the block before it: too little to tell what it is.
    """
    blocks: list[tuple[int, bytes, int]] = []
    bare = b""
    gaps = at = 0
    for start, end in [*((found.start(), found.end()) for found in gap.finditer(run)), (len(run), len(run))]:
        while at < start:
            taken = min(_BLOCK - len(bare), start - at)
            bare += run[at : at + taken].encode("ascii")
            at += taken
            if len(bare) == _BLOCK:
                blocks.append((at, bare, gaps))
                bare, gaps = b"", 0
        gaps, at = gaps + (end > start), end
    if bare and (not blocks or len(bare) >= _BLOCK // 2):
        blocks.append((len(run), bare, gaps))
    elif blocks:
        _, last, count = blocks[-1]
        blocks[-1] = (len(run), last + bare, count)
    return blocks


def _looks_encoded(bare: bytes, gaps: int) -> bool:
    count = len(bare)
    upper, lower, digits = (
        (count - len(bare.translate(None, kind))) / count for kind in (_UPPER, _LOWER, _DIGITS)
    )
    if upper >= _MIXED[0] and lower >= _MIXED[1] and digits >= _MIXED[2]:
        return True
    sparse = gaps / count
    if not bare.translate(None, _HEX):
        return upper + lower >= _HEX_LETTERS and digits >= _HEX_DIGITS and sparse <= _HEX_SPACES
    return not lower and upper >= _BASE32_UPPER and digits >= _BASE32_DIGITS and sparse <= _BASE32_SPACES


def _without(text: str, spans: list[tuple[int, int]], *, begin: int = 0, markup: bool = False) -> str:
    kept: list[str] = []
    at = begin
    for start, end in spans:
        kept += [text[at:start], _MARK, "".join(_TAG.findall(text[start:end])) if markup else ""]
        at = end
    return "".join([*kept, text[at:]])
