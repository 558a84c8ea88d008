"""The allow-list: every request that a session answers, by method, path and the handler that answers it.

Guarantees: a path that no rule names is refused whatever handlers are loaded, and a rule whose path is
answered by another handler than it names is refused too, so an extension that appears or an upgrade that
moves a route opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from onggi.reasons import Reason
from session.http.origin import Kind
from session.http.paths import canonical

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = r"[^/]+"
_CONTENTS = "jupyter_server.services.contents.handlers"
_KERNELS = "jupyter_server.services.kernels"
_LAB = "jupyterlab_server"

PAGE = Kind(page=True)
STATIC = Kind(static=True)
SOCKET = Kind(websocket=True)
API = Kind()


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of request that is answered.

    Attributes:
        methods: of HTTP.
        path: regular expression for what follows the session's prefix.
        handler: `module:class` that must be the one that answers.
        purpose: what it is for; stands in the reference.
    """

    methods: frozenset[str]
    path: str
    handler: str
    purpose: str
    kind: Kind = field(default=API)


def _rule(methods: str, path: str, handler: str, purpose: str, kind: Kind = API) -> Rule:
    return Rule(frozenset(methods.split()), path, handler, purpose, kind)


_RULES: tuple[Rule, ...] = (
    _rule("GET", r"", "jupyter_server.base.handlers:RedirectWithParams", "to the page", PAGE),
    _rule("GET", r"lab", f"{_LAB}.handlers:LabHandler", "the JupyterLab page", PAGE),
    _rule("GET", r"lab/tree/.+", f"{_LAB}.handlers:LabHandler", "the page with a file open", PAGE),
    _rule(
        "GET",
        r"lab/workspaces/[A-Za-z0-9_-]+(?:/tree/.+)?",
        f"{_LAB}.handlers:LabHandler",
        "a workspace",
        PAGE,
    ),
    _rule("GET", r"doc(?:/tree/.+)?", f"{_LAB}.handlers:LabHandler", "the page with one document", PAGE),
    _rule(
        "GET",
        r"oauth_callback",
        "jupyterhub.singleuser.extension:JupyterHubOAuthCallbackHandler",
        "sign-in",
        PAGE,
    ),
    _rule("GET", r"logout", "jupyterhub.singleuser.extension:JupyterHubLogoutHandler", "sign-out", PAGE),
    _rule(
        "GET", r"static/lab/.+", "jupyter_server.base.handlers:FileFindHandler", "JupyterLab's files", STATIC
    ),
    _rule("GET", r"static/favicons/.+", "jupyter_server.base.handlers:FileFindHandler", "icons", STATIC),
    _rule("GET", r"static/favicon\.ico", "jupyter_server.base.handlers:FileFindHandler", "icon", STATIC),
    _rule("GET", r"lab/api/themes/.+", f"{_LAB}.themes_handler:ThemesHandler", "themes", STATIC),
    _rule(
        "GET",
        r"lab/api/translations/?(?:[A-Za-z_-]*)",
        f"{_LAB}.translations_handler:TranslationsHandler",
        "words",
    ),
    _rule(
        "GET PUT",
        r"lab/api/settings/?(?:.*)",
        f"{_LAB}.settings_handler:SettingsHandler",
        "settings of the page",
    ),
    _rule(
        "GET PUT DELETE",
        r"lab/api/workspaces/?(?:.*)",
        f"{_LAB}.workspaces_handler:WorkspacesHandler",
        "page layout",
    ),
    _rule(
        "GET",
        r"onggi/lab/@onggi/lab/[0-9a-f]{16}/[a-z_]+\.(?:js|css)",
        "session.lab.files:LabFileHandler",
        "our extension of the page",
        STATIC,
    ),
    _rule("GET", r"onggi/status", "session.lab.handlers:StatusHandler", "budget and compute, for the page"),
    _rule("GET POST", r"onggi/requests", "session.lab.handlers:RequestsHandler", "submit for release"),
    _rule("GET", r"onggi/figures/[0-9a-f]{64}", "session.lab.handlers:FigureHandler", "a stored figure"),
    _rule("GET", r"api/resolvePath", "session.lab.handlers:NoPathsHandler", "always: it leads to no file"),
    _rule("GET", r"api", "jupyter_server.base.handlers:APIVersionHandler", "the hub asks whether it is up"),
    _rule("GET", r"api/status", "jupyter_server.services.api.handlers:APIStatusHandler", "counts of kernels"),
    _rule("GET", r"api/me", "jupyter_server.services.api.handlers:IdentityHandler", "who is signed in"),
    _rule(
        "GET POST PUT PATCH DELETE",
        r"api/contents/.+\.[iI][pP][yY][nN][bB]",
        "session.contents.opened:NotebookHandler",
        "notebooks of the project folder",
    ),
    _rule(
        "GET POST PUT PATCH DELETE",
        r"api/contents(?:/.*)?",
        f"{_CONTENTS}:ContentsHandler",
        "the project folder",
    ),
    _rule("GET POST", r"api/contents/.+/checkpoints", f"{_CONTENTS}:CheckpointsHandler", "checkpoints"),
    _rule(
        "POST DELETE",
        r"api/contents/.+/checkpoints/[\w-]+",
        f"{_CONTENTS}:ModifyCheckpointsHandler",
        "checkpoints",
    ),
    _rule("GET POST", r"api/kernels", f"{_KERNELS}.handlers:MainKernelHandler", "list and start kernels"),
    _rule("GET DELETE", rf"api/kernels/{_UUID}", f"{_KERNELS}.handlers:KernelHandler", "one kernel"),
    _rule(
        "POST",
        rf"api/kernels/{_UUID}/(?:interrupt|restart)",
        f"{_KERNELS}.handlers:KernelActionHandler",
        "one kernel",
    ),
    _rule(
        "GET",
        rf"api/kernels/{_UUID}/channels",
        f"{_KERNELS}.websocket:KernelWebsocketHandler",
        "gated channels",
        SOCKET,
    ),
    _rule(
        "GET",
        r"api/kernelspecs",
        "jupyter_server.services.kernelspecs.handlers:MainKernelSpecHandler",
        "the one kernel",
    ),
    _rule(
        "GET",
        r"api/kernelspecs/python3",
        "jupyter_server.services.kernelspecs.handlers:KernelSpecHandler",
        "the one kernel",
    ),
    _rule(
        "GET POST",
        r"api/sessions",
        "jupyter_server.services.sessions.handlers:SessionRootHandler",
        "notebooks open",
    ),
    _rule(
        "GET PATCH DELETE",
        rf"api/sessions/{_UUID}",
        "jupyter_server.services.sessions.handlers:SessionHandler",
        "a notebook open",
    ),
)


