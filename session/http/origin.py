"""Where a request comes from: only this session's own page, a person's own navigation, or a program.

All of a person's sessions share one origin, and cookies only differ in their path. So what a browser asks of
the API or over a websocket must carry the page key (`session.http.page_key`); a page is only answered to a
navigation, so that no script of another page can read the key out of it; and no address is a service
worker's. What a browser itself says (Fetch Metadata, Origin) keeps other sites out. A program that brings its
own token says none of that and needs none of it: no browser sends such a request for anybody.

Source: W3C Fetch Metadata Request Headers; design, "Origins".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from onggi.reasons import Reason
from session.http.page_key import carries


class Verdict(StrEnum):
    """What to do with a request."""

    ACCEPT = "accept"
    BOUNCE = "bounce"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Place:
    """This session's place: the origins it is served under, its path, the key of its pages."""

    origins: frozenset[str]
    prefix: str
    page_key: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of route is asked for: a page one can navigate to, a websocket, a static file."""

    page: bool = False
    websocket: bool = False
    static: bool = False


_ACCEPT = (Verdict.ACCEPT, None)
_CROSS_SITE = (Verdict.REFUSE, Reason.CROSS_SITE_REQUEST)
_CROSS_SESSION = (Verdict.REFUSE, Reason.CROSS_SESSION_REQUEST)


def judge(place: Place, kind: Kind, method: str, headers: Mapping[str, str]) -> tuple[Verdict, Reason | None]:
    """Accept, refuse, or (a navigation from another site) bounce, so that strict cookies come along."""
    origin = headers.get("Origin")
    if origin not in place.origins and (kind.websocket or origin is not None):
        return _CROSS_SITE
    if "Service-Worker" in headers:
        return Verdict.REFUSE, Reason.ROUTE_CLOSED
    if not from_browser(headers):
        return _ACCEPT
    site = headers.get("Sec-Fetch-Site", "same-origin")
    if kind.page:
        if method != "GET" or not is_navigation(headers):
            return _CROSS_SITE if site in {"cross-site", "same-site"} else _CROSS_SESSION
        return (Verdict.BOUNCE, None) if site == "cross-site" else _ACCEPT
    if kind.static:
        return _ACCEPT if site in {"same-origin", "none"} else _CROSS_SITE
    if site != "same-origin":
        return _CROSS_SITE
    return _ACCEPT if carries(headers, place.page_key) else _CROSS_SESSION


def from_browser(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent it: they all say so, and those of today say for which page.

    A browser of before 2023, or one that reached us without TLS under another name than localhost, sends no
    Fetch Metadata; its name is known then.
    """
    return "Sec-Fetch-Site" in headers or headers.get("User-Agent", "").startswith("Mozilla/")


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether the whole window goes there; a frame, a script's fetch or an image is none."""
    return (
        headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and headers.get("Sec-Fetch-Dest", "document") == "document"
    )
