"""A reason in headers, for answers whose body is for people: those of JupyterHub and of a session."""

from __future__ import annotations

import json
from collections.abc import Mapping

from onggi.errors import OnggiError

REASON_HEADER = "X-Onggi-Reason"
PARAMS_HEADER = "X-Onggi-Params"


def to_headers(error: OnggiError) -> dict[str, str]:
    """An error's reason and parameters; ASCII, as headers must be."""
    return {REASON_HEADER: error.reason.value, PARAMS_HEADER: json.dumps(error.params)}


def wire_form(headers: Mapping[str, str]) -> dict[str, object] | None:
    """What `onggi.errors.from_json` reads, from an answer's headers; None if they name no reason."""
    reason = headers.get(REASON_HEADER)
    if reason is None:
        return None
    try:
        params = json.loads(headers.get(PARAMS_HEADER, "{}"))
    except ValueError:
        params = {}
    return {"error": {"reason": reason, "params": params}}
