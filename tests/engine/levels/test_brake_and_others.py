"""The brake beside what else changes offers: orders and their copies, links, what is divided, and a stop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from olhubd.decide.stock.policy import StockPolicy
from olhubd.engine.operator.link_rows import LinkRow
from olhubd.engine.operator.links import LinkActions
from olhubd.model import Offer, OfferState
from olhubd.plugin import Temporary
from olhubd.store import Database, offers, stock_plans
from tests.engine.levels.stall import Stall
from tests.engine.levels.test_braking import NAMES, RULE, all_say, hands, shown
from tests.engine.levels.test_stopping import hands as stops


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Ten offers that show the twelve pieces that there are of each."""
    return await opened(Stall(database, RULE))


async def opened(stall: Stall) -> Stall:
    for name in NAMES:
        await stall.stock(name, 12)
        await stall.offer(name, name, 12)
    await stall.leveller.begin()
    await settle(stall)
    return stall


async def settle(stall: Stall) -> None:
    for _ in range(2):
        await stall.land("other", stall.purchase(f"other-{stall.clock.passed}", "none"))
        await stall.orders_read()
        await stall.turns(600)


async def relink(stall: Stall, sku: str, units: int) -> None:
    in_force = SimpleNamespace(stock=lambda: stall.rules, routes=lambda: stall.routes)
    actions = LinkActions(cast("Any", in_force), stall.database, stall.clock, lambda: None)
    await actions.replace([LinkRow(number=1, account="allegro", offer="A", sku=sku, units=units)], "anna")
    await settle(stall)


async def test_a_rejected_raise_is_not_sent_after_an_order_and_its_copy(stall: Stall) -> None:
    await all_say(stall, 1200)
    await hands(stall).reject(1, "anna")
    await settle(stall)
    await stall.bought("1", "A", 1)
    await settle(stall)
    await stall.copied((await stall.reserved("A"))[0].order_id, "processing")
    await stall.stock("A", 1200)
    await settle(stall)
    assert shown(stall) == [11] + [12] * 9


async def test_a_rejected_raise_is_not_sent_after_a_stop(stall: Stall) -> None:
    """The order's mark has not been followed when all offers are computed again."""
    await all_say(stall, 1200)
    await hands(stall).reject(1, "anna")
    await settle(stall)
    await stall.bought("1", "A", 1)
    await stops(stall).stop("allegro", "anna")
    await settle(stall)
    await stops(stall).lift("allegro", "anna")
    await settle(stall)
    assert (await stall.level("A")).wanted == 11


async def test_a_link_to_fewer_pieces_is_not_held(stall: Stall) -> None:
    await all_say(stall, 0, NAMES[1:])
    assert shown(stall) == [12] * 10
    await relink(stall, "A", 4)
    assert shown(stall)[0] == 3
    await stall.stock("Z", 2)
    await settle(stall)
    await relink(stall, "Z", 1)
    assert shown(stall)[0] == 2


async def test_a_link_to_more_pieces_is_held(stall: Stall) -> None:
    await all_say(stall, 0, NAMES[1:])
    await stall.stock("Z", 50)
    await settle(stall)
    await relink(stall, "Z", 1)
    assert shown(stall)[0] == 12


async def test_a_doubt_is_no_other_link(stall: Stall) -> None:
    """Only its article number is another by now."""
    await all_say(stall, 0)
    for ean in ("5901234123457", "4006381333931"):
        offer = Offer(external_id="A", name="A", sku="A", state=OfferState.ACTIVE, quantity=12, ean=ean)
        await stall.land("allegro", offer)
        await settle(stall)
    listed = (await offers.by_external(stall.database.reader, "allegro", ["A"]))["A"]
    assert (await offers.links_of(stall.database.reader, [listed.id]))[listed.id][0].doubt is not None
    assert shown(stall)[0] == 12


async def test_what_is_called_back_goes_up_to_no_number_from_before_the_orders(database: Database) -> None:
    stall = await opened(Stall(database, msgspec.structs.replace(RULE, channels=frozenset({"allegro", "ebay"}))))
    stall.channel.trouble = Temporary("down")
    for name in "AB":
        await stall.stock(name, 0)
    await stall.turns(60)
    assert (await stall.level("A")).wanted == 0
    stall.channel.list("e", 12)
    await stall.listed("e", "A", "ebay")
    await stall.land("ebay", stall.purchase("9", "e", 8))
    await stall.turns(60)
    for name in "CDEF":
        await stall.stock(name, 0)
    await stall.turns(60)
    stall.channel.trouble = None
    await settle(stall)
    assert len(await stock_plans.listing(database.reader)) == 1
    assert shown(stall) == [4] + [12] * 9


async def test_what_orders_make_so_few_of_that_it_is_divided_is_not_held(database: Database) -> None:
    rule = msgspec.structs.replace(
        RULE, channels=frozenset({"allegro", "ebay"}), policy=StockPolicy.ALLOCATED, allocate_below=10
    )
    stall = await opened(Stall(database, rule))
    await stall.offer("A2", "A", 12)
    await settle(stall)
    await all_say(stall, 0, NAMES[1:])
    await stall.bought("1", "A", 3)
    await settle(stall)
    await stall.swept("allegro")
    await settle(stall)
    assert len(await stock_plans.listing(database.reader)) == 1
    assert stall.channel.shown["A"] + stall.channel.shown["A2"] == 9
    assert shown(stall)[1:] == [12] * 9