# What JupyterLab asks for by itself, again and again. Closed as all else, but not news for the audit log.
_ASKED_BY_THE_PAGE = re.compile(
    r"api/(?:config/.*|events/subscribe|nbconvert)|lsp/status|lab/api/(?:news|update)"
)


# Where Jupyter, its extensions and its proxies hand out files.
_DOWNLOADS = re.compile(
    r"(?:(?:files|nbconvert|view|directories|archives?|download|custom|edit|tree)(?:/.*)?|api/nbconvert(?:/.*)?)"
)


def closed_reason(prefix: str, path: str) -> Reason:
    """Why a path that no rule names is refused: whoever wants a file is told how files leave."""
    download = path.startswith(prefix) and _DOWNLOADS.fullmatch(path[len(prefix) :])
    return Reason.DOWNLOAD_REFUSED if download else Reason.ROUTE_CLOSED


def asked_by_the_page(prefix: str, path: str) -> bool:
    """Whether a closed path is one that the page asks for of its own accord."""
    return path.startswith(prefix) and _ASKED_BY_THE_PAGE.fullmatch(path[len(prefix) :]) is not None


class AllowList:
    """The rules, compiled."""

    def __init__(self, rules: Iterable[Rule] = _RULES) -> None:
        self.rules = tuple(rules)
        self._compiled = [(re.compile(rule.path), rule) for rule in self.rules]

    def matching(self, prefix: str, method: str, path: str) -> list[Rule]:
        """The rules that name this request; none if the path is not in its one spelling."""
        if not canonical(path) or not (path + "/").startswith(prefix):
            return []
        rest = path[len(prefix) :]
        return [rule for regex, rule in self._compiled if method in rule.methods and regex.fullmatch(rest)]
