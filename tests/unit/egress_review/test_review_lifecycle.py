"""The lifecycle table by hand, and a machine that tries everything on it."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from egress_review.actions import releasing, submitting, voting
from egress_review.actions.ballots import commitment, opened
from egress_review.checks.report import Finding, FindingCode, OutputReport
from egress_review.domain import Actor, Ballot, Outcome, Output, Request, State
from egress_review.lifecycle import FINAL, TABLE, Action, Who, check_ballots, decide, outcome
from egress_review.people import Caller
from onggi.decision import Allow, Deny
from onggi.errors import OnggiError
from onggi.permissions import Role
from onggi.reasons import Reason
from tests.support import review

REPORTS = {
    code: OutputReport("a.csv", "0" * 64, "csv", (Finding(code),))
    for code in (FindingCode.RECOMPUTED, FindingCode.NO_CLAIM, FindingCode.VALUE_DIFFERS)
}

# Written by hand: this is what the issue asks for.
ARROWS = {
    ("draft", "receive", "draft", "submitter"),
    ("draft", "submit", "checking", "submitter"),
    ("draft", "withdraw", "withdrawn", "submitter"),
    ("checking", "check", "in_review", "service"),
    ("checking", "withdraw", "withdrawn", "submitter"),
    ("in_review", "vote", "in_review", "reviewer"),
    ("in_review", "set_aside", "in_review", "service"),
    ("in_review", "approve", "approved", "service"),
    ("in_review", "reject", "rejected", "service"),
    ("in_review", "return", "returned", "service"),
    ("in_review", "withdraw", "withdrawn", "submitter"),
    ("returned", "revise", "draft", "submitter"),
    ("returned", "withdraw", "withdrawn", "submitter"),
    ("approved", "release", "released", "service"),
    ("approved", "return", "returned", "service"),
}


def a_request(
    state: State = State.IN_REVIEW, code: FindingCode = FindingCode.RECOMPUTED, **values: object
) -> Request:
    output = Output(1, "a.csv", 3, "0" * 64, report=REPORTS[code])
    fields = {
        "id": "r-1", "version": 1, "project": review.PROJECT, "member": "researcher1", "purpose": "p",
        "context": "", "state": state, "policy": "review-1", "reviewers": 2, "created": review.START,
        "outputs": (output,),
    }  # fmt: skip
    return Request(**{**fields, **values})  # type: ignore[arg-type]


REVIEWER = Actor("reviewer1", frozenset({Role.REVIEWER}))
MEMBER = Actor("researcher1", frozenset(), frozenset({review.PROJECT}))
SERVICE = Actor("service:review", service=True)


def test_the_table_is_the_one_that_was_agreed() -> None:
    assert {(a, b, move.next, move.who) for (a, b), move in TABLE.items()} == ARROWS
    assert {State.RELEASED, State.REJECTED, State.WITHDRAWN} == FINAL


def test_every_state_is_reached_and_every_event_named() -> None:
    assert {move.next for move in TABLE.values()} == set(State)
    assert all(move.event.count(".") == 1 for move in TABLE.values())


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_what_is_not_in_the_table_is_denied_to_everyone(state: State, action: Action) -> None:
    complete = frozenset({"reviewer2", "reviewer4"})
    for actor in (REVIEWER, MEMBER, SERVICE):
        for voters in (frozenset(), complete):
            decision = decide(a_request(state, voters=voters), action, actor)
            if (state, action) not in TABLE:
                assert isinstance(decision, Deny)
            elif isinstance(decision, Allow):
                who = {Who.REVIEWER: REVIEWER, Who.SUBMITTER: MEMBER, Who.SERVICE: SERVICE}[
                    TABLE[state, action].who
                ]
                assert actor is who


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        (Actor("reviewer1", frozenset({Role.REVIEWER}), frozenset({review.PROJECT})), Reason.OWN_PROJECT),
        (Actor("researcher1", frozenset({Role.REVIEWER})), Reason.OWN_PROJECT),
        (Actor("admin", frozenset({Role.ADMIN})), Reason.NOT_PERMITTED),
        (Actor("service:review", service=True), Reason.NOT_PERMITTED),
        (MEMBER, Reason.NOT_PERMITTED),
    ],
)
def test_who_may_not_vote(actor: Actor, reason: Reason) -> None:
    decision = decide(a_request(), Action.VOTE, actor)
    assert isinstance(decision, Deny)
    assert decision.reason is reason


def test_a_second_vote_of_one_reviewer_and_a_third_reviewer_are_denied() -> None:
    once = decide(a_request(voters=frozenset({"reviewer1"})), Action.VOTE, REVIEWER)
    full = decide(a_request(voters=frozenset({"reviewer2", "reviewer4"})), Action.VOTE, REVIEWER)
    assert isinstance(once, Deny)
    assert once.reason is Reason.ALREADY_VOTED
    assert isinstance(full, Deny)
    assert full.reason is Reason.VOTES_COMPLETE


@pytest.mark.parametrize(
    ("ballots", "outcome_wanted"),
    [
        (["approve", "approve"], Outcome.APPROVED),
        (["approve", "reject"], Outcome.REJECTED),
        (["reject", "reject"], Outcome.REJECTED),
        (["approve", "return"], Outcome.RETURNED),
        (["reject", "return"], Outcome.RETURNED),
        (["approve"], Outcome.REJECTED),
        ([], Outcome.REJECTED),
    ],
)
def test_what_two_ballots_come_to(ballots: list[str], outcome_wanted: Outcome) -> None:
    assert outcome([Ballot(one) for one in ballots], 2) is outcome_wanted


@pytest.mark.parametrize(
    ("code", "ballot", "reason_given", "denied"),
    [
        (FindingCode.RECOMPUTED, Ballot.APPROVE, "", None),
        (FindingCode.RECOMPUTED, Ballot.REJECT, " \n", Reason.VOTE_REASON_MISSING),
        (FindingCode.RECOMPUTED, Ballot.RETURN, "", Reason.VOTE_REASON_MISSING),
        (FindingCode.NO_CLAIM, Ballot.APPROVE, "", Reason.VOTE_REASON_MISSING),
        (FindingCode.NO_CLAIM, Ballot.APPROVE, "seen by hand", None),
        (FindingCode.VALUE_DIFFERS, Ballot.APPROVE, "I insist", Reason.OUTPUT_BLOCKED),
        (FindingCode.VALUE_DIFFERS, Ballot.REJECT, "differs", None),
    ],
)
def test_ballots_and_reasons(
    code: FindingCode, ballot: Ballot, reason_given: str, denied: Reason | None
) -> None:
    decision = check_ballots(a_request(code=code), {1: (ballot, reason_given)})
    assert (decision.reason if isinstance(decision, Deny) else None) is denied


def test_a_ballot_paper_covers_exactly_the_outputs() -> None:
    missing = check_ballots(a_request(), {})
    foreign = check_ballots(a_request(), {1: (Ballot.APPROVE, ""), 2: (Ballot.APPROVE, "")})
    assert isinstance(missing, Deny)
    assert missing.reason is Reason.VOTE_MISSING
    assert isinstance(foreign, Deny)


class ReviewMachine(RuleBasedStateMachine):
    """Everybody tries everything in any order on one request; the invariants are the promises."""

    @initialize(start=st.sampled_from([State.DRAFT, State.CHECKING, State.IN_REVIEW, State.IN_REVIEW]))
    def begin(self, start: State) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.room, _, _ = review.room_of(Path(self.folder.name))
        self.cast: dict[int, dict[str, dict[int, Ballot]]] = {}
        announced = [submitting.Announced(f"{n}.csv", len(review.CSV)) for n in (1, 2)]
        self.id = submitting.open_request(self.room, review.RESEARCHER, "p", "", announced).id
        if start is not State.DRAFT:
            review.hand_in(self.room, self.request, {1: review.CSV, 2: review.CSV})
            submitting.submit(self.room, review.RESEARCHER, self.id)
        if start is State.IN_REVIEW:
            review.checked(self.room, self.request)

    def teardown(self) -> None:
        self.folder.cleanup()

    @property
    def request(self) -> Request:
        return self.room.store.request(self.id)

    def _try(self, act: object, *arguments: object) -> bool:
        before = (self.request, len(self.room.store.last_events("review", 10_000)))
        try:
            act(self.room, *arguments)  # type: ignore[operator]
        except OnggiError:
            assert (self.request, len(self.room.store.last_events("review", 10_000))) == before
            return False
        assert len(self.room.store.last_events("review", 10_000)) > before[1]
        return True

    @rule()
    def hand_in(self) -> None:
        try:
            review.hand_in(self.room, self.request, {1: review.CSV, 2: review.CSV})
        except OnggiError:
            assert self.request.state is not State.DRAFT

    @rule()
    def submit(self) -> None:
        self._try(submitting.submit, review.RESEARCHER, self.id)

    @rule()
    def stranger_submits(self) -> None:
        stranger = Caller("s-2", "researcher2", review.PROJECT)
        assert not self._try(submitting.submit, stranger, self.id)
        assert not self._try(submitting.withdraw, stranger, self.id)

    @rule(first=st.sampled_from(list(REPORTS)), second=st.sampled_from(list(REPORTS)))
    def check(self, first: FindingCode, second: FindingCode) -> None:
        if self.request.state is State.CHECKING:
            review.checked(self.room, self.request, first, second)

    @rule(
        name=st.sampled_from(["reviewer1", "reviewer2", "reviewer4", "researcher1", "admin"]),
        inside=st.sampled_from([False, False, False, True]),
        first=st.sampled_from([Ballot.APPROVE, *Ballot]),
        second=st.sampled_from([Ballot.APPROVE, *Ballot]),
        reason=st.sampled_from(["because", "because", ""]),
    )
    def vote(self, name: str, first: Ballot, second: Ballot, reason: str, *, inside: bool) -> None:
        projects = frozenset({review.PROJECT}) if inside else frozenset({review.OTHER_PROJECT})
        roles = (Role.REVIEWER,) if name != "admin" else (Role.ADMIN,)
        voter = review.person(name, *roles, projects=projects)
        request = self.request
        ballots = {1: (first, reason), 2: (second, reason)}
        if self._try(voting.vote, voter, self.id, request.version, ballots):
            assert not inside
            assert name not in {"admin", "researcher1"}
            papers = self.cast.setdefault(request.version, {})
            assert name not in papers
            papers[name] = {1: first, 2: second}
            for one in request.outputs:
                assert not (ballots[one.number][0] is Ballot.APPROVE and one.verdict == "block")

    @rule(name=st.sampled_from(["reviewer1", "reviewer2"]), ballot=st.sampled_from([Ballot.APPROVE, *Ballot]))
    def outsider_votes(self, name: str, ballot: Ballot) -> None:
        self.vote(name, ballot, Ballot.APPROVE, "because", inside=False)

    @rule()
    def two_outsiders_approve(self) -> None:
        for name in ("reviewer1", "reviewer2"):
            self.vote(name, Ballot.APPROVE, Ballot.APPROVE, "because", inside=False)

    @rule()
    def release(self) -> None:
        self._try(releasing.release, self.id)

    @rule(rarely=st.integers(0, 99))
    def withdraw(self, rarely: int) -> None:
        if rarely == 77:
            self._try(submitting.withdraw, review.RESEARCHER, self.id)

    @rule()
    def revise(self) -> None:
        announced = [submitting.Announced(f"{n}.csv", len(review.CSV)) for n in (1, 2)]
        self._try(submitting.revise, review.RESEARCHER, self.id, "p2", "", announced)

    @invariant()
    def blind_until_complete(self) -> None:
        for request in self.room.store.history(self.id):
            papers = self.cast.get(request.version, {})
            assert request.voters == set(papers)
            for viewer in ("reviewer1", "reviewer2", "reviewer3", "researcher1", "admin", "service:review"):
                seen = {vote.reviewer for vote in self.room.store.votes_seen_by(viewer, request)}
                assert seen == (set(papers) if len(papers) >= 2 else set(papers) & {viewer})

    @invariant()
    def the_log_tells_no_ballot_before_the_decision(self) -> None:
        request = self.request
        if request.state is State.IN_REVIEW:
            for event in self.room.store.last_events("review", 10_000):
                if event.action == "vote.cast" and event.details["version"] == request.version:
                    assert set(event.details) == {"version", "commitment"}

    @invariant()
    def released_means_two_outside_approvals(self) -> None:
        event(f"reached {self.request.state} v{self.request.version}")
        for request in self.room.store.history(self.id):
            made = self.room.store.release_of(request)
            if request.state is not State.RELEASED:
                assert made is None
                continue
            assert made is not None
            assert made.files
            papers = self.cast[request.version]
            assert len(papers) == 2
            for file in made.files:
                assert all(paper[file.number] is Ballot.APPROVE for paper in papers.values())
                assert request.output(file.number).sha256 == file.sha256  # type: ignore[union-attr]

    @invariant()
    def older_versions_stay_returned(self) -> None:
        assert all(one.state is State.RETURNED for one in self.room.store.history(self.id)[:-1])


ReviewMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestReviewMachine = ReviewMachine.TestCase


def test_the_decision_opens_the_sealed_votes(tmp_path: Path) -> None:
    room, _, _ = review.room_of(tmp_path)
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    review.cast(room, request, "reviewer2", Ballot.REJECT, "too fine")
    events = room.store.last_events("review", 50)
    sealed = {event.actor: event.details["commitment"] for event in events if event.action == "vote.cast"}
    decision = next(event for event in events if event.action == "request.reject")
    votes = room.store.votes_seen_by("auditor1", request)
    for name in ("reviewer1", "reviewer2"):
        paper = [vote for vote in votes if vote.reviewer == name]
        assert commitment(paper) == sealed[name]
        assert opened(paper) in decision.details["votes"]
    assert "too fine" not in decision.canonical().decode()
