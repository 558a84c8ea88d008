"""The display policy: one document, read strictly, the same in YAML and on the wire."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from egress_review.display.document import PROFILES, policy_from_yaml, profile, profile_text
from egress_review.display.policy import RULES, DisplayPolicy, policy_from_json
from onggi.errors import Invalid
from onggi.reasons import Reason

STANDARD = profile_text("standard")


def test_the_defaults_are_the_profile_standard() -> None:
    assert DisplayPolicy() == profile("standard")


def test_every_field_has_a_rule_and_a_line_in_the_docstring() -> None:
    names = {item.name for item in fields(DisplayPolicy)}
    assert names == set(RULES)
    told = DisplayPolicy.__doc__ or ""
    assert [name for name in names if name not in told] == []


@pytest.mark.parametrize("name", PROFILES)
def test_a_shipped_profile_names_every_field_and_survives_the_wire(name: str) -> None:
    assert set(yaml.safe_load(profile_text(name))) == set(RULES)
    assert profile(name).version == f"{name}-1"
    assert policy_from_json(profile(name).to_json()) == profile(name)


def test_the_profiles_go_from_tight_to_wide() -> None:
    strict, standard, wide = (profile(name) for name in PROFILES)
    for name in ("cell_text_bytes", "cell_images", "image_bytes", "table_rows", "session_bytes", "day_bytes"):
        assert getattr(strict, name) < getattr(standard, name) < getattr(wide, name), name
    assert strict.mime_types < standard.mime_types < wide.mime_types
    assert strict.record_days > standard.record_days > wide.record_days


def test_a_document_may_say_only_in_what_it_differs() -> None:
    policy = policy_from_yaml("based_on: strict\nversion: nafld-3\ncell_text_bytes: 20000\n")
    assert policy.version == "nafld-3"
    assert policy.cell_text_bytes == 20_000
    assert policy.table_rows == profile("strict").table_rows


def changed(line: str, to: str) -> str:
    assert line in STANDARD
    return STANDARD.replace(line, to)


@pytest.mark.parametrize(
    ("text", "reason", "key", "allowed"),
    [
        (STANDARD + "more: 1\n", Reason.DISPLAY_POLICY_UNKNOWN, "'more'", "cell_text_bytes"),
        ("based_on: strict\n", Reason.DISPLAY_POLICY_MISSING, "version", "a-z"),
        ("version: a\n", Reason.DISPLAY_POLICY_MISSING, "assist_bytes", "1048576"),
        (changed("cell_images: 4", "cell_images: -1"), Reason.DISPLAY_POLICY_FIELD, "cell_images", "0–1000"),
        (
            changed("cell_images: 4", "cell_images: true"),
            Reason.DISPLAY_POLICY_FIELD,
            "cell_images",
            "0–1000",
        ),
        (changed("cell_images: 4", "cell_images: 4.0"), Reason.DISPLAY_POLICY_FIELD, "cell_images", "0–1000"),
        (changed("watermark: true", "watermark: 1"), Reason.DISPLAY_POLICY_FIELD, "watermark", "true, false"),
        (
            changed("plot_formats: []", "plot_formats: [plotly]"),
            Reason.DISPLAY_POLICY_FIELD,
            "plot_formats",
            "vega-lite",
        ),
        (
            changed("comm_targets: []", "comm_targets: ['a b']"),
            Reason.DISPLAY_POLICY_FIELD,
            "comm_targets",
            "A-Za-z",
        ),
        (
            changed("session_soft_bytes: 25165824", "session_soft_bytes: 99999999"),
            Reason.DISPLAY_POLICY_FIELD,
            "session_soft_bytes",
            "session_bytes",
        ),
        (changed("standard-1", "Standard 1"), Reason.DISPLAY_POLICY_FIELD, "version", "a-z"),
        (
            "based_on: loose\nversion: a\n",
            Reason.DISPLAY_POLICY_FIELD,
            "based_on",
            "strict, standard, open-data",
        ),
    ],
)
def test_a_refusal_names_the_field_and_what_is_allowed(
    text: str, reason: Reason, key: str, allowed: str
) -> None:
    with pytest.raises(Invalid) as refused:
        policy_from_yaml(text)
    assert refused.value.reason is reason
    assert refused.value.params["key"] == key
    assert allowed in refused.value.params["allowed"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "version: [",
        "version: a\nversion: b\n",
        "a: &x [1]\nb: *x\n",
        "version: !!python/object/apply:os.system ['true']\n",
        "{" * 2000,
        "x" * 100_000,
        "? [a]\n: b\n",
        "version: 2026-13-45\n? {a: 1}\n: 1",
        "created: 2026-99-99",
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        policy_from_yaml(text)
    assert refused.value.reason.value.startswith("display_policy_")


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    with pytest.raises(Invalid):
        policy_from_yaml(text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(anything | st.dictionaries(st.sampled_from(sorted(RULES)), anything))
def test_any_json_is_refused(body: Any) -> None:
    with pytest.raises(Invalid):
        policy_from_json(body)


@given(st.sampled_from(sorted(RULES)), anything)
def test_one_wrong_value_is_refused_or_is_kept_within_its_rule(key: str, value: Any) -> None:
    body = DisplayPolicy().to_json() | {key: value}
    try:
        policy = policy_from_json(body)
    except Invalid:
        return
    assert RULES[key].read(value) == getattr(policy, key)


def test_a_session_server_does_not_load_the_document() -> None:
    code = "import sys, session.app; print('egress_review.display.document' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
