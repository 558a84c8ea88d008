"""Posted forms: a CSRF token of our own, besides the Origin and Fetch-Metadata guard.

Guarantees: `checked_form` returns only the fields of a form that a page of this very session was given.
"""

from __future__ import annotations

import hmac
import secrets

from markupsafe import Markup
from starlette.requests import Request

from onggi.errors import Refused
from onggi.reasons import Reason


def csrf_input(request: Request) -> Markup:
    """The hidden field that every form of ours carries."""
    token = request.session.setdefault("csrf", secrets.token_urlsafe(24))
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


async def checked_form(request: Request) -> dict[str, str]:
    """The fields of a posted form whose CSRF token is ours.

    Raises:
        Refused: `CROSS_SITE_REQUEST` without the token.
    """
    form = await request.form(max_files=0, max_fields=300)
    given = str(form.get("csrf", ""))
    expected = request.session.get("csrf", "")
    if not expected or not hmac.compare_digest(given, expected):
        raise Refused(Reason.CROSS_SITE_REQUEST)
    return {name: value for name, value in form.items() if isinstance(value, str) and name != "csrf"}
