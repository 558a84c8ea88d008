"""What a session may show comes from egress review in blocks, and nothing refreshes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from egress_review.display.policy import DisplayPolicy
from egress_review.meter import leasing, policies
from egress_review.meter.domain import Amounts
from egress_review.meter.room import MeterRoom
from onggi.errors import Unavailable
from onggi.reasons import Reason
from session.lease import LeaseKeeper, burst_bytes
from session.meter import SessionMeter
from tests.support.meter import CALLER, MIB, meter_of
from tests.support.review import StillClock
from tests.support.session_meter import DirectReview
from web.slip import SLIP, read_slip

SMALL = "based_on: standard\nversion: small-1\nday_soft_bytes: 2000000\nday_bytes: 3000000\n"
STEP = 64 * 1024
AWAY = Unavailable(Reason.SERVICE_UNREACHABLE, service="review")


@dataclass
class World:
    room: MeterRoom
    clock: StillClock
    review: DirectReview
    folder: Path
    seen: list[DisplayPolicy] = field(default_factory=list)

    def meter(self, name: str = "meter") -> SessionMeter:
        (self.folder / name).mkdir(exist_ok=True)
        return SessionMeter(self.folder / name / "meter", DisplayPolicy(), self.seconds)

    def seconds(self) -> float:
        return self.clock.at.timestamp()

    def apply(self, meter: SessionMeter) -> Callable[[DisplayPolicy], None]:
        def use(policy: DisplayPolicy) -> None:
            self.seen.append(policy)
            meter.apply(policy)

        return use

    def lent(self) -> int:
        return sum(one.lent.output for one in self.room.store.days("2026-01-01"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    room, clock = meter_of(tmp_path)
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    made = World(room, clock, DirectReview(room), tmp_path)
    monkeypatch.setattr("session.lease.time.time", made.seconds)
    return made


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_the_policy_comes_with_the_first_lease_and_holds_at_once(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        assert not meter.take(1)
        assert meter.refusal.reason is Reason.DISPLAY_METER_UNREACHABLE
        await LeaseKeeper(meter, world.review, world.apply(meter)).first()
        assert [one.version for one in world.seen] == ["small-1@1"]
        assert meter.take(burst_bytes(world.seen[0]))
        state = meter.state()
        assert (state["day_bytes"], state["withheld"]) == (3_000_000, None)

    play(story)


def test_a_used_up_day_withholds_until_somebody_lifts_it(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        for _ in range(20):
            await keeper.first()
            while meter.take(10_000):
                pass
        assert meter.used <= 3_000_000
        assert meter.used > 2_980_000
        assert (meter.refusal.reason, meter.refusal.params["limit"]) == (Reason.DISPLAY_DAY_LIMIT, "3000000")
        assert meter.state()["withheld"] == "display_day_limit"
        assert [one.reason for one in meter.news()] == [Reason.DISPLAY_DAY_SOFT]
        assert meter.news() == []  # told once
        leasing.lift(world.room, "admin", CALLER.project, CALLER.member, 500_000, "figures")
        await keeper.first()
        assert meter.take(400_000)

    play(story)


def test_while_review_is_silent_what_was_lent_may_be_shown_and_no_more(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        lent = world.lent()
        world.review.broken = AWAY
        await keeper.first()
        while meter.take(5000):
            pass
        assert lent - 5000 < meter.used <= lent
        assert meter.refusal.reason is Reason.DISPLAY_METER_UNREACHABLE
        world.review.broken = None
        await keeper.first()
        assert meter.take(5000)

    play(story)


def test_an_answer_that_was_lost_lends_once(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        world.review.broken, world.review.lost = AWAY, True
        await keeper.first()
        lent = world.lent()
        world.review.broken = None
        await keeper.first()
        assert world.lent() == lent == meter.purse.output > 0

    play(story)


def test_a_killed_server_refreshes_nothing(world: World) -> None:
    async def story() -> None:
        for number in range(29):
            earlier = world.meter(f"meter{number}")  # a new session each time; none ends in order
            await LeaseKeeper(earlier, world.review, world.apply(earlier)).first()
        meter = world.meter("meter29")
        await LeaseKeeper(meter, world.review, world.apply(meter)).first()
        assert world.lent() == 3_000_000
        assert not meter.take(1)
        assert meter.refusal.reason is Reason.DISPLAY_DAY_LIMIT

    play(story)


def test_what_a_killed_server_had_left_is_known_and_never_as_more(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        slip = world.folder / "meter" / SLIP
        while meter.take(7000) and meter.page(3000):
            left = read_slip(slip)
            output, page = sum(one[1] for one in left), sum(one[2] for one in left)
            assert meter.purse.output - STEP <= output <= meter.purse.output
            assert meter.purse.page - STEP <= page <= meter.purse.page
        assert meter.used > STEP
        for lease, output, page in read_slip(slip):
            leasing.give_back(world.room, lease, Amounts(output, page))
        assert meter.used <= world.lent() <= meter.used + STEP

    play(story)


def test_a_rest_that_did_not_get_back_is_still_written_down(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        world.review.broken = AWAY
        await keeper.give_back()
        assert not meter.take(1)
        assert sum(one[1] for one in read_slip(world.folder / "meter" / SLIP)) == world.lent() - STEP

    play(story)


def test_a_server_that_ends_in_order_gives_its_rest_back(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        assert meter.take(1234)
        await keeper.give_back()
        assert world.lent() == 1234
        assert not meter.take(1)

    play(story)


def test_after_midnight_yesterdays_lease_is_worth_nothing(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        assert meter.take(1)
        world.clock.at += timedelta(hours=12)  # it was noon in Seoul
        assert not meter.take(1)
        assert meter.refusal.reason is Reason.DISPLAY_METER_UNREACHABLE
        assert not meter.page(1)
        await keeper.first()
        assert meter.take(1)
        days = {one.day for one in world.room.store.days("2026-01-01")}
        assert days == {"2026-11-21", "2026-11-22"}

    play(story)


def test_a_thread_that_reads_a_large_file_waits_for_its_lease(world: World) -> None:
    async def story() -> None:
        policies.set_policy(
            world.room, "admin", CALLER.project, "based_on: standard\nversion: s-2\n", "larger"
        )
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        assert meter.purse.output < 8 * MIB
        assert not meter.take(8 * MIB)  # the event loop never waits
        assert await asyncio.to_thread(meter.take, 8 * MIB)

    play(story)


def test_what_is_about_to_be_read_is_lent_at_once_and_not_in_pieces(world: World) -> None:
    async def story() -> None:
        policies.set_policy(
            world.room, "admin", CALLER.project, "based_on: standard\nversion: s-2\n", "larger"
        )
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        meter.expect(6 * MIB)  # the event loop never waits
        assert meter.purse.output < 6 * MIB
        await asyncio.to_thread(meter.expect, 6 * MIB)
        asked = len(world.review.asked)
        assert all(meter.take(64 * 1024) for _ in range(6 * 16))
        assert len(world.review.asked) == asked

    play(story)


def test_blocks_grow_while_they_are_used_up_quickly(world: World) -> None:
    async def story() -> None:
        policies.set_policy(
            world.room, "admin", CALLER.project, "based_on: standard\nversion: s-2\n", "larger"
        )
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        sizes = []
        for _ in range(5):
            await keeper.first()
            sizes.append(meter.purse.output)
            assert meter.take(meter.purse.output)
        assert sizes == sorted(sizes)
        assert sizes[-1] > sizes[1]

    play(story)


def test_a_new_policy_reaches_a_session_that_runs(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        policies.set_policy(
            world.room,
            "admin",
            CALLER.project,
            SMALL + "session_bytes: 100\nsession_soft_bytes: 50\n",
            "less",
        )
        await keeper._refresh()
        assert [one.version for one in world.seen] == ["small-1@1", "small-1@2"]
        assert meter.take(60)
        assert [one.reason for one in meter.news()] == [Reason.DISPLAY_SESSION_SOFT]
        assert not meter.take(60)
        assert meter.refusal.reason is Reason.DISPLAY_SESSION_LIMIT
        await keeper._refresh()
        assert len(world.seen) == 2

    play(story)


def test_a_tighter_day_holds_for_what_was_lent_before(world: World) -> None:
    async def story() -> None:
        meter = world.meter()
        keeper = LeaseKeeper(meter, world.review, world.apply(meter))
        await keeper.first()
        assert meter.take(1000)
        tight = SMALL.replace("2000000", "1000").replace("3000000", "1500")
        policies.set_policy(world.room, "admin", CALLER.project, tight, "less")
        running = asyncio.create_task(keeper.run_forever())
        for _ in range(200):
            await keeper._refresh()
            await asyncio.sleep(0)
            if not keeper._changed and meter.day is not None and meter.day.limit == 1500:
                break
        running.cancel()
        assert meter.take(500)
        assert not meter.take(1)
        assert meter.refusal.reason is Reason.DISPLAY_DAY_LIMIT

    play(story)


@pytest.mark.parametrize(
    "answer",
    [{}, {"id": "x"}, {"id": "x", "output": "many", "page": 0, "ends": "soon", "day": {}, "policy": {}}],
)
def test_an_answer_that_cannot_be_read_lends_nothing(world: World, answer: dict[str, Any]) -> None:
    class Odd(DirectReview):
        async def post(self, path: str, body: Any) -> dict[str, Any]:
            return answer

    async def story() -> None:
        meter = world.meter()
        await LeaseKeeper(meter, Odd(world.room), world.apply(meter)).first()
        assert not meter.take(1)

    play(story)
