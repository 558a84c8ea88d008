"""The routes of the pages. Who may see each is asked in its view; nobody sees anything without signing in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from egress_review.actions.proposing import Proposals
from egress_review.pages.auditing import AuditDesk, Auditing
from egress_review.pages.delivering import Delivering
from egress_review.pages.pictures import Pictures
from egress_review.pages.proposing import Proposing
from egress_review.pages.reviewing import Reviewing
from egress_review.pages.showing import Showing
from egress_review.room import Room


def page_routes(
    room: Room, audit: AuditDesk, pictures: Pictures, proposals: Proposals
) -> Sequence[BaseRoute]:
    """All pages."""
    showing = Showing(room, pictures)
    proposing = Proposing(room, proposals)
    reviewing = Reviewing(room)
    delivering = Delivering(room, audit.notary.public_key)
    auditing = Auditing(room, audit)
    return (
        Route("/", delivering.start),
        Route("/requests", reviewing.queue),
        Route("/requests/{id}", reviewing.show),
        Route("/requests/{id}/outputs/{number:int}/evidence.json", showing.evidence, methods=["GET"]),
        Route("/requests/{id}/outputs/{number:int}/picture", showing.picture, methods=["GET"]),
        Route("/requests/{id}/outputs/{number:int}/proposals", proposing.choose, methods=["GET"]),
        Route("/requests/{id}/outputs/{number:int}/proposals", proposing.ask, methods=["POST"]),
        Route("/requests/{id}/outputs/{number:int}/proposals/{way}/{base}", proposing.show, methods=["GET"]),
        Route("/requests/{id}/votes", reviewing.vote, methods=["POST"]),
        Route("/mine", delivering.mine),
        Route("/mine/{id}", delivering.my_request),
        Route("/mine/{id}/withdraw", delivering.withdraw, methods=["POST"]),
        Route("/releases", delivering.releases),
        Route("/releases/{id}", delivering.release),
        Route("/releases/{id}/files/{number:int}", delivering.file, methods=["GET"]),
        Route("/releases/{id}/certificate", delivering.certificate, methods=["GET"]),
        Route("/key", delivering.public_key),
        Route("/audit", auditing.show),
        Route("/audit/export", auditing.export),
    )
