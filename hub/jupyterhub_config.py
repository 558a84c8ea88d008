"""JupyterHub's configuration, all from `HubSettings`; run by `jupyterhub -f`.

People get what sign-in and their own running servers need and nothing more: no tokens, no shares, no right
to start a server. The desk starts and stops servers, after the registry has said yes, and `pre_spawn_start`
asks it again.
"""

from __future__ import annotations

from typing import Any

from hub import hub_pages
from hub.identity import OnggiAuthenticator
from hub.settings import HubSettings
from web.tokens import token_of

c: Any = get_config()  # type: ignore[name-defined] # JupyterHub puts it here
settings = HubSettings()
desk, review = settings.origin("desk"), settings.origin("review")

c.JupyterHub.bind_url = settings.origin("hub_public")
c.JupyterHub.hub_bind_url = settings.origin("hub")
c.JupyterHub.db_url = f"sqlite:///{settings.state / 'hub' / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(settings.secrets / "jupyterhub-cookie-secret")
c.JupyterHub.cookie_max_age_days = 1
c.JupyterHub.oauth_token_expires_in = 8 * 3600
c.JupyterHub.default_url = desk

# The proxy is a process of its own, and sessions belong to the broker: a hub that restarts finds both again.
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = settings.origin("proxy_api")
c.ConfigurableHTTPProxy.auth_token = token_of(settings.secrets, "proxy")
c.JupyterHub.cleanup_proxy = False
# A proxy that was started anew knows no session; the hub notices only when it looks at the proxy's routes.
c.JupyterHub.last_activity_interval = 5
c.JupyterHub.cleanup_servers = False

c.JupyterHub.authenticator_class = OnggiAuthenticator
c.Authenticator.any_allow_config = True  # `check_allowed` asks the registry
c.Authenticator.allow_all = False
c.Authenticator.auth_refresh_age = 60
c.Authenticator.auth_refresh_strict = True
c.Authenticator.refresh_pre_spawn = True

c.JupyterHub.spawner_class = "spawner.jupyterhub_spawner.OnggiSpawner"
c.JupyterHub.allow_named_servers = True
c.Spawner.consecutive_failure_limit = 0  # refusals and failures never shut the hub down
c.Spawner.start_timeout = 60
c.Spawner.http_timeout = 60
c.Spawner.default_url = "/lab"
c.JupyterHub.tornado_settings = {
    "slow_spawn_timeout": 1,  # seconds; then the desk leads to the waiting page
    "cookie_options": {"samesite": "Lax"},
    "headers": {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "connect-src 'self'",
                f"form-action 'self' {desk} {review}",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    },
}

c.JupyterHub.services = [
    {
        "name": name,
        "api_token": token_of(settings.secrets, name),
        "oauth_client_id": f"service-{name}",
        "oauth_redirect_uri": f"{origin}/oauth_callback",
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [],
        "display": False,
    }
    for name, origin in (("desk", desk), ("review", review))
]
c.JupyterHub.load_roles = [
    {
        "name": "user",
        "description": "Signs in to the desk and to egress review, and uses one's own running sessions",
        "scopes": [
            "access:servers!user",
            "access:services!service=desk",
            "access:services!service=review",
            "read:servers!user",
            "read:users!user",
            "users:activity!user",
        ],
    },
    {
        "name": "desk",
        "description": "Starts and stops sessions, and compares what runs with the registry",
        "scopes": ["list:users", "read:users", "servers"],
        "services": ["desk"],
    },
]

c.JupyterHub.template_paths = [str(hub_pages.TEMPLATES)]
c.JupyterHub.template_vars = {
    "onggi": hub_pages.PageHelp(desk, "web.unsafe_no_sandbox" if settings.unsafe_no_sandbox else None)
}
