"""Between JSON and the values of the display meter, at the edge: unknown keys refuse, sizes are capped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from egress_review.meter.domain import Amounts, DayUse, Kind, Lift, Piece, PolicyVersion, Showing, Verdict
from egress_review.meter.leasing import Lent
from egress_review.meter.policies import policy_of
from egress_review.meter.protocol import SessionShown
from egress_review.meter.recording import Sent, digest_of
from egress_review.meter.unusual import Band, Remark
from egress_review.people import Caller
from onggi.clock import from_text, text_or_none, to_text
from onggi.errors import Invalid
from onggi.ids import person_name, slug
from onggi.reasons import Reason

__all__ = [
    "Ended",
    "LeaseAsked",
    "Leftover",
    "LiftAsked",
    "PolicyAsked",
    "ShowingSent",
    "ShowingsSent",
    "lent_json",
    "lift_json",
    "policy_json",
    "read",
    "remark_json",
    "session_json",
    "showing_json",
    "use_json",
]

_Text = Annotated[str, Field(max_length=4096)]
_SHOWING = (
    *("id", "session", "project", "member", "day", "subject", "number", "code_sha256"),
    *("cuts", "sha256", "policy", "kept", "shown_bytes"),
)
Model = TypeVar("Model", bound=BaseModel)
_Size = Annotated[int, Field(ge=0, le=2**53)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LeaseAsked(_Strict):
    """What a session wants lent, or gives back."""

    id: Annotated[str, Field(max_length=36)]
    output: _Size = 0
    page: _Size = 0

    def amounts(self) -> Amounts:
        """Bytes by purse."""
        return Amounts(self.output, self.page)


class PolicyAsked(_Strict):
    """A new policy as the desk hands it on."""

    actor: _Text
    text: Annotated[str, Field(max_length=64 * 1024)]
    reason: _Text
    expected: int | None = None


class LiftAsked(_Strict):
    """A lift as the desk hands it on."""

    actor: _Text
    project: _Text
    member: _Text
    extra_bytes: int
    reason: _Text


class ShowingSent(_Strict):
    """What a session showed, as its server hands it in."""

    id: Annotated[str, Field(max_length=36)]
    at: _Text
    kind: _Text
    subject: _Text
    number: Annotated[int, Field(ge=0, le=2**31)] | None = None
    code: Annotated[str, Field(max_length=4 * 1024 * 1024)] = ""
    code_sha256: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")] = ""
    sizes: Annotated[dict[Annotated[str, Field(max_length=100)], _Size], Field(max_length=100)]
    cuts: Annotated[int, Field(ge=0, le=2**31 - 1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    verdict: _Text
    policy: Annotated[str, Field(max_length=64)]
    pieces: list[tuple[str, str]] | None = None

    def showing(self, caller: Caller) -> Showing:
        """The value; session, member and project come from the session's key alone.

        Raises:
            Invalid: for a moment, kind or verdict that is none.
        """
        try:
            kind, verdict = Kind(self.kind), Verdict(self.verdict)
        except ValueError:
            raise Invalid(Reason.FIELD_INVALID, field="kind", value=self.kind[:40]) from None
        return Showing(
            id=self.id,
            session=caller.session_id,
            project=caller.project,
            member=caller.member,
            day="",
            at=from_text(self.at),
            kind=kind,
            subject=self.subject,
            number=self.number,
            code_sha256=self.code_sha256,
            sizes=dict(self.sizes),
            cuts=self.cuts,
            sha256=self.sha256,
            verdict=verdict,
            policy=self.policy,
        )

    def contents(self) -> tuple[Piece, ...] | None:
        """The pieces, if they came along."""
        return None if self.pieces is None else tuple(Piece(*one) for one in self.pieces)

    def sent(self, caller: Caller) -> Sent:
        """The value with code and contents.

        Raises:
            Invalid: as `showing`.
        """
        return Sent(self.showing(caller), self.code, self.contents())


class ShowingsSent(_Strict):
    """What a session showed in several cells."""

    showings: Annotated[list[ShowingSent], Field(min_length=1, max_length=100)]


class Ended(_Strict):
    """What a session said of a showing when it was done."""

    sizes: Annotated[dict[Annotated[str, Field(max_length=100)], _Size], Field(max_length=100)]
    cuts: Annotated[int, Field(ge=0, le=2**31 - 1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    verdict: _Text


class Leftover(_Strict):
    """What an ended session had shown and not handed in, as the broker found it.

    Attributes:
        end: None if the session died while it was showing; then the pieces are what is known.
    """

    session: Annotated[str, Field(pattern=r"^s-[0-9a-f]{16}$")]
    member: _Text
    project: _Text
    id: Annotated[str, Field(max_length=36)]
    at: _Text
    kind: _Text
    subject: _Text
    number: Annotated[int, Field(ge=0, le=2**31)] | None = None
    code: Annotated[str, Field(max_length=4 * 1024 * 1024)] = ""
    code_sha256: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")] = ""
    policy: Annotated[str, Field(max_length=64)]
    pieces: list[tuple[str, str]]
    end: Ended | None = None

    def caller(self) -> Caller:
        """The session that it was."""
        return Caller(self.session, person_name(self.member), slug(self.project))

    def sent(self) -> ShowingSent:
        """As the session would have handed it in; hash and sizes from the pieces if it never came to that."""
        body = self.model_dump(exclude={"session", "member", "project", "end"})
        if self.end is not None:
            return ShowingSent(**body, **self.end.model_dump())
        pieces = tuple(Piece(*one) for one in self.pieces)
        sizes: dict[str, int] = {}
        for one in pieces:
            sizes[one.mime] = sizes.get(one.mime, 0) + len(one.content.encode("utf-8", "replace"))
        return ShowingSent(**body, sizes=sizes, cuts=0, sha256=digest_of(pieces), verdict=Verdict.SHOWN.value)


def read(model: type[Model], body: object) -> Model:
    """Read a body.

    Raises:
        Invalid: naming the first field that is wrong.
    """
    try:
        return model.model_validate(_tupled(body))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid(Reason.FIELD_INVALID, field=where[:60] or "body", value="") from None


def _tupled(body: object) -> object:
    """JSON knows no tuples, and strict models take nothing else for one."""
    if isinstance(body, Mapping) and isinstance(body.get("showings"), list):
        return {**body, "showings": [_tupled(one) for one in body["showings"]]}
    if isinstance(body, Mapping) and isinstance(body.get("pieces"), list):
        return {**body, "pieces": [tuple(one) if isinstance(one, list) else one for one in body["pieces"]]}
    return body


def lent_json(lent: Lent) -> dict[str, Any]:
    """A lease as its session reads it. One of yesterday, asked for again today, lends nothing any more."""
    alive = lent.lease.day == lent.standing.use.day
    return {
        "id": lent.lease.id,
        "output": lent.lease.lent.output if alive else 0,
        "page": lent.lease.lent.page if alive else 0,
        "ends": to_text(lent.standing.ends),
        "day": {
            "day": lent.standing.use.day,
            "zone": lent.standing.zone,
            "lent": lent.standing.use.lent.output,
            "limit": lent.standing.limit,
            "soft": lent.policy.day_soft_bytes + lent.standing.lifted,
        },
        "policy": {"label": lent.version.label, "document": lent.policy.to_json()},
    }


def policy_json(version: PolicyVersion, *, document: bool = False) -> dict[str, Any]:
    """A version of a policy; with the values it sets if wanted."""
    body = {
        "project": version.project,
        "number": version.number,
        "name": version.name,
        "label": version.label,
        "text": version.text,
        "by": version.by,
        "reason": version.reason,
        "at": text_or_none(version.at),
    }
    return body | ({"document": policy_of(version).to_json()} if document else {})


def use_json(use: DayUse) -> dict[str, Any]:
    """A member's day."""
    return {
        "project": use.project,
        "member": use.member,
        "day": use.day,
        "output": use.lent.output,
        "page": use.lent.page,
    }


def lift_json(lift: Lift) -> dict[str, Any]:
    """An administrator's word."""
    names = ("project", "member", "day", "extra_bytes", "reason", "by")
    return {name: getattr(lift, name) for name in names} | {"at": to_text(lift.at)}


def session_json(one: SessionShown) -> dict[str, Any]:
    """A session that showed something."""
    names = ("session", "project", "member", "showings", "shown_bytes", "first", "last")
    return {name: getattr(one, name) for name in names}


def showing_json(one: Showing) -> dict[str, Any]:
    """What was shown at one go, without its contents."""
    return {name: getattr(one, name) for name in _SHOWING} | {
        "at": to_text(one.at),
        "kind": one.kind.value,
        "verdict": one.verdict.value,
        "sizes": dict(one.sizes),
    }


def remark_json(remark: Remark) -> dict[str, Any]:
    """A remark on a member's day."""
    return use_json(remark.use) | {
        "word": remark.word.value,
        "compared": {"project": _band(remark.project), "everywhere": _band(remark.everywhere)},
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "days": band.days,
        "median_bytes": band.median_bytes,
        "score": round(band.score, 1),
        "word": band.word.value,
    }
