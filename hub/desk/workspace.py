"""Opening and stopping a member's session through the hub."""

from __future__ import annotations

from urllib.parse import quote

from hub.actions.context import note
from hub.actions.sessions import may_stop, standing_in
from hub.desk.access import Parts
from onggi.decision import require


def open_session(parts: Parts, person: str, slug: str, language: str) -> str:
    """Start the person's session in a project; the address that waits for it and leads in.

    The hub asks the registry again, in the transaction that takes the lease: what is checked here is only the
    quick answer.

    Raises:
        Refused: with the reason that the registry or the hub has.
        Unavailable: if the hub does not answer.
    """
    context = parts.context
    with context.registry.reading() as store:
        require(standing_in(store, person, slug, context.clock.now()))
    parts.hub.start(person, slug, language)
    return waiting_page(parts.settings.origin("hub_public"), person, slug)


def stop_session(parts: Parts, actor: str, member: str, slug: str) -> None:
    """Stop a member's session in a project: one's own, or anyone's with `session:stop`.

    Raises:
        Refused: somebody else's session without that permission.
        Unavailable: if the hub does not answer.
    """
    context = parts.context
    with context.registry.reading() as store:
        require(may_stop(store, actor, member, context.clock.now()))
    if actor != member:
        note(context, actor, "session.stop", member, slug)
    parts.hub.stop(member, slug)


def waiting_page(hub_origin: str, person: str, slug: str) -> str:
    """The hub's page that shows a starting session's progress, and leads into one that runs."""
    return f"{hub_origin}/hub/spawn-pending/{quote(person, safe='')}/{quote(slug, safe='')}"
