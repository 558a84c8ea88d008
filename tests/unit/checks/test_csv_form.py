import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.checks.refusal import CheckStopped
from egress_review.checks.tables.csv_form import read_csv, unquote
from onggi.table_form import csv_bytes

VALUE = st.none() | st.text(alphabet=st.characters(codec="utf-8"), max_size=12) | st.integers()


def cause(text: str) -> str:
    with pytest.raises(CheckStopped) as stopped:
        read_csv(text, 100)
    return stopped.value.finding.params.get("cause", stopped.value.finding.code.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\ufeffa,b\n1,2\n", "bom"),
        ("a;b\n1;2\n", "delimiter"),
        ("a\tb\n1\t2\n", "delimiter"),
        ("a,b\r\n1,2\r\n", "line_end"),
        ("a,b\n1,2", "last_line"),
        ("a,b\n1,2,3\n", "fields"),
        ("a,b\n1\n", "fields"),
        ("a,b\n\n", "fields"),
        ("a,b\n1,2,\n", "fields"),
        ("a,a\n1,2\n", "header"),
        ("a,\n1,2\n", "header"),
        ('a,b\n1,x"y\n', "quote"),
        ('a,b\n1,"x"y\n', "quote"),
        ('a,b\n1,"x\n', "quote"),
        ('a,b\n1,"x"\r\n', "line_end"),
        ("a,b\n1,1,5\n", "fields"),
        (",".join(f"c{number}" for number in range(500)) + "\n", "fields"),
        ("a\n" + "1\n" * 101, "too_many_cells"),
        ("", "last_line"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(text: str, why: str) -> None:
    assert cause(text) == why


def test_quotes_are_kept_so_that_empty_text_is_not_a_missing_value() -> None:
    table = read_csv('a,b\n"",\n"x,""y""\nz",1\n', 10)
    assert table.rows == (('""', ""), ('"x,""y""\nz"', "1"))
    assert unquote(table.rows[1][0]) == 'x,"y"\nz'
    assert table.canonical


def test_a_quote_that_nobody_needs_is_noticed() -> None:
    assert not read_csv('a,b\n"x",1\n', 10).canonical


@given(
    st.lists(st.tuples(VALUE, VALUE), max_size=6).filter(
        lambda rows: all(len({type(row[at]) for row in rows} - {type(None)}) <= 1 for at in (0, 1))
    )
)
def test_what_the_notebook_writes_is_read_as_written(rows: list[tuple[object, object]]) -> None:
    table = read_csv(csv_bytes(["a", "b"], rows).decode(), 100)
    assert table.canonical
    assert len(table.rows) == len(rows)
    texts = sorted(value for row in rows for value in row if isinstance(value, str))
    assert sorted(unquote(raw) for row in table.rows for raw in row if raw.startswith('"')) == [
        text for text in texts if not text or any(sign in text for sign in ',"\r\n')
    ]


@given(st.text(alphabet='ab1,"\n\r;\t ', max_size=40))
def test_any_text_is_read_or_stopped(text: str) -> None:
    try:
        table = read_csv(text, 100)
    except CheckStopped:
        return
    rebuilt = "".join(",".join(row) + "\n" for row in table.rows)
    assert text.endswith(rebuilt)
