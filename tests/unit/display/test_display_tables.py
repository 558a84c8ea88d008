"""Tables are capped and say so; their colours and alignment stay, and nothing else of a style."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.document import profile
from egress_review.display.markup import clean_html
from egress_review.display.policy import DisplayPolicy
from egress_review.display.styles import safe_style
from egress_review.display.tables import cap_tables
from onggi.reasons import Reason
from tests.support.display import POLICY, execute, make_gate, show


def frame(rows: int, columns: int = 3) -> pd.DataFrame:
    return pd.DataFrame(np.arange(rows * columns).reshape(rows, columns))


def test_rows_beyond_the_cap_are_counted_and_said() -> None:
    gate = make_gate(DisplayPolicy(table_rows=100))
    execute(gate)
    bundle = {"text/html": frame(1500).to_html(), "text/plain": "the whole table as text"}
    outcome = show(gate, "display_data", {"data": bundle})
    data = outcome.answers[0].content["data"]
    assert data["text/html"].count("<tr") == 100
    assert data["text/html"].endswith("</tbody>\n</table></div>")
    assert "text/plain" not in data
    assert outcome.notices[0].reason is Reason.DISPLAY_TABLE_CUT
    assert outcome.notices[0].params == {"hidden": "1401", "limit": "100"}


def test_cells_are_capped_too() -> None:
    cleaned = clean_html(frame(50, 40).to_html(), DisplayPolicy(table_cells=500))
    assert cleaned.html.count("<td") + cleaned.html.count("<th") <= 500
    assert cleaned.hidden_rows == 51 - cleaned.html.count("<tr")


def test_tables_in_cells_and_many_tables_share_the_cap() -> None:
    inner = "<table>" + "<tr><td>x</td></tr>" * 50 + "</table>"
    outer = clean_html(
        f"<table><tr><td>{inner}</td></tr><tr><td>after</td></tr></table>", DisplayPolicy(table_cells=40)
    )
    assert "x" not in re.sub("<[^>]*>", "", outer.html)
    many = clean_html("<table><tr><td>x</td></tr></table>" * 50, DisplayPolicy(table_rows=10))
    assert (many.html.count("<tr"), many.hidden_rows) == (10, 40)


@given(st.lists(st.sampled_from("<tr> </tr> <td> </td> <th> <table> </table> x <b> </b> <tbody>".split())))
def test_any_markup_stays_within_the_caps(pieces: list[str]) -> None:
    policy = DisplayPolicy(table_rows=3, table_cells=5)
    html = clean_html("".join(pieces), policy).html
    capped = cap_tables(html, 3, 5)
    assert html.count("<td") + html.count("<th") <= 5 + html.count("<thead")
    assert capped.html == html


def test_a_table_of_pandas_keeps_every_number() -> None:
    html = frame(60, 10).to_html()
    assert re.sub("<[^>]*>", "", clean_html(html, POLICY).html) == re.sub("<[^>]*>", "", html)
    assert 'class="dataframe"' in clean_html(html, POLICY).html


def test_a_stylers_colours_stand_in_the_cells() -> None:
    styler = frame(3).style.map(lambda value: "color: red" if value > 4 else "background-color: #ffee00")
    html = clean_html(styler.bar(color="#d65f5f").to_html(), POLICY).html
    assert html.count("color:red") == 4
    assert html.count("background-color:#ffee00") == 5
    assert "linear-gradient(90deg" in html
    assert "<style" not in html
    assert "id=" not in html
    assert clean_html(html, POLICY).html == html
    assert "style" not in clean_html(styler.to_html(), profile("strict")).html


@pytest.mark.parametrize(
    "hostile",
    [
        "background:url(//evil)",
        "background: linear-gradient(90deg, url(//evil) 1%, red)",
        "background-image:url(//evil)",
        "background:image-set('//evil')",
        "color:expression(alert(1))",
        "position:fixed",
        "width:99999px",
        "color:var(--x)",
        "content:'x'",
        "font-family:evil",
        "background:re\\64",
        "behavior:url(x)",
        "display:none",
        "color:red!important",
        "color:attr(x)",
    ],
)
def test_no_style_fetches_moves_or_hides(hostile: str) -> None:
    assert safe_style(hostile) is None
    assert safe_style(f"{hostile};font-weight:bold") == "font-weight:bold"
    assert "style" not in clean_html(f'<p style="{hostile}">t</p>', POLICY).html


@given(st.text(alphabet="url(): ;#abcdef0123%,-/*\\'\"<>", max_size=60))
def test_any_style_is_dropped_or_harmless(value: str) -> None:
    kept = safe_style("color:" + value + ";background:" + value) or ""
    assert not re.search(r"url|/|\\|['\"<>]", kept)


def test_attributes_hold_no_text_of_the_kernels() -> None:
    source = '<table border="secret"><tr><td colspan="4242" align="secret" rowspan="2">1</td></tr></table>'
    html = clean_html(source + '<ol start="123456"><li dir="secret">', POLICY).html
    assert "secret" not in html
    assert "4242" not in html
    assert "123456" not in html
    assert 'rowspan="2"' in html
