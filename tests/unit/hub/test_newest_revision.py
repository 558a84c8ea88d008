"""What the code takes for the newest revision, without Alembic, is what Alembic takes for it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import egress_review.store.migrate
import hub.registry.migrate


@pytest.mark.parametrize("room", [egress_review.store.migrate, hub.registry.migrate])
def test_the_last_file_is_the_head(room: ModuleType) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(str(room.__file__)).parent / "migrations"))
    assert room.newest_revision() == ScriptDirectory.from_config(config).get_current_head()
