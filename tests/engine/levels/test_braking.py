"""The brake: many offers that change at once by the master's numbers wait for a person, and orders never do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from olhubd.decide.stock.brake import Brake, PlanState
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.stock_plans import StockPlanActions
from olhubd.model import Stage
from olhubd.store import Database, events, stock_plans
from olhubd.store.stock_plans import BrakedPlan, PlanTally
from tests.engine.levels.stall import Stall

NAMES = tuple("ABCDEFGHIJ")
RULE = StockRule(
    master="shop",
    channels=frozenset({"allegro"}),
    lowered_by=frozenset({"processing", "on-hold"}),
    brake=Brake(share=20, least=3, factor=10),
)


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Ten offers that show the twelve pieces that there are of each."""
    made = Stall(database, RULE)
    for name in NAMES:
        await made.stock(name, 12)
        await made.offer(name, name, 12)
    await made.leveller.begin()
    await made.orders_read()
    await made.turns(60)
    return made


def hands(stall: Stall) -> StockPlanActions:
    in_force = SimpleNamespace(stock=lambda: stall.rules)
    directory = SimpleNamespace(level=stall.leveller.wake)
    return StockPlanActions(cast("Any", directory), cast("Any", in_force), stall.database, stall.clock)


def zeros(count: int) -> PlanTally:
    """What a person saw of a plan by which so many offers go to zero."""
    return PlanTally(offers=count, zeros=count)


async def plans(stall: Stall) -> list[BrakedPlan]:
    return await stock_plans.listing(stall.database.reader)


async def told(stall: Stall) -> list[str]:
    found = await events.since(stall.database.reader, 0)
    return [event.kind for event in found if event.kind.startswith(("stock.braked", "stock.plan"))]


async def all_say(stall: Stall, quantity: int, names: Sequence[str] = NAMES) -> None:
    for name in names:
        await stall.stock(name, quantity)
    await stall.orders_read()
    await stall.turns(60)


def shown(stall: Stall) -> list[int]:
    return [stall.channel.shown[name] if stall.channel.active[name] else 0 for name in NAMES]


async def test_a_master_that_says_zero_of_everything_changes_nothing(stall: Stall) -> None:
    before = len(stall.channel.calls)
    for name in NAMES:
        await stall.stock(name, 0)
    await stall.turns(600)
    assert (shown(stall), len(stall.channel.calls)) == ([12] * 10, before)
    (plan,) = await plans(stall)
    assert (plan.account, plan.master, plan.state) == ("allegro", "shop", PlanState.STOPPED)
    tally = await stock_plans.tally(stall.database.reader, plan.id)
    assert (tally.zeros, tally.raises, tally.offers) == (10, 0, 10)
    assert await told(stall) == ["stock.braked"]
    row = await stall.level("A")
    assert (row.wanted, row.held) == (
        12,
        "the brake holds it back: by the stock master's numbers it shows 0 (plan 1)",
    )


async def test_nothing_else_of_the_plan_leaves_either(stall: Stall) -> None:
    """A number that is harmless alone is the same master's."""
    for name in NAMES:
        await stall.stock(name, {"A": 11, "B": 20}.get(name, 0))
    await stall.orders_read()
    await stall.turns(600)
    assert shown(stall) == [12] * 10
    await stall.stock("A", 10)
    await stall.orders_read()
    await stall.turns(600)
    assert shown(stall)[0] == 12


async def test_what_orders_lower_is_never_braked(stall: Stall) -> None:
    await stall.offer("A-2", "A", 12)
    for name in NAMES:
        await stall.stock(name, 0)
    await stall.turns(60)
    await stall.bought("1", "A", 3)
    await stall.turns(600)
    assert (shown(stall), stall.channel.shown["A-2"]) == ([9] + [12] * 9, 9)
    await stall.bought("2", "A", 9)
    await stall.turns(600)
    assert (stall.channel.active["A"], stall.channel.active["A-2"]) == (False, False), "sold out by orders"
    await stall.bought("3", "B", 2)
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.turns(600)
    assert (await stall.level("B")).wanted == 10, "a restart takes it off no second time"


async def test_what_an_order_gives_back_is_not_raised(stall: Stall) -> None:
    made = await stall.bought("1", "A", 3)
    for name in NAMES:
        await stall.stock(name, 0)
    await stall.turns(60)
    await stall.land("allegro", msgspec.structs.replace(made, stage=Stage.CANCELLED))
    await stall.orders_read()
    await stall.turns(600)
    assert shown(stall)[0] == 9


async def test_few_that_are_sold_out_are_no_matter(stall: Stall) -> None:
    await all_say(stall, 0, NAMES[:2])
    assert (shown(stall), await plans(stall)) == ([0, 0] + [12] * 8, [])


async def test_bleeding_within_an_hour_is_stopped(stall: Stall) -> None:
    for name in NAMES[:2]:
        await all_say(stall, 0, [name])
        stall.clock.passed += 600
    await all_say(stall, 0, ["C"])
    assert shown(stall) == [0, 0] + [12] * 8
    (plan,) = await plans(stall)
    assert (plan.counted, plan.showing) == (3, 10)


async def test_what_was_an_hour_ago_does_not_count(stall: Stall) -> None:
    for name in NAMES[:4]:
        await all_say(stall, 0, [name])
        stall.clock.passed += 1900
    assert (shown(stall), await plans(stall)) == ([0] * 4 + [12] * 6, [])


async def test_what_was_not_sent_yet_is_called_back(stall: Stall) -> None:
    for name in NAMES[:2]:
        await stall.stock(name, 0)
    await stall.leveller._follow()
    assert (await stall.level("A")).wanted == 0
    for name in NAMES[2:]:
        await stall.stock(name, 0)
    await stall.turns(600)
    assert shown(stall) == [12] * 10
    (plan,) = await plans(stall)
    assert (await stock_plans.tally(stall.database.reader, plan.id)).zeros == 10


