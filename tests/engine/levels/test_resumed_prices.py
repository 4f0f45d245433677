"""What an offer costs that comes back: the price of the list as it is then, or the one that it had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.terms import PRICE_FIRST
from olhubd.model import OfferState, code_of
from olhubd.plugin import LevelCall, RowOutcome
from olhubd.store import Database, Transaction, levels, offers
from tests.engine.levels.price_stall import PriceStall
from tests.engine.levels.stall import Channel
from tests.orders import pln

STOCK = StockRule(master="shop", channels=frozenset({"allegro"}), lowered_by=frozenset({"processing"}), resume=True)


class Watched(Channel):
    """Notes what an offer costs at the moment in which it can be bought again."""

    def __init__(self, stall: PriceStall) -> None:
        super().__init__()
        self.stall = stall
        self.now = stall.clock.now
        self.back: list[tuple[str, str]] = []

    def act(self, command: str, call: LevelCall) -> Sequence[RowOutcome]:
        if call.action == "activate":
            self.back += [(offer, str(self.stall.tags.price[offer])) for offer in call.offers]
        return super().act(command, call)


async def sold_out(
    database: Database, *, follows: bool | None = True, resumes: bool = True, **rule: Any
) -> tuple[PriceStall, Watched]:
    """An offer at 10.00 has ended, sold out; the list had said 12.00 before its prices followed. `follows` is what
    a person said of its own switch, None for nothing."""
    stall = PriceStall(database, **rule)
    channel = Watched(stall)
    stall.channel, stall.rules = channel, [STOCK]
    stall.leveller = stall.make_leveller(channel=channel)
    await stall.goods("A", "12.00")
    stall.tags.price["111"] = pln("10.00")
    channel.list("111", 5)
    if follows is None:
        await stall.open()
    await stall.read_offer("111", "A")
    if follows is not None:
        await stall.open()
    await passing(stall)
    row = await stall.level()

    async def work(tx: Transaction) -> None:
        await levels.put(tx, [msgspec.structs.replace(row, resumes=resumes)])
        if follows is not None:
            await offers.follow_prices(tx, [row.offer], follows, by_hand=True)

    await database.write(work)
    await stall.stock("A", 0)
    await passing(stall)
    await stall.read_offer("111", "A", state=OfferState.ENDED)
    assert (channel.active["111"], stall.tags.calls) == (False, [])
    return stall, channel


async def passing(stall: PriceStall, seconds: int = 120) -> None:
    for _ in range(seconds // 10):
        await stall.orders_read()
        await stall.price_turns(0)
        await stall.turns(10)


@pytest.mark.parametrize(("switch", "price"), [(True, "12.00 PLN"), (False, "10.00 PLN")])
async def test_it_costs_what_the_list_says_then_or_what_it_did(
    database: Database, switch: bool, price: str
) -> None:
    """OFF-25: by itself. The price is there before anybody can buy it."""
    stall, channel = await sold_out(database, on_resume=switch)
    await stall.stock("A", 4)
    for _ in range(5):
        await stall.orders_read()
        await stall.turns(10)
    assert (channel.back == []) is switch, "nobody has sent its price"
    await passing(stall)
    assert channel.back == [("111", price)]
    assert (channel.active["111"], channel.shown["111"], (await stall.level()).even) == (True, 4, True)


@pytest.mark.parametrize(("switch", "price"), [(True, "12.00 PLN"), (False, "10.00 PLN")])
async def test_by_hand_it_is_the_same(database: Database, switch: bool, price: str) -> None:
    """OFF-25, MAN-08: the same rule of prices."""
    stall, channel = await sold_out(database, resumes=False, on_resume=switch)
    await stall.stock("A", 4)
    await passing(stall)
    assert channel.back == []
    row = await stall.level()
    asked = msgspec.structs.replace(row, resume_by="eve", tries=0, due_at=None)
    await database.write(lambda tx: levels.put(tx, [asked]))
    await passing(stall)
    assert channel.back == [("111", price)]


async def test_one_whose_own_switch_is_off_keeps_its_price(database: Database) -> None:
    stall, channel = await sold_out(database, follows=False, on_resume=True)
    await stall.stock("A", 4)
    await passing(stall)
    assert channel.back == [("111", "10.00 PLN")]


async def test_one_that_was_linked_after_the_switch_follows_as_it_comes_back(database: Database) -> None:
    """Before it can be bought, and not with the next reading."""
    stall, channel = await sold_out(database, follows=None, on_resume=True)
    assert not await stall.follows()
    await stall.stock("A", 4)
    await passing(stall)
    assert channel.back == [("111", "12.00 PLN")]
    assert await stall.follows()
    assert (await stall.told()).count("pricing.followed") == 1


async def test_a_price_that_waits_for_a_person_keeps_its_offer_from_coming_back(database: Database) -> None:
    """It would be sold at a price that the list does not say any more."""
    stall, channel = await sold_out(database, on_resume=True)
    await stall.listed_price("p-A", "200.00")
    await stall.stock("A", 4)
    await passing(stall)
    row, price = await stall.level(), await stall.row()
    assert (channel.back, code_of(row.reason)) == ([], PRICE_FIRST)
    assert price is not None
    assert code_of(price.reason) == "pricing.step"
    approved = msgspec.structs.replace(price, approved=price.wanted, reason=None)
    await database.write(lambda tx: levels.put(tx, [approved]))
    await passing(stall)
    assert channel.back == [("111", "200.00 PLN")]


async def test_one_whose_price_is_refused_while_it_has_ended_comes_back(database: Database) -> None:
    stall, channel = await sold_out(database, on_resume=True)
    stall.tags.refused["111"] = "OFFER_NOT_ACTIVE"
    await stall.stock("A", 4)
    await passing(stall)
    assert channel.back == [("111", "10.00 PLN")]
    stall.tags.refused.clear()
    await stall.price_turns(7200)
    assert stall.tags.price["111"] == pln("12.00")


async def test_what_the_list_does_not_say_is_no_price(database: Database) -> None:
    stall, channel = await sold_out(database, on_resume=True)
    await stall.listed_price("p-A", None)
    await stall.stock("A", 4)
    await passing(stall)
    assert channel.back == [("111", "10.00 PLN")]
