from __future__ import annotations

from typing import Any


def test_signing_in_leads_to_my_projects(site: Any) -> None:
    page = site.browser("researcher1").get(site.url("desk", "/"))
    assert "Outcomes in non-alcoholic" in page.text
    assert "claims-study" not in page.text
