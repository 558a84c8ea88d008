"""What is known as a table of pandas is what the sanitiser would have made of it; else it is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egress_review.display.markup import _cleaner, clean_html
from egress_review.display.plain_tables import plain_table
from tests.support.display import POLICY

SHEET = """<style scoped>
    .dataframe tbody tr th:only-of-type {
        vertical-align: middle;
    }

    .dataframe thead th {
        text-align: right;
    }
</style>"""
PANDAS = f"""<div>
{SHEET}
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;">
      <th></th>
      <th>sex &amp; age</th>
    </tr>
  </thead>
  <tbody>
    <tr>
      <th rowspan="2" valign="top">0</th>
      <td>&lt;10</td>
    </tr>
    <tr>
      <td>43.5</td>
    </tr>
  </tbody>
</table>
<p>2 rows × 1 columns</p>
</div>"""
TABLE = "<table><tbody><tr><td>a</td></tr></tbody></table>"
_texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\t\x0c.&;\"'=-\0\r\xa0/"), max_size=5
)
_references = st.sampled_from(["", "&amp;", "&lt;x", "&gt;"])
_spaces = st.text("\n ", max_size=2)
_spans = st.sampled_from(["", ' rowspan="2"', ' colspan="99"', ' valign="top"', ' rowspan="3" valign="top"'])


@st.composite
def _tables(draw: Callable[..., Any]) -> str:
    def cell(name: str) -> str:
        text = draw(_texts).replace("<", "").replace(">", "")
        return f"<{name}{draw(_spans)}>{text}{draw(_references)}</{name}>{draw(_spaces)}"

    def rows(style: str = "") -> str:
        return "".join(
            f"<tr{style}>{''.join(map(cell, draw(st.lists(st.sampled_from(['td', 'th']), max_size=2))))}</tr>"
            for _ in range(draw(st.integers(0, 2)))
        )

    styled = ' style="text-align: right;"' if draw(st.booleans()) else ""
    head = f"<thead>{draw(_spaces)}{rows(styled)}</thead>" if draw(st.booleans()) else ""
    table = f'<table border="1">{head}{draw(_spaces)}<tbody>{draw(_spaces)}{rows()}</tbody></table>'
    framed: list[str] = [table, f"<div>\n{SHEET}\n{table}\n</div>", f"<div>\n\n{table}\n</div>"]
    return str(draw(st.sampled_from(framed)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(_tables())
def test_a_known_table_is_what_the_sanitiser_makes_of_it(source: str) -> None:
    known = plain_table(source)
    if known is not None:
        assert known == _cleaner(styled=True).clean(source) == _cleaner(styled=False).clean(source)


@pytest.mark.parametrize("source", [PANDAS, TABLE])
def test_what_pandas_writes_is_known_and_known_again(source: str) -> None:
    known = plain_table(source)
    assert known == _cleaner(styled=True).clean(source)
    assert plain_table(str(known)) == known


@pytest.mark.parametrize(
    "change",
    [
        ("<td>a", "<td><b>a"),
        ("<td>a", "<td onclick=x>a"),
        ("<td>a", '<td colspan="0">a'),
        ("<td>a", "<td>&#97;"),
        ("<td>a", "<td>&nbsp;"),
        ("<td>a", "<td>\xa0"),
        ("<td>a", "<td>\r"),
        ("<td>a", "<td>\0"),
        ("<td>a", "<td>a & b"),
        ("<td>a</td>", "<td>a</th>"),
        ("<td>a</td>", "<td>a</td>b"),
        ("</tr>", ""),
        ("</tr>", "</tr>\u2003"),
        ("<tr>", "<tr><td>"),
        ("<tr>", "<tr></tr><tr>b"),
        ("<tbody>", ""),
        ("<tbody>", "<thead></tbody>"),
        ("<tbody>", "<thead></thead><thead></thead><tbody>"),
        ("<tbody>", "<tbody><tr></tr></tbody></table><p></p><table><tbody>"),
        ("<table>", "<div>\n\n<table>"),
        ("<table>", '<table id="a">'),
        ("</table>", "</table></div>"),
        ("</table>", "</table>\n"),
        ("</table>", "</table><script>1</script>"),
    ],
)
def test_whatever_differs_is_not_known(change: tuple[str, str]) -> None:
    assert plain_table(TABLE) is not None
    assert plain_table(TABLE.replace(*change)) is None


def test_a_sheet_with_anything_but_text_is_not_known() -> None:
    assert plain_table(PANDAS.replace("</style>", "<!--</style>")) is None


def test_rows_of_a_known_table_are_capped_and_runs_in_it_cut() -> None:
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(POLICY.table_rows + 7))
    assert clean_html(TABLE.replace("<tr><td>a</td></tr>", rows), POLICY).hidden_rows == 7
    cells = "".join(f"<td>aB3xY{number}</td>" for number in range(100, 600))
    assert clean_html(TABLE.replace("<td>a</td>", cells), POLICY).encoded
