"""`make docs`: writes the pages of `docs/` that are made from code; a test holds them to it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from egress_review import lifecycle_page
from egress_review.checks import reference as findings
from hub.reference import reference_pages
from scripts.reference import reasons, settings
from session.http import reference as routes

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pages() -> Mapping[str, str]:
    """Every page that is made, by its path below `docs/`."""
    return {
        **{f"reference/{name}": text for name, text in reference_pages().items()},
        "reference/findings.md": findings.page(),
        "reference/reasons.md": reasons.page(),
        "reference/routes.md": routes.render(),
        "reference/settings.md": settings.page(),
        lifecycle_page.PAGE.as_posix(): lifecycle_page.page(),
        lifecycle_page.PICTURE.as_posix(): lifecycle_page.picture(),
    }


def main() -> int:
    """Write what is not up to date, and name it."""
    for path, text in pages().items():
        file = DOCS / path
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
            print(f"docs/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
