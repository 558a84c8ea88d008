"""The display policy as a document: YAML that an admin writes, and the three that are shipped.

A document names its `version`, and either every field or, with `based_on`, those in which it differs from a
shipped profile. Unknown keys, keys given twice, anchors and tags refuse; a refusal names the key and says
what it may be. For the desk, the command line and tests: a session is handed the finished value as JSON
(`egress_review.display.policy.policy_from_json`) and never loads this module.
"""

from __future__ import annotations

from functools import cache, partial
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, create_model

from egress_review.display.policy import RULES, DisplayPolicy, policy_from_json, read_field, unknown_key
from onggi.errors import Invalid
from onggi.reasons import Reason

PROFILES = ("strict", "standard", "open-data")
"""The shipped profiles, the tightest first."""
MAX_DOCUMENT_CHARACTERS = 64 * 1024


def policy_from_yaml(text: str) -> DisplayPolicy:
    """The policy that a document describes.

    Raises:
        Invalid: DISPLAY_POLICY_… with the key and what is allowed; DISPLAY_POLICY_UNREADABLE with the line.
    """
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise Invalid(Reason.DISPLAY_POLICY_UNREADABLE, place=f"> {MAX_DOCUMENT_CHARACTERS}")
    try:
        body = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise Invalid(Reason.DISPLAY_POLICY_UNREADABLE, place=place) from None
    except (ValueError, RecursionError):
        raise Invalid(Reason.DISPLAY_POLICY_UNREADABLE, place="") from None
    if not isinstance(body, dict):
        raise Invalid(Reason.DISPLAY_POLICY_UNREADABLE, place="")
    base = _base(body.pop("based_on", None))
    return policy_from_json(base | _checked(body))


@cache
def profile(name: str) -> DisplayPolicy:
    """A shipped profile.

    Raises:
        Invalid: DISPLAY_POLICY_FIELD for a name that is none.
    """
    if name not in PROFILES:
        raise Invalid(
            Reason.DISPLAY_POLICY_FIELD, key="profile", value=repr(name)[:80], allowed=", ".join(PROFILES)
        )
    return policy_from_yaml(profile_text(name))


def profile_text(name: str) -> str:
    """The document of a shipped profile, to start one's own from."""
    return resources.files(__package__).joinpath("profiles", f"{name}.yaml").read_text("utf-8")


def _base(name: object) -> dict[str, Any]:
    if name is None:
        return {}
    if not isinstance(name, str) or name not in PROFILES:
        raise Invalid(
            Reason.DISPLAY_POLICY_FIELD, key="based_on", value=repr(name)[:80], allowed=", ".join(PROFILES)
        )
    return {key: value for key, value in profile(name).to_json().items() if key != "version"}


def _checked(body: dict[Any, Any]) -> dict[str, Any]:
    """The fields that a document gives, each checked by its rule."""
    for key in body:
        if key not in RULES:
            raise unknown_key(key)
    try:
        return PolicyDocument.model_validate(body).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        reason = Reason.DISPLAY_POLICY_MISSING if first["type"] == "missing" else Reason.DISPLAY_POLICY_FIELD
        value = repr(body.get(key))[:80]
        raise Invalid(reason, key=key, value=value, allowed=RULES[key]) from None


def _reader(key: str, value: object) -> object:
    try:
        read_field(key, value)
    except Invalid as error:
        raise ValueError(error.reason.value) from None
    return value


_FIELDS: dict[str, Any] = {
    key: (Annotated[Any, PlainValidator(partial(_reader, key))], ... if key == "version" else None)
    for key in RULES
}
PolicyDocument: type[BaseModel] = create_model(
    "PolicyDocument", __config__=ConfigDict(extra="forbid", frozen=True), **_FIELDS
)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml ships no types
    """YAML without anchors, and in which a key stands once."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As the base class, but an alias is refused: a few lines of them stand for gigabytes."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "alias", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's signature
        """As the base class, but a key given twice is refused."""
        names = [child.value for child, _ in node.value if isinstance(child, yaml.ScalarNode)]
        if len(names) != len(node.value) or len(set(names)) != len(names):
            raise yaml.constructor.ConstructorError(None, None, "keys", node.start_mark)
        return super().construct_mapping(node, deep)
