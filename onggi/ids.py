"""Names that people and machines give to things, and the rules they obey."""

from __future__ import annotations

import re
import secrets

from onggi.errors import Invalid
from onggi.reasons import Reason

_SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?!-)){0,28}[a-z0-9]|[a-z]")
_PERSON = re.compile(r"[a-z][a-z0-9._-]{0,62}")


def slug(text: str) -> str:
    """A project slug or data-set name; it is also JupyterHub's server name, so it obeys that rule.

    1–30 characters of `a-z`, `0-9` and single hyphens, a letter first, no hyphen last.

    Raises:
        Invalid: if it does not.
    """
    if not _SLUG.fullmatch(text):
        raise Invalid(Reason.SLUG_INVALID, value=text[:60])
    return text


def person_name(text: str) -> str:
    """A sign-in name: `a-z` first, then up to 62 of `a-z0-9._-`.

    Raises:
        Invalid: if it is not one.
    """
    if not _PERSON.fullmatch(text):
        raise Invalid(Reason.PERSON_NAME_INVALID, value=text[:60])
    return text


def new_id(prefix: str) -> str:
    """A fresh identifier such as `s-3f9c…`: the prefix and 64 random bits in hex."""
    return f"{prefix}-{secrets.token_hex(8)}"


def new_secret() -> str:
    """A fresh bearer secret: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)
