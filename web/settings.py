"""What all trusted services are told alike; the base of the rooms' own settings."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from web.places import Places


def default_home() -> Path:
    """`ONGGI_HOME`, else `~/.local/share/onggi`: environments, and the demo's state."""
    return Path(os.environ.get("ONGGI_HOME", Path.home() / ".local" / "share" / "onggi")).resolve()


class ServiceSettings(Places, BaseSettings):
    """Read from `ONGGI_…` variables; secrets are files below `state`, never variables.

    Attributes:
        state: the state folder.
        base_port: the proxy's port; the others follow it.
        unsafe_no_sandbox: compute and session servers start without boxes, and every page says so.
    """

    model_config = SettingsConfigDict(env_prefix="ONGGI_", frozen=True, extra="ignore")

    state: Path = Field(default_factory=lambda: default_home() / "demo")
    base_port: int = Field(default=8000, ge=1024, le=65530)
    unsafe_no_sandbox: bool = False
