"""Reading a profile: a YAML document that names the source of every rule.

Unknown keys, keys given twice and rules without a number refuse. A number that is not set (`kr-template`)
refuses too: no rule is applied that nobody set.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from egress_review.checks.rules.profile import Profile
from onggi.errors import Invalid
from onggi.reasons import Reason

PROFILES = ("acro-default", "opensafely", "opensafely-midpoint6", "sdap", "strict", "kr-template")
"""The shipped profiles. `kr-template` must be filled in first."""
DEFAULT = "sdap"
_MAX_CHARACTERS = 64 * 1024


def profile_from_yaml(text: str) -> Profile:
    """The profile that a document describes.

    Raises:
        Invalid: naming the key that is unknown, missing, given twice or not set.
    """
    if len(text) > _MAX_CHARACTERS:
        raise _wrong("profile", "size")
    try:
        body = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong("profile", f"{mark.line + 1}:{mark.column + 1}" if mark else "YAML") from None
    return profile_from_body(body)


def profile_from_body(body: object) -> Profile:
    """Read what a document holds.

    Raises:
        Invalid: naming the key.
    """
    try:  # as JSON, in which a mapping is no more than that; what JSON does not know becomes a text
        return _reader().validate_json(json.dumps(body, default=str))
    except (ValueError, TypeError) as error:
        if not isinstance(error, ValidationError):
            raise _wrong("profile", "JSON") from None
        first = error.errors()[0]
        raise _wrong(".".join(map(str, first["loc"])) or "profile", first.get("input")) from None


def profile_text(name: str) -> str:
    """The document of a shipped profile, to start one's own from.

    Raises:
        Invalid: there is none of that name.
    """
    if name not in PROFILES:
        raise _wrong("profile", name)
    return resources.files(__package__).joinpath("profiles", f"{name}.yaml").read_text("utf-8")


@cache
def shipped(name: str) -> Profile:
    """A shipped profile.

    Raises:
        Invalid: there is none of that name, or its numbers are for the operator to set.
    """
    return profile_from_yaml(profile_text(name))


def profile_at(name: str) -> Profile:
    """A shipped profile by its name, or an operator's own by the path of its YAML document.

    Raises:
        Invalid: naming the key, or `profile` if there is no such document.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        return shipped(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        raise _wrong("profile", name) from None
    return profile_from_yaml(text)


@cache
def _reader() -> TypeAdapter[Profile]:
    return TypeAdapter(Profile)


def _wrong(field: str, value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=field, value=str(value)[:60])


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """YAML in which a key stands once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's signature
        """As the base class, but a key given twice is refused."""
        names = [child.value for child, _ in node.value if isinstance(child, yaml.ScalarNode)]
        if len(set(names)) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "keys", node.start_mark)
        return super().construct_mapping(node, deep)
