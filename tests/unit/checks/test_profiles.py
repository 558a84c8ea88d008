import json
from typing import Any

import pytest
import yaml

from egress_review.checks.policy import CheckPolicy, policy_from_json
from egress_review.checks.rules.document import (
    PROFILES,
    profile_at,
    profile_from_body,
    profile_from_yaml,
    profile_text,
    shipped,
)
from egress_review.checks.rules.profile import profile_from_json
from onggi.errors import Invalid

READY = [name for name in PROFILES if name != "kr-template"]


def body(name: str = "sdap") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(profile_text(name))
    return found


@pytest.mark.parametrize("name", READY)
def test_a_shipped_profile_is_complete_and_cites_each_rule(name: str) -> None:
    profile = shipped(name)
    assert profile.name == name
    for rule in body(name)["rules"].values():
        for one in rule if isinstance(rule, list) else [rule]:
            assert len(one["source"]) > 20
    assert profile_from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_no_korean_number_is_invented() -> None:
    for rule in body("kr-template")["rules"].values():
        for one in rule if isinstance(rule, list) else [rule]:
            assert set(one.values()) == {None}
    with pytest.raises(Invalid) as refused:
        shipped("kr-template")
    assert refused.value.params["field"].startswith("rules.threshold")


def test_one_number_left_unset_refuses() -> None:
    text = profile_text("kr-template").replace("source: }", "source: decided by the board in 2027}")
    with pytest.raises(Invalid) as refused:
        profile_from_yaml(text)
    assert refused.value.params["field"] == "rules.threshold.least"


def test_the_parameters_of_acro_are_those_of_acro() -> None:
    rules = shipped("acro-default").rules
    (dominance,) = rules.dominance_nk
    assert (rules.threshold.least, dominance.n, dominance.k) == (10, 2, 0.9)
    assert rules.p_percent is not None
    assert rules.p_percent.p == 0.1
    assert rules.degrees_of_freedom is not None
    assert rules.degrees_of_freedom.least == 10
    assert shipped("acro-default").counts_rows


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"unit": "household"},
        {"name": "Not A Name"},
        {"rules": {}},
        {"rules": {"threshold": {"least": 10}}},
        {"rules": {"threshold": {"least": 1, "source": "a source of this rule"}}},
        {"rules": {"threshold": {"least": "10", "source": "a source of this rule"}}},
        {"rules": {"threshold": {"least": 10.5, "source": "a source of this rule"}}},
        {"rules": {"threshold": {"least": 10, "source": "a source of this rule", "more": 1}}},
        {"rules": {"threshold": {"least": 10, "source": "a source of this rule"}, "p_percent": {"p": 1.5}}},
    ],
)
def test_what_is_not_understood_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        profile_from_body({**body(), **change})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "- 1",
        "name: a\nname: b\n",
        "!!python/object/apply:os.system ['id']",
        "a: &a [*a]",
        "x" * 70_000,
    ],
)
def test_a_document_that_is_none_refuses(text: str) -> None:
    with pytest.raises(Invalid):
        profile_from_yaml(text)


def test_a_key_given_twice_refuses() -> None:
    with pytest.raises(Invalid):
        profile_from_yaml(profile_text("sdap") + "unit: row\n")


def test_an_operators_own_document_is_found_by_its_path(tmp_path: Any) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(profile_text("strict").replace("name: strict", "name: ours"))
    assert profile_at(str(path)).label == "ours/1"
    with pytest.raises(Invalid):
        profile_at(str(tmp_path / "none.yaml"))
    with pytest.raises(Invalid):
        profile_at("no-such-profile")


def test_a_policy_carries_its_profile_over_the_wire() -> None:
    policy = CheckPolicy(profile=shipped("strict"))
    assert policy_from_json(policy.to_json()) == policy
    assert policy.version == "strict/1"
    assert policy.min_persons == 20
    with pytest.raises(Invalid):
        policy_from_json({**policy.to_json(), "profile": {"name": "strict"}})
