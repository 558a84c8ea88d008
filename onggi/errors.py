"""The one error tree of Onggi.

    OnggiError
    ├── Refused            the rules say no: not a member, ended, not granted (HTTP 403)
    ├── NotFound           no such project, request, data set (HTTP 404)
    ├── Invalid            the input cannot be understood or breaks a limit (HTTP 422)
    ├── Conflict           the state does not allow it now (HTTP 409)
    ├── Unavailable        a part of Onggi does not answer; try again (HTTP 503)
    └── Tampered           something does not match its hash or signature (HTTP 500)

Each carries a `Reason` code and parameters that a person may read; sentences stand in the
catalogues (`onggi.words`). What only an operator may read goes to the log, never in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from onggi.reasons import Reason


class OnggiError(Exception):
    """A failure with a reason code.

    Args:
        reason: the code; the catalogues hold its sentence.
        params: values for the sentence, all of them fit for a person's eyes.
    """

    status: ClassVar[int] = 500

    def __init__(self, reason: Reason, **params: object) -> None:
        self.reason = reason
        self.params: dict[str, str] = {name: str(value) for name, value in params.items()}
        super().__init__(reason.value, self.params)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.reason.value}({shown})"

    def to_json(self) -> dict[str, Any]:
        """The wire form that every API of Onggi answers with."""
        return {"error": {"reason": self.reason.value, "params": self.params}}


class Refused(OnggiError):
    """The rules say no."""

    status = 403


class NotFound(OnggiError):
    """There is no such thing, or the caller may not know that there is."""

    status = 404


class Invalid(OnggiError):
    """The input cannot be understood or breaks a limit."""

    status = 422


class Conflict(OnggiError):
    """The state of the thing does not allow this now."""

    status = 409


class Unavailable(OnggiError):
    """A part of Onggi does not answer; nothing was changed."""

    status = 503


class Tampered(OnggiError):
    """Something does not match its hash or its signature."""

    status = 500


_BY_STATUS: Mapping[int, type[OnggiError]] = {
    kind.status: kind for kind in (Refused, NotFound, Invalid, Conflict, Unavailable)
}


def from_json(status: int, body: object) -> OnggiError:
    """Turn the wire form back into an error; anything unknown becomes `Unavailable`."""
    kind = _BY_STATUS.get(status, Unavailable)
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=status)
    try:
        reason = Reason(str(error.get("reason")))
    except ValueError:
        return Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=status)
    params = error.get("params")
    named = {str(key): str(value) for key, value in params.items()} if isinstance(params, Mapping) else {}
    return kind(reason, **named)
