"""Texts that a report can carry."""

from __future__ import annotations

MAX_TEXT = 300


def is_sound(text: str) -> bool:
    """Whether a text can be stored and encoded anywhere: no NUL, no half of a surrogate pair."""
    return not any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in text)
