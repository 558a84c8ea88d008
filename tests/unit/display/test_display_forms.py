"""Forms of output that the display gate shows, and what it leaves of the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onggi.reasons import Reason
from tests.support.display import execute, make_gate, png, show


@pytest.mark.parametrize(
    "kind",
    [
        "application/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.bokehjs_exec.v0+json",
        "application/vnd.plotly.v1+json",
        "application/json",
        "image/svg+xml",
        "text/markdown",
        "application/pdf",
    ],
)
def test_other_forms_leave_their_plain_text(kind: str) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, "display_data", {"data": {kind: "x" * 100, "text/plain": "plain"}})
    assert outcome.answers[0].content["data"] == {"text/plain": "plain"}
    alone = show(gate, "display_data", {"data": {kind: "x" * 100}})
    assert alone.answers == []
    assert alone.notices[0].reason is Reason.DISPLAY_TYPE_HIDDEN


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>fetch('//evil')</script>",
        "<img src=//evil/x onerror=alert(1)>",
        "<a href='https://evil/?d=1'>x</a>",
        "<meta http-equiv=refresh content='0;url=//evil'>",
        "<iframe src=//evil></iframe>",
        "<form action=//evil><input name=a></form>",
        "<link rel=stylesheet href=//evil>",
        "<style>*{background:url(//evil)}</style>",
        "<b style='background:url(//evil)' onclick=x id=y>t</b>",
        "<svg><script>1</script><a xlink:href=//evil></a></svg>",
        "<object data=//evil></object><embed src=//evil>",
        "<base href=//evil><video src=//evil></video>",
        "<table background=//evil><tr><td>1</table>",
    ],
)
def test_html_keeps_no_address_and_no_script(hostile: str) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, "display_data", {"data": {"text/html": f"<p>kept</p>{hostile}"}})
    html = outcome.answers[0].content["data"]["text/html"]
    assert "kept" in html
    assert "evil" not in html
    assert "script" not in html
    assert "onclick" not in html
    assert "style" not in html


def test_cleaning_twice_changes_nothing() -> None:
    gate = make_gate()
    execute(gate)
    html = "<table class='dataframe other'><tr><td>1"
    for _ in range(2):
        html = (
            show(gate, "display_data", {"data": {"text/html": html}}).answers[0].content["data"]["text/html"]
        )
    assert html.count("mathjax_ignore") == 1
    assert html.count("<div") == 1
    assert 'class="dataframe"' in html


@pytest.mark.parametrize(
    "source",
    [
        r"\href{http://evil}{x}",
        r"\def\x{1}",
        r"\csname href\endcsname",
        r"\htmlData{a}{b}",
        r'\mmlToken{mtext}[href="http://evil" style="padding:99em"]{x}',
        r"\DeclarePairedDelimiterX\x[1]{(}{)}{\x{#1}\x{#1}}",
        r"\ref{x}\label{x}",
        r"\begin{unknown}\end{unknown}",
        r"\begin {unknown}",
        r"\begin\x",
        r"\é{x}",
        r"\tag{x}",
    ],
)
def test_latex_that_makes_links_or_commands_is_not_shown(source: str) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(
        gate,
        "execute_result",
        {"data": {"text/latex": f"${source}$", "text/plain": "p"}, "execution_count": 1},
    )
    assert outcome.answers[0].content["data"] == {"text/plain": "p"}


@pytest.mark.parametrize(
    "source",
    [
        r"\displaystyle \int\limits_{0}^{\infty} \frac{e^{- x^{2}}}{\sqrt{\pi}}\, dx",
        r"\left[\begin{matrix}1 & 0\\0 & 1\end{matrix}\right]",
        r"\begin{cases} x & \text{for}\: x > 1 \\ 0 & \text{otherwise} \end{cases}",
        r"\hat{\beta} = \left(X^{\mathsf{T}} X\right)^{-1} X^{\mathsf{T}} y, \sum_{i=1}^{n} \varepsilon_i^2",
        r"\Pr\left(\bigl|\bar{X} - \mu\bigr| \geq \epsilon\right) \leq 5\%",
        "a \\\\\n\\hline b",
    ],
)
def test_ordinary_formulas_are_shown(source: str) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, "display_data", {"data": {"text/latex": f"$${source}$$"}})
    assert outcome.answers[0].content["data"] == {"text/latex": f"$${source}$$"}


@pytest.mark.parametrize(
    ("plain", "told"),
    [("<IPython.core.display.SVG object>", True), ("<a.B object at 0x7f00>", True), ("Circle(r=1)", False)],
)
def test_a_form_whose_text_says_nothing_is_named(plain: str, told: bool) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, "display_data", {"data": {"image/svg+xml": "<svg/>", "text/plain": plain}})
    assert outcome.answers[0].content["data"] == {"text/plain": plain}
    assert [notice.reason for notice in outcome.notices] == [Reason.DISPLAY_TYPE_HIDDEN] * told
    assert show(gate, "display_data", {"data": {"text/plain": plain}}, parent="other").notices == []


def test_metadata_ids_and_transient_are_ours() -> None:
    gate = make_gate()
    execute(gate)
    content = {
        "data": {"image/png": png(), "text/plain": "x"},
        "metadata": {"image/png": {"width": 10, "secret": "s"}, "more": "secret"},
        "transient": {"display_id": "secret" * 9, "other": "secret"},
    }
    answer = show(gate, "display_data", content).answers[0]
    assert "secret" not in json.dumps(answer.content)
    assert answer.content["transient"] == {"display_id": "d0"}
    assert answer.content["metadata"] == {"image/png": {"width": 10}}


@pytest.mark.parametrize("hostile", [[], {}, [["stdout"]], None, 1, True])
@pytest.mark.parametrize(
    ("kind", "field"), [("stream", "name"), ("status", "execution_state"), ("clear_output", "wait")]
)
def test_what_is_no_word_where_a_word_belongs_is_no_error(kind: str, field: str, hostile: Any) -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, kind, {"text": "x", field: hostile})
    assert "stdout" not in json.dumps([answer.content for answer in outcome.answers])


@pytest.mark.parametrize("hostile", [[], {}, None, 1])
def test_a_reply_whose_status_is_no_word_is_no_error(hostile: Any) -> None:
    gate = make_gate()
    execute(gate)
    reply = show(gate, "execute_reply", {"status": hostile}, channel="shell")
    assert reply.answers[0].content["status"] == "error"
    gate.forward("shell", {"msg_id": "c", "msg_type": "is_complete_request"}, {"code": "1"})
    assert show(gate, "is_complete_reply", {"status": hostile}, "c", "shell").answers == []
