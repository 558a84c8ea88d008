"""A service that refuses to start says why: once for the program that started it, once for people.

The first line on stderr is the error's wire form, so that `onggi up` can say it in the operator's language;
the sentences that follow are for who reads the log.
"""

from __future__ import annotations

import json
import sys

from onggi.errors import OnggiError, Unavailable, from_json
from onggi.words import LANGUAGES, explain

EX_CONFIG = 78
"""Exit status of a service that would refuse again if it were started again (sysexits.h)."""


def refuse(error: OnggiError) -> int:
    """Say it on stderr; the exit status."""
    print(json.dumps(error.to_json()), file=sys.stderr)  # noqa: T201 - the supervisor reads it
    for language in LANGUAGES:
        sentence = explain(language, error.reason, error.params)
        print(sentence, file=sys.stderr)  # noqa: T201 - as above
    return EX_CONFIG


def read_refusal(log: str) -> OnggiError | None:
    """The last refusal in what a service wrote, or None."""
    for line in reversed(log.splitlines()):
        if line.startswith('{"error"'):
            try:
                return from_json(Unavailable.status, json.loads(line))
            except ValueError:
                continue
    return None
