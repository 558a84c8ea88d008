"""How Jupyter is set up for a session: one frozen configuration from code, nothing from any folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets.config import Config

from onggi.words import spoken
from session.http.headers import SECURITY_HEADERS
from session.settings import Settings

_MIB = 1024 * 1024
_DEFAULTS = Path(__file__).parent / "lab" / "defaults"  # settings by language, in JupyterLab's form
# What downloads, exports or shares, what leads out of the session, what our extension does itself, and what
# the page would only fail at because its routes are closed.
DISABLED_PLUGINS = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/apputils-extension:licenses-client",
    "@jupyterlab/apputils-extension:licenses-plugin",
    "@jupyterlab/apputils-extension:print",
    "@jupyterlab/csvviewer-extension",
    "@jupyterlab/debugger-extension",
    "@jupyterlab/docmanager-extension:download",
    "@jupyterlab/docmanager-extension:open-browser-tab",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/filebrowser-extension:download",
    "@jupyterlab/filebrowser-extension:open-browser-tab",
    "@jupyterlab/filebrowser-extension:open-url",
    "@jupyterlab/filebrowser-extension:share-file",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/help-extension:jupyter-forum",
    "@jupyterlab/help-extension:licenses-commands",
    "@jupyterlab/help-extension:resources",
    "@jupyterlab/htmlviewer-extension",
    "@jupyterlab/imageviewer-extension",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:export",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/notebook-extension:update-raw-mimetype",
    "@jupyterlab/pdf-extension",
    "@jupyterlab/pluginmanager-extension",
    "@jupyterlab/services-extension:event-manager",
    "@jupyterlab/services-extension:server-settings",
    "@jupyterlab/terminal-extension",
    "@jupyterlab/vega5-extension",
)


def configuration(settings: Settings) -> Config:
    """The configuration of server, JupyterLab and sign-in."""
    state = settings.state_dir
    config = Config()
    config.ServerApp = Config(
        {
            "allow_external_kernels": False,
            "allow_unauthenticated_access": False,
            "contents_manager_class": "session.contents.manager.OnggiContents",
            "kernel_manager_class": "session.kernels.manager.OnggiKernels",
            "kernel_spec_manager_class": "session.kernels.specs.OnggiKernelSpecs",
            "kernel_websocket_connection_class": "session.kernels.channels.GatedConnection",
            "max_body_size": 32 * _MIB,
            "max_buffer_size": 32 * _MIB,
            "open_browser": False,
            "root_dir": str(state / "home"),
            "terminals_enabled": False,
            "use_redirect_file": False,
            "tornado_settings": _tornado_settings(),
        }
    )
    config.OnggiKernels = Config(
        {
            "kernel_manager_class": "session.kernels.manager.OnggiKernelManager",
            "default_kernel_name": "python3",
            "root_dir": str(state / "home"),
        }
    )
    config.HubOAuth = Config({"cache_max_age": 15, "cookie_options": {"samesite": "Strict"}})
    config.LabApp = Config(
        {
            "app_settings_dir": str(_DEFAULTS / spoken(settings.plan.language)),
            "cache_files": True,
            "core_mode": True,
            "extension_manager": "readonly",
            "news_url": None,
            "user_settings_dir": str(state / "settings"),
            "workspaces_dir": str(state / "workspaces"),
        }
    )
    config.LabServerApp = Config({"blocked_extensions_uris": "", "allowed_extensions_uris": ""})
    return config


def _tornado_settings() -> dict[str, Any]:
    return {
        "headers": dict(SECURITY_HEADERS),
        "page_config_data": {
            "terminalsAvailable": False,
        },
        "terminals_available": False,
        "websocket_max_message_size": 4 * _MIB,
    }
