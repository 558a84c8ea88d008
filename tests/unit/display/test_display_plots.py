"""Vega-Lite: data and marks pass; whatever loads, binds or runs is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.document import profile
from egress_review.display.plots import SCHEMA, clean_vega_lite, safe_expression
from egress_review.display.policy import DisplayPolicy
from onggi.reasons import Reason
from tests.support.display import execute, make_gate, show

KIND = "application/vnd.vegalite.v5+json"
WIDE = profile("open-data")
PLOT: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json",
    "data": {"name": "d"},
    "datasets": {"d": [{"age": 40, "n": 12.5, "sex": "F"}, {"age": 50, "n": None, "sex": "M"}]},
    "mark": {"type": "bar", "tooltip": True},
    "encoding": {"x": {"field": "age", "type": "quantitative", "axis": {"title": "age (years)"}}},
    "transform": [{"calculate": "datum.age * 2 + log(datum['n'])", "as": "b"}, {"filter": "datum.age >= 40"}],
    "params": [{"name": "brush", "select": {"type": "interval"}}],
    "config": {"view": {"continuousWidth": 300}},
}


def test_a_plot_is_rebuilt_and_charged() -> None:
    gate = make_gate(WIDE)
    execute(gate)
    before = gate.meter.used  # type: ignore[attr-defined]
    answer = show(gate, "display_data", {"data": {KIND: PLOT, "text/plain": "alt.Chart"}}).answers[0]
    shown = answer.content["data"][KIND]
    assert shown == PLOT | {"$schema": SCHEMA}
    assert answer.content["metadata"] == {KIND: {"embed_options": {"actions": False}}}
    assert gate.meter.used - before >= len(json.dumps(shown, separators=(",", ":")))  # type: ignore[attr-defined]


def test_without_leave_of_the_policy_its_text_is_shown() -> None:
    gate = make_gate()
    execute(gate)
    answer = show(gate, "display_data", {"data": {KIND: PLOT, "text/plain": "alt.Chart"}}).answers[0]
    assert answer.content["data"] == {"text/plain": "alt.Chart"}


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"url": "/user/a/b/api/contents/x.csv"}},
        {"data": {"values": "a,b\n1,2"}},
        {"data": {"values": [{"a": {"image": "//evil"}}]}, "mark": {"type": "image"}},
        {"mark": "image"},
        {"encoding": {"href": {"field": "a"}}},
        {"encoding": {"url": {"field": "a"}}},
        {"params": [{"name": "a", "bind": {"element": "#x"}}]},
        {"params": [{"name": "a", "select": {"type": "point", "on": "click[event.alert(1)]"}}]},
        {"config": {"signals": [{"name": "a", "update": "1"}]}},
        {"transform": [{"calculate": "datum.constructor.constructor('alert(1)')()", "as": "b"}]},
        {"transform": [{"filter": {"and": ["warn(datum)"]}}]},
        {"encoding": {"x": {"axis": {"labelExpr": "datum['__proto__']"}}}},
        {"background": "url(//evil)"},
        {"title": "see https://evil/"},
        {"__proto__": {"a": 1}},
        {"a": 10**400},
        {"transform": [{"calculate": "datum.age", "as": "image"}]},
        {"transform": [{"pivot": "sex", "value": "n"}]},
        {"transform": [{"lookup": "a", "from": {"key": "a", "fields": ["image"]}}]},
        {"encoding": {"tooltip": {"field": "sex", "title": "image"}}},
        {"encoding": {"tooltip": {"field": "sex", "title": ["image"]}}},
        {"encoding": {"tooltip": {"field": "['image']"}}},
        {"encoding": {"tooltip": {"field": "sex", "title": "\\x69mage"}}},
        {"encoding": {"tooltip": {"field": "sex", "title": 'a": warn(1), "b'}}},
        {"encoding": {"x": {"field": 'a": warn(1), "b'}}},
        {"encoding": {"x": {"field": "d", "type": "temporal", "format": "%Y'), warn('"}}},
        {"encoding": {"x": {"field": "d", "type": "temporal", "timeUnit": "year), warn(1"}}},
        {"width": {"step": "1) + warn(1"}},
        {"transform": [{"filter": {"field": "a", "equal": {"year": "2020), warn(1"}}}]},
        {"encoding": {"x": {"field": "a", "bandPosition": "0.5) + warn(1"}}},
        {"params": [{"name": "a) + warn(1", "value": 1}]},
        {"config": {"a': warn(1), 'b": 1}},
    ],
)
def test_what_loads_binds_or_runs_is_refused(change: dict[str, Any]) -> None:
    gate = make_gate(WIDE)
    execute(gate)
    outcome = show(gate, "display_data", {"data": {KIND: PLOT | change, "text/plain": "p"}})
    assert outcome.answers[0].content["data"] == {"text/plain": "p"}
    assert outcome.notices[0].reason is Reason.DISPLAY_PLOT_REFUSED
    assert "evil" not in outcome.notices[0].params["part"]


def test_options_of_the_embedder_and_images_in_rows_are_left_out() -> None:
    cleaned = clean_vega_lite(
        PLOT
        | {"usermeta": {"embedOptions": {"loader": {}}}, "datasets": {"d": [{"a": 1, "image": "x", "b": {}}]}}
    )
    assert "usermeta" not in cleaned
    assert cleaned["datasets"] == {"d": [{"a": 1}]}


def test_the_words_of_a_person_and_colours_pass() -> None:
    words = {
        "title": {"text": "환자 수 (명)", "subtitle": "Patients' age [years]"},
        "encoding": {
            "x": {"field": "age (years)", "sort": ["under 40 (young)"], "axis": {"format": ",.2f"}},
            "y": {"field": "a\\.b", "timeUnit": "yearmonth", "axis": {"format": "%Y-%m-%d"}},
            "color": {"field": "sex", "scale": {"range": ["rgb(1, 2, 3)", "#aabbcc", "steelblue"]}},
        },
        "width": {"step": 20},
        "transform": [{"filter": {"field": "sex", "oneOf": ["F (여)"]}}],
    }
    assert clean_vega_lite(PLOT | words) == PLOT | words | {"$schema": SCHEMA}


def test_a_large_plot_is_refused_with_its_limit() -> None:
    policy = DisplayPolicy(plot_formats=frozenset({"vega-lite"}), plot_bytes=2000)
    gate = make_gate(policy)
    execute(gate)
    rows = {"values": [{"a": number} for number in range(1000)]}
    outcome = show(gate, "display_data", {"data": {KIND: PLOT | {"data": rows}}})
    assert (outcome.answers, outcome.notices[0].reason) == ([], Reason.DISPLAY_PLOT_TOO_LARGE)


@pytest.mark.parametrize(
    "good",
    [
        "datum.a > 3 && datum['b c'] == 'x'",
        "if(isValid(datum.a), round(datum.a * 100) / 100, null)",
        "-1.5e3",
        "",
    ],
)
def test_simple_expressions_pass(good: str) -> None:
    assert safe_expression(good)


@pytest.mark.parametrize(
    "bad",
    [
        "datum.a.b",
        "datum['a']['constructor']",
        "datum.toString",
        "'x'.constructor",
        "'x'['constructor']",
        "(datum.a)('x')",
        "(datum).x",
        "event.x",
        "window",
        "datum",
        "data('x')",
        "[1,2]",
        "{a:1}",
        "datum['\\x63onstructor']",
        "abs.constructor",
        "abs",
        "a => 1",
        "datum.a = 1",
        "`x`",
        "datum.a /*",
    ],
)
def test_no_expression_reaches_a_member_or_a_name(bad: str) -> None:
    assert not safe_expression(bad)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "values", "url", "mark", "datasets", "expr"]) | st.text(max_size=5),
            inner,
        )
    ),
    max_leaves=25,
)


@given(anything)
def test_any_json_is_rebuilt_or_refused(spec: Any) -> None:
    try:
        cleaned = clean_vega_lite(spec)
    except ValueError:
        return
    json.dumps(cleaned, allow_nan=False)
    assert '"url"' not in json.dumps(described(cleaned))
    assert clean_vega_lite(cleaned) == cleaned


def described(value: Any) -> Any:
    """A plot without its rows: there, and as the name of a data set, `url` is a word like others."""
    if isinstance(value, list):
        return [described(item) for item in value]
    if not isinstance(value, dict):
        return value
    rows: dict[str, type] = {"values": list, "datasets": dict}
    return {k: described(v) for k, v in value.items() if k not in rows or not isinstance(v, rows[k])}


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"layer": [deep]}
    with pytest.raises(ValueError, match="depth"):
        clean_vega_lite(deep)
