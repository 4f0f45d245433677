"""Where a rule raises nothing, what an offer shows only falls while it can be bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.operator.sales_stops import SalesStopActions
from olhubd.model import Stage, code_of
from olhubd.plugin import LevelCall, RowOutcome
from olhubd.store import Database, sales_stops
from tests.engine.levels.stall import Channel, Stall
from tests.engine.levels.test_resuming import allow, passing

RULE = StockRule(
    master="shop", channels=frozenset({"allegro"}), lowered_by=frozenset({"processing"}), resume=True, raises=False
)


class Shop(Channel):
    """What is sold out there stays listed, and shows nothing."""

    def act(self, command: str, call: LevelCall) -> list[RowOutcome]:
        outcomes = list(super().act(command, call))
        if call.action == "end":
            self.shown |= dict.fromkeys(call.offers, 0)
            self.active |= dict.fromkeys(call.offers, True)
        return outcomes


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Five of A in the shop, and an offer of it that shows five."""
    stall = Stall(database, RULE)
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.leveller.begin()
    await passing(stall)
    return stall


async def test_what_comes_in_raises_nothing_and_what_goes_lowers(stall: Stall) -> None:
    """OFF-16, OFF-17: off, quantities only fall and are never above the stock; on, they are equal."""
    await stall.stock("A", 9)
    await passing(stall)
    assert stall.channel.shown["111"] == 5
    row = await stall.level()
    assert (row.wanted, str(row.held)) == (
        5,
        "9 may be sold; quantities are only lowered here (raise_quantities = false)",
    )
    await stall.stock("A", 3)
    await passing(stall)
    assert stall.channel.shown["111"] == 3
    await stall.stock("A", 7)
    await passing(stall)
    assert stall.channel.shown["111"] == 3
    stall.rules = [msgspec.structs.replace(RULE, raises=True)]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await passing(stall)
    assert (stall.channel.shown["111"], (await stall.level()).held) == (7, None)


async def test_what_a_cancelled_order_gives_back_raises_nothing(stall: Stall) -> None:
    order = await stall.bought("o1", "111", 2)
    await passing(stall)
    await stall.land("allegro", msgspec.structs.replace(order, stage=Stage.CANCELLED))
    await passing(stall)
    assert stall.channel.shown["111"] == 3
    assert not [call for call in stall.channel.calls if call[0] == "set"]


async def test_what_somebody_else_lowered_is_not_raised_again(stall: Stall) -> None:
    """Also where nothing was computed since: more is wanted than it shows then, and why it waits is said."""
    stall.channel.shown["111"] = 2
    await stall.listed("111")
    await passing(stall)
    assert stall.channel.shown["111"] == 2
    assert code_of((await stall.level()).reason) == "level.raise-off"
    await stall.stock("A", 6)
    await passing(stall)
    row = await stall.level()
    assert (row.wanted, row.confirmed) == (2, 2)


async def test_an_offer_that_was_linked_later_stays_below_the_stock(stall: Stall) -> None:
    await stall.offer("222", "A", 3)
    await stall.offer("333", "A", 8)
    await passing(stall)
    assert (stall.channel.shown["222"], stall.channel.shown["333"]) == (3, 5)


async def test_one_that_has_ended_comes_back_with_the_stock(stall: Stall) -> None:
    """Resuming is a switch of its own."""
    await allow(stall)
    await stall.stock("A", 0)
    await passing(stall)
    assert not stall.channel.active["111"]
    await stall.stock("A", 4)
    await passing(stall)
    assert (stall.channel.active["111"], stall.channel.shown["111"]) == (True, 4)


async def stopped(stall: Stall, kept: Channel) -> SalesStopActions:
    """Have all selling stopped where the offers are those of the stall, at a channel of another kind."""
    kept.__dict__ |= stall.channel.__dict__
    stall.channel, stall.leveller = kept, stall.make_leveller(channel=kept)
    await stall.leveller.begin()
    in_force, directory = SimpleNamespace(stock=lambda: stall.rules), SimpleNamespace(level=stall.leveller.wake)
    hands = SalesStopActions(cast("Any", directory), cast("Any", in_force), stall.database, stall.clock)
    await hands.stop("allegro", "anna", "the warehouse burns")
    await passing(stall)
    return hands


@pytest.mark.parametrize("channel", [Channel, Shop])
async def test_after_a_stop_it_shows_what_it_did(stall: Stall, channel: type[Channel]) -> None:
    """What came in meanwhile raises nothing. So it is where a stop ends offers, and where it sells them out."""
    kept = channel()
    hands = await stopped(stall, kept)
    assert not (kept.shown["111"] and kept.active["111"])
    await stall.stock("A", 9)
    await passing(stall)
    await hands.lift("allegro", "anna")
    # Both are heard of before anything is written.
    await stall.stock("A", 10)
    await stall.listed("111")
    await passing(stall, 300)
    assert (kept.active["111"], kept.shown["111"]) == (True, 5)
    await stall.stock("A", 12)
    await passing(stall)
    assert kept.shown["111"] == 5


@pytest.mark.parametrize("restart", [False, True])
async def test_news_between_a_lift_and_what_follows_from_it_keeps_nothing_at_zero(
    stall: Stall, restart: bool
) -> None:
    """The lift is one transaction, and what it gives back others: a leveller may follow a mark in between."""
    kept = Shop()
    hands = await stopped(stall, kept)
    assert kept.shown["111"] == 0
    await stall.database.write(lambda tx: sales_stops.lift(tx, "allegro"))
    for pieces in (4, 3, 4):
        await stall.stock("A", pieces)
        await stall.leveller.turn()
    if restart:
        stall.leveller = stall.make_leveller(channel=kept)
        await stall.leveller.begin()
    else:
        await hands._renew("allegro")
    await passing(stall, 300)
    assert kept.shown["111"] == 3
