"""Where a request comes from: only this session's own page, the hub, or a person's own navigation.

All of a user's sessions share one origin and cookies only differ in their path, so a request must also come
from a page under this session's path. Guarantees this against links, images, forms and frames in another
session's page, by what the browser itself says (Fetch Metadata, Origin, Referer). A script running in another
session's page could forge the Referer; that no script of a kernel ever runs is the display gate's part.

Source: W3C Fetch Metadata Request Headers; design, "Origins".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from onggi.reasons import Reason


class Verdict(StrEnum):
    """What to do with a request."""

    ACCEPT = "accept"
    BOUNCE = "bounce"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Place:
    """This session's place: the origins it is served under and its path."""

    origins: frozenset[str]
    prefix: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of route is asked for: a page one can navigate to, a websocket, a static file."""

    page: bool = False
    websocket: bool = False
    static: bool = False


def judge(place: Place, kind: Kind, method: str, headers: Mapping[str, str]) -> tuple[Verdict, Reason | None]:
    """Accept, refuse, or (a navigation from another site) bounce, so that strict cookies come along."""
    origin = headers.get("Origin")
    if kind.websocket and origin is None:
        return Verdict.REFUSE, Reason.CROSS_SITE_REQUEST
    if origin is not None and origin not in place.origins:
        return Verdict.REFUSE, Reason.CROSS_SITE_REQUEST
    referer = headers.get("Referer")
    site = headers.get("Sec-Fetch-Site")
    navigation = (
        kind.page
        and method == "GET"
        and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and headers.get("Sec-Fetch-Dest", "document") == "document"
    )
    if site in {"cross-site", "same-site"}:
        if not navigation:
            return Verdict.REFUSE, Reason.CROSS_SITE_REQUEST
        return (Verdict.BOUNCE if site == "cross-site" else Verdict.ACCEPT), None
    if referer is not None and not navigation and not _own_page(place, referer):
        return Verdict.REFUSE, Reason.CROSS_SESSION_REQUEST
    if site == "none" and not (navigation or kind.static):
        return Verdict.REFUSE, Reason.CROSS_SITE_REQUEST
    if site == "same-origin" and referer is None and not (navigation or kind.websocket or kind.static):
        return Verdict.REFUSE, Reason.CROSS_SESSION_REQUEST
    return Verdict.ACCEPT, None


def _own_page(place: Place, referer: str) -> bool:
    parts = urlsplit(referer)
    if f"{parts.scheme}://{parts.netloc}" not in place.origins:
        return False
    return parts.path.startswith((place.prefix, "/hub/"))
