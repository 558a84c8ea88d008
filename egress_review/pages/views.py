"""What the pages show, as values; made from what the store lets a viewer see, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from egress_review.checks.report import Finding, for_researcher
from egress_review.domain import Ballot, Outcome, Output, Release, Request, State, Vote
from egress_review.lifecycle import Action, decide, may_review, outcomes, reason_required
from egress_review.pages.access import require_still_member, reviewed
from egress_review.pages.evidence import about_cells
from egress_review.pages.lines import Lines, text_preview
from egress_review.pages.overview import Overview, overview
from egress_review.pages.pictures import is_picture
from egress_review.pages.preview import Preview, listing, preview
from egress_review.people import Person
from egress_review.room import Room
from egress_review.waiting import Wait
from onggi.decision import Allow, Deny
from onggi.errors import NotFound
from onggi.reasons import Reason

DECIDED_SHOWN = 100
_DECIDED = frozenset({State.RETURNED, State.REJECTED, State.APPROVED, State.RELEASED})


@dataclass(frozen=True, slots=True)
class Queue:
    """A reviewer's requests. `hidden` counts open ones of the reviewer's own projects."""

    for_me: tuple[Request, ...]
    for_others: tuple[Request, ...]
    decided: tuple[Request, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class OutputView:
    """An output with what its viewer may know about votes on it.

    Attributes:
        table, lines, picture: what is shown of it, if anything.
        numbers: those that the checks read, where the table does not show what stands behind them.
        overview: of a large table of two keys, or None.
        cells: for each finding the name of the cell that it is about, or "".
    """

    output: Output
    table: Preview | None
    lines: Lines | None
    picture: bool
    numbers: Preview | None
    overview: Overview | None
    cells: tuple[str, ...]
    votes: tuple[Vote, ...]
    outcome: Outcome | None
    approve_reason: bool

    @property
    def for_researcher(self) -> tuple[Finding, ...]:
        """The findings as the researcher reads them: the worst first, as many as the session has paid for."""
        return for_researcher(self.output.report.findings if self.output.report else ())

    @property
    def blocked(self) -> bool:
        """Whether approval is ruled out."""
        return self.output.verdict is not None and self.output.verdict.value == "block"


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as one viewer sees it.

    Attributes:
        vote: `Allow`, or why this viewer cannot vote now.
        voted: whether this viewer has voted.
        may_withdraw: whether this viewer can take it back now.
        earlier: older versions, oldest first, with their votes.
        release: id of its release, or None.
        unsigned: whether the release has no certificate yet.
        wait: why the release or its certificate could not be made at the last try, if that is known.
    """

    request: Request
    outputs: tuple[OutputView, ...]
    project: Mapping[str, Any]
    vote: Allow | Deny
    voted: bool
    earlier: tuple[tuple[Request, tuple[OutputView, ...]], ...]
    release: str | None
    may_withdraw: bool = False
    unsigned: bool = False
    wait: Wait | None = None

    @property
    def may_vote(self) -> bool:
        """Whether the page shows a ballot paper."""
        return isinstance(self.vote, Allow)


def queue(room: Room, viewer: Person) -> Queue:
    """What waits for a reviewer, for others, and what is decided."""
    actor = viewer.actor()
    open_ones = room.store.requests_in({State.CHECKING, State.IN_REVIEW})
    shown = [one for one in open_ones if isinstance(may_review(one, actor), Allow)]
    mine = [one for one in shown if isinstance(decide(one, Action.VOTE, actor), Allow)]
    latest = room.store.requests_in(_DECIDED, DECIDED_SHOWN)
    decided = [one for one in latest if isinstance(may_review(one, actor), Allow)]
    return Queue(
        for_me=tuple(mine),
        for_others=tuple(one for one in shown if one not in mine),
        decided=tuple(reversed(decided)),
        hidden=len(open_ones) - len(shown),
    )


def for_reviewer(room: Room, viewer: Person, request_id: str) -> RequestView:
    """A request for somebody who may review it.

    Raises:
        Refused, NotFound: as `reviewed`.
    """
    request = reviewed(room, viewer, request_id)
    return _view(room, viewer.name, request, decide(request, Action.VOTE, viewer.actor()), shown=True)


def for_member(room: Room, viewer: Person, request_id: str) -> RequestView:
    """A request for the person who made it, as long as they are a member of its project.

    Raises:
        Refused: `REQUEST_OF_FORMER_MEMBER` when they were.
        NotFound: for anybody else.
    """
    request = room.store.request(request_id)
    require_still_member(room, viewer, request)
    if request.member != viewer.name or request.project not in viewer.active:
        raise NotFound(Reason.NOT_FOUND, what="request")
    own = Deny(Reason.OWN_PROJECT, {"project": request.project})
    withdraw = decide(request, Action.WITHDRAW, viewer.actor())
    view = _view(room, viewer.name, request, own, shown=False)
    return replace(view, may_withdraw=isinstance(withdraw, Allow))


def _view(room: Room, viewer: str, request: Request, vote: Allow | Deny, *, shown: bool) -> RequestView:
    versions = room.store.history(request.id)
    older = [one for one in versions if one.version < request.version]
    release = room.store.release_of(request)
    return RequestView(
        request=request,
        outputs=_outputs(room, viewer, request, shown=shown),
        project=room.people.project(request.project),
        vote=vote,
        voted=viewer in request.voters,
        earlier=tuple((one, _outputs(room, viewer, one, shown=False)) for one in older),
        release=release.id if release else None,
        unsigned=release is not None and release.certificate is None,
        wait=_wait(room, request, release),
    )


def _wait(room: Room, request: Request, release: Release | None) -> Wait | None:
    if request.state is State.APPROVED:
        return room.waits.of(request.id)
    if release is not None and release.certificate is None:
        # Of one try the release may succeed and the signature not; the next tries are about the release.
        return room.waits.of(release.id) or room.waits.of(request.id)
    return None


def _outputs(room: Room, viewer: str, request: Request, *, shown: bool) -> tuple[OutputView, ...]:
    seen = room.store.votes_seen_by(viewer, request)
    found = outcomes(request, seen) if _all_seen(request, seen) else {}
    return tuple(
        _output(room, one, tuple(vote for vote in seen if vote.output == one.number), found, shown=shown)
        for one in request.outputs
    )


def _output(
    room: Room, output: Output, votes: tuple[Vote, ...], found: Mapping[int, Outcome], *, shown: bool
) -> OutputView:
    rows = room.policy.preview_rows
    table = preview(room.vault, output, rows) if shown else None
    placed = table is not None and bool(table.measures)
    numbers = listing(output.report, rows) if shown and not placed else None
    evident = numbers or table
    names = evident.names(f"c-{output.number}") if evident else {}
    return OutputView(
        output=output,
        table=table,
        lines=text_preview(room.vault, output, rows) if shown else None,
        picture=shown and is_picture(output),
        numbers=numbers,
        overview=overview(output.report, names) if shown else None,
        cells=about_cells(output.report.findings, names) if output.report else (),
        votes=votes,
        outcome=found.get(output.number),
        approve_reason=reason_required(Ballot.APPROVE, output.verdict),
    )


def _all_seen(request: Request, votes: Sequence[Vote]) -> bool:
    return request.votes_complete and {vote.reviewer for vote in votes} == request.voters
