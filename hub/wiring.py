"""Settings to working parts: what desk, hub and command line have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.actions.context import Context
from hub.registry.migrate import open_registry
from hub.settings import HubSettings
from onggi.clock import SystemClock
from web.clients import AuditClient
from web.tokens import token_of


def context_of(settings: HubSettings, source: str) -> Context:
    """The frame in which `source` (`desk` or `hub`) acts.

    Raises:
        Unavailable: if the registry cannot be opened.
    """
    audit = AuditClient(settings.origin("review"), token_of(settings.secrets, source))
    return Context(open_registry(settings.database), audit, SystemClock(), source)


@contextmanager
def opened_context(settings: HubSettings, source: str) -> Iterator[Context]:
    """`context_of`, closed at the end of the block.

    Raises:
        Unavailable: if the registry cannot be opened.
    """
    registry = open_registry(settings.database)
    audit = AuditClient(settings.origin("review"), token_of(settings.secrets, source))
    try:
        yield Context(registry, audit, SystemClock(), source)
    finally:
        audit.close()
        registry.close()
