"""What came with a request, read strictly: a wrong or unknown field is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from starlette.requests import Request

from onggi.clock import from_text
from onggi.errors import Invalid
from onggi.reasons import Reason

MAX_BODY_BYTES = 64 * 1024
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class Fields:
    """Named values of a form or a JSON object; each is taken once, and `done` refuses what is left."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._given = {name: value for name, value in values.items() if isinstance(value, str)}

    @property
    def given(self) -> Mapping[str, str]:
        """The texts as they came, for a form that is shown again."""
        return self._given

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required if there is no default.

        Raises:
            Invalid: if it is missing or no text.
        """
        value = self._values.pop(name, default)
        if isinstance(value, str):
            value = value.strip() or default
        if value is None:
            raise Invalid(Reason.FIELD_MISSING, field=name)
        if not isinstance(value, str):
            raise _invalid(name, value)
        return value

    def whole(self, name: str, default: int) -> int:
        """A whole number.

        Raises:
            Invalid: if it is none.
        """
        value = self._values.pop(name, default)
        if isinstance(value, str):
            try:
                value = int(value) if value.strip() else default
            except ValueError:
                raise _invalid(name, value) from None
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid(name, value)
        return value

    def moment(self, name: str) -> datetime | None:
        """A moment (see `moment_of`); None for none.

        Raises:
            Invalid: if it is neither.
        """
        value = self._values.pop(name, None)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise _invalid(name, value)
        return moment_of(name, value)

    def done(self) -> None:
        """Nothing else was sent.

        Raises:
            Invalid: naming the first field that is not known.
        """
        for name in self._values:
            raise Invalid(Reason.FIELD_INVALID, field=name[:40], value="?")


def moment_of(name: str, text: str) -> datetime:
    """A moment from RFC 3339, or from a date: its first moment in the server's time zone.

    Raises:
        Invalid: naming the field if it is neither.
    """
    try:
        value = _moment(text)
    except (Invalid, OverflowError):
        raise Invalid(Reason.MOMENT_INVALID, field=name, value=text[:40]) from None
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise Invalid(Reason.MOMENT_INVALID, field=name, value=text[:40])
    return value


def _moment(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time()).astimezone()
    except ValueError:
        return from_text(text)


async def read_json(request: Request) -> Mapping[str, Any]:
    """The JSON object in a request's body; an empty body is an empty object.

    Raises:
        Invalid: for anything else, or more than `MAX_BODY_BYTES`.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _invalid("body", f"{MAX_BODY_BYTES} <")
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise _invalid("body", "JSON") from None
    if not isinstance(value, dict):
        raise _invalid("body", type(value).__name__)
    return value


def _invalid(name: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=name, value=str(value)[:40])
