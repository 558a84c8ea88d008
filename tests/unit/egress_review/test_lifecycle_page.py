from __future__ import annotations

import pytest

from egress_review import lifecycle_page
from egress_review.lifecycle import TABLE


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (lifecycle_page.PAGE, lifecycle_page.page()),
        (lifecycle_page.PICTURE, lifecycle_page.picture()),
    ],
    ids=["page", "picture"],
)
def test_the_docs_say_what_the_table_says(path: object, text: str) -> None:
    found = (lifecycle_page.DOCS / str(path)).read_text("utf-8")
    assert found == text, "run: make docs"


def test_every_move_has_its_row_and_its_arrow() -> None:
    rows = [
        line for line in lifecycle_page.page().splitlines() if line.startswith("| `") and line.count("|") == 8
    ]
    assert len(rows) == len(TABLE)
    assert lifecycle_page.picture().count("marker-end") == len(TABLE)
