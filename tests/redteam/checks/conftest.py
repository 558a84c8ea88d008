from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.check_tables import Source, Vault, small_source


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return small_source(
        tmp_path_factory.mktemp("data") / "small",
        {
            "person": (
                "person_id BIGINT, sex VARCHAR, one BIGINT",
                "SELECT n, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END, 1 FROM range(30000) AS r(n)",
            )
        },
    )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    folder = tmp_path / "vault"
    folder.mkdir()
    return Vault(folder)