async def test_too_many_raised_too_far_are_stopped(stall: Stall) -> None:
    await all_say(stall, 120)
    assert shown(stall) == [120] * 10, "ten times is not more than ten times"
    await all_say(stall, 1201)
    assert shown(stall) == [120] * 10
    (plan,) = await plans(stall)
    assert (await stock_plans.tally(stall.database.reader, plan.id)).raises == 10


async def test_what_is_approved_goes(stall: Stall) -> None:
    await all_say(stall, 0)
    (plan,) = await plans(stall)
    with pytest.raises(NotPossible, match="by now: 10 offers, 10 of them to zero, 0 raised far"):
        await hands(stall).approve(plan.id, "anna", zeros(9))
    done = await hands(stall).approve(plan.id, "anna", zeros(10))
    assert (done.state, done.decided_by, done.tally and done.tally.zeros) == (PlanState.APPROVED, "anna", 10)
    assert len(done.examples) == 10
    await stall.turns(600)
    assert shown(stall) == [0] * 10
    assert await told(stall) == ["stock.braked", "stock.plan-approved"]
    with pytest.raises(NotPossible, match="approved"):
        await hands(stall).reject(plan.id, "anna")


async def test_what_happens_otherwise_to_as_many_offers_is_nobodys_approval(stall: Stall) -> None:
    """A master that said a thousand of each says zero by now; nobody has followed it yet."""
    await all_say(stall, 1201)
    (plan,) = await plans(stall)
    seen = await stock_plans.tally(stall.database.reader, plan.id)
    assert seen == PlanTally(offers=10, raises=10)
    for name in NAMES:
        await stall.stock(name, 0)
    with pytest.raises(NotPossible, match="by now: 10 offers, 10 of them to zero, 0 raised far"):
        await hands(stall).approve(plan.id, "anna", seen)
    await stall.turns(600)
    assert shown(stall) == [12] * 10
    now = await stock_plans.tally(stall.database.reader, plan.id)
    assert (await hands(stall).approve(plan.id, "anna", now)).state is PlanState.APPROVED


async def test_a_plan_of_which_nothing_is_left_by_what_was_said_since_is_not_approved(stall: Stall) -> None:
    await all_say(stall, 0)
    (plan,) = await plans(stall)
    for name in NAMES:
        await stall.stock(name, 12)
    with pytest.raises(NotPossible, match="withdrawn"):
        await hands(stall).approve(plan.id, "anna", zeros(10))


async def test_after_an_approval_it_counts_from_nothing(stall: Stall) -> None:
    await all_say(stall, 0, NAMES[:5])
    await hands(stall).approve(1, "anna", zeros(5))
    await all_say(stall, 0, NAMES[5:6])
    assert (shown(stall), len(await plans(stall))) == ([0] * 6 + [12] * 4, 1)


async def test_what_is_rejected_stays_until_the_numbers_change(stall: Stall) -> None:
    await all_say(stall, 0)
    await hands(stall).reject(1, "anna", "the export was empty")
    await all_say(stall, 0)
    assert shown(stall) == [12] * 10
    await stall.bought("1", "A", 2)
    await stall.turns(600)
    assert shown(stall) == [10] + [12] * 9
    await all_say(stall, 7, NAMES[1:3])
    assert shown(stall) == [10, 7, 7] + [12] * 7
    (plan,) = await plans(stall)
    assert plan.ended_at is None
    await all_say(stall, 9)
    assert shown(stall) == [7] + [9] * 9
    (plan,) = await plans(stall)
    assert (plan.state, plan.ended_at is None) == (PlanState.REJECTED, False)
    assert await told(stall) == ["stock.braked", "stock.plan-rejected"]


async def test_numbers_that_come_back_end_a_plan(stall: Stall) -> None:
    for name in NAMES:
        await stall.stock(name, 11 if name == "A" else 0)
    await stall.turns(60)
    await all_say(stall, 12, NAMES[1:])
    assert shown(stall) == [11] + [12] * 9, "and what was harmless goes"
    (plan,) = await plans(stall)
    assert (plan.state, plan.ended_at is None) == (PlanState.WITHDRAWN, False)
    assert await told(stall) == ["stock.braked", "stock.plan-withdrawn"]


async def test_a_restart_lets_nothing_go(stall: Stall) -> None:
    for name in NAMES:
        await stall.stock(name, 0)
    await stall.turns(60)
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.turns(600)
    assert (shown(stall), len(await plans(stall))) == ([12] * 10, 1)


async def test_a_brake_that_is_off_stops_nothing(stall: Stall) -> None:
    stall.rules = [msgspec.structs.replace(RULE, brake=None)]
    await all_say(stall, 0)
    assert (shown(stall), await plans(stall)) == ([0] * 10, [])


async def test_a_brake_that_is_switched_off_lets_go(stall: Stall) -> None:
    await all_say(stall, 0)
    assert shown(stall) == [12] * 10
    stall.rules = [msgspec.structs.replace(RULE, brake=None)]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.turns(600)
    (plan,) = await plans(stall)
    assert (shown(stall), plan.state) == ([0] * 10, PlanState.WITHDRAWN)


async def test_accounts_are_counted_each_alone(stall: Stall, tmp_path: Path) -> None:
    """Where the other account sells one of them, that is one of one there, and too few to be stopped."""
    stall.rules = [msgspec.structs.replace(RULE, channels=frozenset({"allegro", "ebay"}))]
    await stall.land("ebay")
    await all_say(stall, 0)
    assert [plan.account for plan in await plans(stall)] == ["allegro"]
