"""What the set-up says to the person at the terminal, in Korean or English."""

from __future__ import annotations

import os
import sys

from onggi.words import say


class SetupError(Exception):
    """The set-up cannot go on; `key` and `params` name the sentence that says what to do."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


def language() -> str:
    """Korean on a Korean terminal, else English: a terminal without a locale often cannot show Hangul."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "ko" if value.startswith("ko") else "en"
    return "en"


def tell(key: str, **params: object) -> None:
    """One line on standard error; standard output belongs to what is run afterwards."""
    print(say(language(), key, **params), file=sys.stderr, flush=True)
