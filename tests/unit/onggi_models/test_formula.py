"""A formula says names, levels and interactions; everything else is refused."""

from __future__ import annotations

import pytest

from onggi.errors import Invalid
from onggi.models.formula import Factor, read_formula
from onggi.models.spec import ModelKind, ModelSpec, spec_from_json

AGE, SEX, SITE = Factor("age"), Factor("sex", categorical=True), Factor("site", categorical=True)


def test_terms_stand_in_the_order_they_are_written() -> None:
    formula = read_formula("y ~ age + C(sex) + age:C(sex)")
    assert formula.response == "y"
    assert formula.terms == ((AGE,), (SEX,), (AGE, SEX))
    assert formula.columns == ("y", "age", "sex")


def test_a_product_stands_for_its_parts_and_their_interaction() -> None:
    assert read_formula("y ~ age*C(sex)").terms == read_formula("y ~ age + C(sex) + age:C(sex)").terms
    assert len(read_formula("y ~ age * C(sex) * C(site)").terms) == 7


def test_an_intercept_alone_and_a_survival_formula_without_response() -> None:
    assert read_formula("y ~ 1").terms == ()
    assert read_formula("~ age + C(site)").response == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "y",
        "y ~ np.log(x)",
        "y ~ __import__('os').system('id')",
        "y ~ I(x**2)",
        "y ~ x - 1",
        "y ~ x + 0",
        "y ~ Q('x')",
        "y ~ a:b",  # which model this is depends on the program
        "y ~ a + b + a:b*c",
        "y ~ x + C(x)",
        "y ~ y",
        "y ~ x:x",
        "y ~ x +",
        "y ~~ x",
        "y ~ " + " + ".join(f"x{n}" for n in range(100)),
        "y ~ " + "x" * 3000,
        "y ~ a*b*c*d",
        "y ~ １x",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_formula(text)
    assert caught.value.params["field"] == "formula"


def test_a_spec_survives_the_wire_and_nothing_is_added() -> None:
    spec = ModelSpec(ModelKind.COX, "~ age", time="t", event="e")
    assert spec_from_json(spec.to_json()) == spec
    with pytest.raises(Invalid):
        spec_from_json(spec.to_json() | {"seed": 1})


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("time", {"kind": "cox", "formula": "~ x", "event": "e"}),
        ("event", {"kind": "kaplan_meier", "time": "t"}),
        ("time", {"kind": "ols", "formula": "y ~ x", "time": "t"}),
        ("formula", {"kind": "kaplan_meier", "formula": "~ x", "time": "t", "event": "e"}),
        ("formula", {"kind": "cox", "formula": "y ~ x", "time": "t", "event": "e"}),
        ("formula", {"kind": "ols", "formula": "~ x"}),
        ("by", {"kind": "ols", "formula": "y ~ x", "by": ["z"]}),
        ("model", {"kind": "random_forest", "formula": "y ~ x"}),
        ("events_per_step", {"kind": "ols", "formula": "y ~ x", "events_per_step": 0}),
        ("events_per_step", {"kind": "ols", "formula": "y ~ x", "events_per_step": True}),
        ("by", {"kind": "kaplan_meier", "time": "t", "event": "e", "by": "z"}),
    ],
)
def test_a_spec_that_does_not_fit_its_kind_names_the_field(field: str, spec: dict[str, object]) -> None:
    empty = {"formula": "", "time": "", "event": "", "by": [], "events_per_step": 10}
    with pytest.raises(Invalid) as caught:
        spec_from_json(empty | spec)
    assert caught.value.params["field"] == field
