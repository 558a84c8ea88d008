"""Signing in through the hub: OAuth 2 authorization code with PKCE, JupyterHub as the provider.

What the cookie holds afterwards is the person's name and the moment of signing in, signed, nothing
else: no Hub token ever reaches a browser through us. What the person may do is asked anew at each
request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx2 as httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from onggi.errors import Refused, Unavailable
from onggi.ids import person_name
from onggi.reasons import Reason
from web.forms import checked_form
from web.language import local_path
from web.places import Places
from web.tokens import token_of


@dataclass(frozen=True, slots=True)
class HubSignIn:
    """Where the hub is and who we are to it.

    Attributes:
        client_id: e.g. `service-desk`.
        client_secret: the service's API token.
        hub_public: origin that browsers use, e.g. `http://127.0.0.1:8000`.
        hub_api: base of the hub API as we reach it, e.g. `http://127.0.0.1:8004/hub/api`.
        callback: our own `…/oauth_callback`.
        then_sign_out: where a browser that signs out goes on to once we have forgotten it.
    """

    client_id: str
    client_secret: str
    hub_public: str
    hub_api: str
    callback: str
    then_sign_out: str


def sign_in_of(places: Places, service: str) -> HubSignIn:
    """How the service `desk` or `review` signs people in; `jupyterhub_config` knows it by the same id."""
    return HubSignIn(
        client_id=f"service-{service}",
        client_secret=token_of(places.secrets, service),
        hub_public=places.origin("hub_public"),
        hub_api=places.hub_api,
        callback=f"{places.origin(service)}/oauth_callback",
        then_sign_out=signed_out_address(places, "review" if service == "desk" else "hub_public"),
    )


def signed_out_address(places: Places, place: str) -> str:
    """A stop of a browser that signs out: the hub's `/logout`, then desk, review, and the page that says so.

    Each place has a cookie of its own, so each has to forget it: whoever signs out in one has signed out
    everywhere.
    """
    path = "/hub/signed-out" if place == "hub_public" else "/signed-out"
    return places.origin(place) + path


class SignInNeeded(Refused):
    """Nobody is signed in; a page answers by leading to sign-in."""

    def __init__(self) -> None:
        super().__init__(Reason.SIGN_IN_REQUIRED)


def current_person(request: Request) -> str | None:
    """The signed-in person's name, or None."""
    name = request.session.get("person") if "session" in request.scope else None
    return name if isinstance(name, str) else None


def require_person(request: Request) -> str:
    """The signed-in person's name.

    Raises:
        SignInNeeded: if nobody is signed in.
    """
    name = current_person(request)
    if name is None:
        raise SignInNeeded
    return name


def to_sign_in(request: Request) -> Response:
    """Lead a browser to sign-in and back to the page it asked for."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    request.session["next"] = target if request.method == "GET" else "/"
    return RedirectResponse("/sign-in", 303)


def sign_in_routes(settings: HubSignIn) -> Sequence[BaseRoute]:
    """`/sign-in`, `/oauth_callback`, `/sign-out`, and `/signed-out`, where the hub leads who signs out."""
    hub = OAuth().register(
        "hub",
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        authorize_url=f"{settings.hub_public}/hub/api/oauth2/authorize",
        access_token_url=f"{settings.hub_api}/oauth2/token",
        client_kwargs={
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_post",
            "trust_env": False,
        },
    )

    async def sign_in(request: Request) -> Response:
        answer: Response = await hub.authorize_redirect(request, settings.callback)
        return answer

    async def callback(request: Request) -> Response:
        try:
            token = await hub.authorize_access_token(request)
        except AuthlibBaseError:
            return RedirectResponse("/sign-in", 303)
        except httpx.HTTPError:
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service="hub") from None
        name = await _who(settings, str(token["access_token"]))
        target = local_path(request.session.get("next"))
        request.session.clear()
        request.session["person"] = name
        return RedirectResponse(target, 303)

    async def sign_out(request: Request) -> Response:
        await checked_form(request)
        request.session.clear()
        return RedirectResponse(f"{settings.hub_public}/hub/logout", 303)

    async def signed_out(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse(settings.then_sign_out, 303)

    return (
        Route("/sign-in", sign_in),
        Route("/oauth_callback", callback),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/signed-out", signed_out),
    )


async def _who(settings: HubSignIn, token: str) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        try:
            answer = await client.get(
                f"{settings.hub_api}/user", headers={"Authorization": f"Bearer {token}"}
            )
            answer.raise_for_status()
            name = answer.json()["name"]
        except (httpx.HTTPError, ValueError, KeyError):
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service="hub") from None
    return person_name(str(name))
