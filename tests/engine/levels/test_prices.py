"""From the price list of a master to what the offers of a channel cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from olhubd.decide.pricing.alarms import price_findings
from olhubd.decide.stock.level import Phase
from olhubd.engine.operator.prices import PriceActions
from olhubd.model import AlarmKind, LevelKind, OfferState, PriceBasis, Reason, Reduction, Tax, code_of
from olhubd.plugin import PriceCall, PriceWish, Rejected, Unavailable
from olhubd.store import Database, events, levels, offers, stock_items
from tests.engine.levels.price_stall import PriceStall
from tests.orders import EPOCH, pln


async def make(database: Database, **rule: Any) -> PriceStall:
    """Five of A at 10.00 in the shop, and an offer of it at 10.00 that was listed after the switch went on."""
    stall = PriceStall(database, **rule)
    await stall.goods("A", "10.00")
    await stall.open()
    await stall.on_sale("111", "A", "10.00", listed_at=EPOCH + timedelta(seconds=1))
    await stall.price_turns(60)
    assert stall.tags.calls == []
    return stall


@pytest.fixture
async def stall(database: Database) -> PriceStall:
    return await make(database)


async def test_the_price_of_an_offer_follows_its_product(stall: PriceStall) -> None:
    """PRC-01: a new price of the product is sent, counted when it was read, and sent once."""
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns()
    assert stall.tags.calls == [("12.00 PLN", ("111",))]
    row = await stall.row()
    assert row is not None
    assert (row.phase, row.sent, row.confirmed, row.currency) == (Phase.SETTLING, 1200, 1000, "PLN")
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.confirmed, row.even, row.wanted_at) == (1200, True, None)
    assert stall.tags.calls == [("12.00 PLN", ("111",))]
    await stall.listed_price("p-A", "9.00")
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("9.00")


async def test_without_the_switch_of_the_account_no_price_is_sent(database: Database) -> None:
    """PRC-02: what was brought while it was off is not sent when it goes on either."""
    stall = PriceStall(database)
    await stall.goods()
    await stall.on_sale("111", price="11.00")
    listed = (await offers.by_external(database.reader, "allegro", ["111"]))["111"]
    await database.write(lambda tx: offers.follow_prices(tx, [listed.id], True))
    await stall.listed_price("p-A", "12.00")
    assert await stall.row() is None
    await stall.open()
    await stall.price_turns(600)
    assert (stall.tags.calls, await stall.row()) == ([], None)
    await stall.listed_price("p-A", "13.00")
    await stall.price_turns(600)
    assert stall.tags.calls == [("13.00 PLN", ("111",))]


async def test_the_price_is_that_of_the_list_of_the_account(database: Database) -> None:
    """PRC-03: the same product in another list concerns nobody, whichever list was read last."""
    stall = await make(database, price_list="retail")
    await stall.listed_price("p-A", "12.00", price_list="retail")
    await stall.price_turns(600)
    await stall.listed_price("p-A", "13.00", price_list="wholesale")
    await stall.listed_price("p-A", "12.50", price_list="retail")
    await stall.price_turns(600)
    assert stall.tags.calls == [("12.00 PLN", ("111",)), ("12.50 PLN", ("111",))]
    # Nor is a price sent again that somebody else has changed since.
    stall.tags.price["111"] = pln("11.00")
    await stall.read_offer("111", listed_at=EPOCH + timedelta(seconds=1))
    await stall.listed_price("p-A", "99.00")
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("11.00")


async def test_only_a_newly_brought_price_is_sent(stall: PriceStall) -> None:
    """PRC-04: neither another rule, nor the same price read again, nor a link makes one; a change does."""
    stall.priced = [stall.rule(multiply=Decimal(2), step=None)]
    await stall.listed_price("p-A", "10.00")
    await stall.on_sale("222", "A", "7.00", listed_at=EPOCH + timedelta(seconds=1))
    stall.pricer = stall.make_pricer()
    await stall.pricer.begin()
    await stall.price_turns(600)
    assert stall.tags.calls == []
    await stall.listed_price("p-A", "10.01")
    await stall.price_turns(600)
    assert stall.tags.calls == [("20.02 PLN", ("111", "222"))]


async def test_the_switch_of_an_offer_beats_that_of_its_account(stall: PriceStall) -> None:
    """PRC-05, PRC-09: with its own switch off an offer keeps its price, whatever was wanted; others go on."""
    await stall.on_sale("222", "A", listed_at=EPOCH + timedelta(seconds=1))
    listed = (await offers.by_external(stall.database.reader, "allegro", ["111"]))["111"]
    stall.tags.trouble = Unavailable("not now")
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns()
    await stall.database.write(lambda tx: offers.follow_prices(tx, [listed.id], False))
    stall.tags.trouble = None
    await stall.price_turns(600)
    await stall.listed_price("p-A", "13.00")
    await stall.price_turns(600)
    assert stall.tags.price == {"111": pln("10.00"), "222": pln("13.00")}
    row = await stall.row()
    assert row is not None
    assert (row.wanted, row.even) == (None, True)


async def test_what_was_brought_while_an_offer_was_off_is_not_sent_when_it_goes_on(database: Database) -> None:
    """PRC-04 for the switch of an offer: only what the list brings after that."""
    stall = PriceStall(database)
    await stall.goods()
    await stall.open()
    await stall.on_sale("111", listed_at=EPOCH - timedelta(days=1))
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    listed = (await offers.by_external(database.reader, "allegro", ["111"]))["111"]
    await database.write(lambda tx: offers.follow_prices(tx, [listed.id], True))
    await stall.price_turns(600)
    assert (stall.tags.calls, await stall.row()) == ([], None)
    await stall.listed_price("p-A", "12.50")
    await stall.price_turns(600)
    assert stall.tags.calls == [("12.50 PLN", ("111",))]


async def test_an_offer_that_was_listed_after_the_switch_follows(database: Database) -> None:
    """PRC-06: from its first reading on, and so it stays."""
    stall = PriceStall(database)
    await stall.goods()
    stall.clock.passed = 60
    await stall.open()
    await stall.on_sale("111", listed_at=EPOCH + timedelta(seconds=61))
    assert await stall.follows()
    await stall.on_sale("111", price="11.00", listed_at=EPOCH)
    assert await stall.follows()


async def test_an_offer_that_was_there_before_the_switch_keeps_its_price(database: Database) -> None:
    """PRC-07: whether it was read before, or is read now for the first time."""
    stall = PriceStall(database)
    await stall.goods()
    stall.clock.passed = 60
    await stall.on_sale("111", listed_at=EPOCH + timedelta(hours=1))
    await stall.open()
    await stall.on_sale("222", listed_at=EPOCH + timedelta(seconds=59))
    await stall.on_sale("333")
    assert [await stall.follows(one) for one in ("111", "222", "333")] == [False, False, False]
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    assert stall.tags.calls == []


async def test_a_resumed_offer_follows_that_was_linked_after_the_switch(database: Database) -> None:
    """PRC-08: one that was linked before does not."""
    stall = PriceStall(database)
    await stall.goods("A")
    await stall.on_sale("111", "A", state=OfferState.ENDED)
    await stall.on_sale("222", "B", state=OfferState.ENDED)
    stall.clock.passed = 60
    await stall.open()
    await stall.goods("B")
    assert not await stall.follows("222")
    await stall.read_offer("111", "A")
    await stall.read_offer("222", "B")
    assert [await stall.follows(one) for one in ("111", "222")] == [False, True]
    await stall.close()


@pytest.mark.parametrize(
    ("rule", "price", "why"),
    [
        ({"floor": Decimal("9.50")}, {"amount": "9.49"}, "pricing.floor"),
        ({}, {"amount": "0.00"}, "pricing.zero"),
        ({}, {"amount": None}, "pricing.not-listed"),
        ({}, {"amount": "12.00", "currency": "EUR"}, "pricing.currency"),
        ({}, {"amount": "12.00", "basis": PriceBasis.NET}, "pricing.net"),
    ],
)
async def test_what_must_not_be_sold_is_held_with_its_reason(
    database: Database, rule: dict[str, Any], price: dict[str, Any], why: str
) -> None:
    """S8: a price in another currency is no number beside another word."""
    stall = await make(database, **rule)
    await stall.listed_price("p-A", **price)
    await stall.price_turns(600)
    assert stall.tags.calls == []
    row = await stall.row()
    assert row is not None
    assert (row.wanted, code_of(row.held or "")) == (None, why)
    await stall.listed_price("p-A", "11.00")
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.held, row.confirmed) == (None, 1100)


async def test_a_net_price_is_sent_with_its_tax(stall: PriceStall) -> None:
    """S9."""
    await stall.listed_price("p-A", "10.00", basis=PriceBasis.NET, tax=Tax(rate=Decimal(23)))
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("12.30")


async def test_a_step_that_is_too_large_waits_for_a_person(stall: PriceStall) -> None:
    await stall.listed_price("p-A", "0.10")
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (stall.tags.calls, row.wanted, row.reason) == ([], 10, Reason("pricing.step"))
    # What the list says next is measured by what the offer costs, and not by what was held.
    await stall.listed_price("p-A", "9.90")
    await stall.price_turns(600)
    assert stall.tags.calls == [("9.90 PLN", ("111",))]


async def test_what_somebody_else_sets_is_reported_and_not_fought_over(stall: PriceStall) -> None:
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    stall.tags.price["111"] = pln("8.00")
    await stall.read_offer("111", listed_at=EPOCH + timedelta(seconds=1))
    await stall.price_turns(3600)
    row = await stall.row()
    assert row is not None
    assert (row.confirmed, row.reason) == (800, Reason("pricing.changed-elsewhere"))
    assert (len(stall.tags.calls), await stall.told()) == (1, ["pricing.changed-elsewhere"])
    await stall.listed_price("p-A", "11.00")
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("11.00")


async def test_a_price_under_a_rule_of_the_marketplace_is_left_alone(stall: PriceStall) -> None:
    """S10."""
    await stall.read_offer("111", listed_at=EPOCH + timedelta(seconds=1), price_rule="rule-1")
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (stall.tags.calls, row.reason) == ([], Reason("pricing.automatic"))
    await stall.read_offer("111", listed_at=EPOCH + timedelta(seconds=1))
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("12.00")


@pytest.mark.parametrize("mode", ["lost", "late", "never", "accepted"])
async def test_a_lost_answer_is_no_second_write_while_it_may_act(stall: PriceStall, mode: str) -> None:
    stall.tags.mode = mode
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(1)
    assert len(stall.tags.calls) == 1
    # Something newer waits until it is known what became of it.
    await stall.listed_price("p-A", "13.00")
    await stall.price_turns(1)
    assert len(stall.tags.calls) == 1
    stall.tags.mode = "done"
    stall.tags.act_late()
    await stall.price_turns(3600)
    assert stall.tags.price["111"] == pln("13.00")
    row = await stall.row()
    assert row is not None
    assert row.even


async def test_no_newer_price_is_sent_while_the_older_one_may_still_come(stall: PriceStall) -> None:
    """A system that works on when its caller is gone would write the older one over it."""
    stall.tags.price_late = timedelta(minutes=10)
    stall.pricer = stall.make_pricer()
    await stall.pricer.begin()
    stall.tags.mode = "late"
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(1)
    stall.tags.mode = "done"
    await stall.listed_price("p-A", "13.00")
    await stall.price_turns(300)
    assert len(stall.tags.calls) == 1
    stall.tags.act_late()
    await stall.price_turns(3600)
    assert stall.tags.price["111"] == pln("13.00")


async def test_a_command_that_was_kept_is_looked_up_by_the_next_process(stall: PriceStall) -> None:
    stall.tags.mode = "late"
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns()
    (kept,) = await levels.commands(stall.database.reader, "allegro", (await stall.row()).kind)  # type: ignore[union-attr]
    assert await levels.commands(stall.database.reader, "allegro") == []
    stall.tags.act_late()
    stall.pricer = stall.make_pricer()
    await stall.pricer.begin()
    await stall.price_turns(3600)
    assert len(stall.tags.calls) == 1
    assert kept.id in stall.tags.commands
    row = await stall.row()
    assert row is not None
    assert (row.confirmed, row.even) == (1200, True)


async def test_a_write_that_is_not_kept_is_tried_again_and_reported(stall: PriceStall) -> None:
    stall.tags.mode = "ignored"
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    assert "pricing.not-kept" in await stall.told()
    assert len(stall.tags.calls) >= 3
    stall.tags.mode = "done"
    await stall.price_turns(3600)
    assert stall.tags.price["111"] == pln("12.00")


async def test_one_refused_row_is_that_rows_failure(stall: PriceStall) -> None:
    await stall.on_sale("222", "A", listed_at=EPOCH + timedelta(seconds=1))
    stall.tags.refused["111"] = "the price is not allowed"
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(60)
    row = await stall.row()
    assert row is not None
    assert (stall.tags.price["222"], row.reason) == (pln("12.00"), "the price is not allowed")
    stall.tags.refused.clear()
    await stall.price_turns(7200)
    assert stall.tags.price["111"] == pln("12.00")


async def test_a_row_may_be_refused_by_a_reason_of_the_connector(stall: PriceStall) -> None:
    """It is kept as one, so that it is said in each language."""
    stall.tags.refused["111"] = Reason("olhubd_woocommerce:no-offer")
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(60)
    row = await stall.row()
    assert row is not None
    assert code_of(row.reason) == "olhubd_woocommerce:no-offer"


async def test_a_refused_call_is_tried_again_later(stall: PriceStall) -> None:
    stall.tags.trouble = Rejected("no", status=422)
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(5)
    stall.tags.trouble = None
    await stall.price_turns(7200)
    assert stall.tags.price["111"] == pln("12.00")


async def test_a_refused_call_holds_back_no_other(stall: PriceStall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop that keeps no coins refuses one price for good: those after it go all the same, at once."""
    await stall.goods("B", "10.00")
    await stall.on_sale("222", "B", "10.00", listed_at=EPOCH + timedelta(seconds=1))
    write = stall.tags.write_prices

    async def whole_only(command: str, call: PriceCall) -> Any:
        if call.price.amount % 1:
            raise Rejected("no coins here")
        return await write(command, call)

    monkeypatch.setattr(stall.tags, "write_prices", whole_only)
    await stall.listed_price("p-A", "9.50")
    await stall.listed_price("p-B", "9.00")
    await stall.price_turns(60)
    assert stall.tags.price == {"111": pln("10.00"), "222": pln("9.00")}
    # Nor is anything that comes later: the account itself does not pause.
    await stall.price_turns(3600)
    await stall.listed_price("p-B", "8.00")
    await stall.price_turns(60)
    assert stall.tags.price["222"] == pln("8.00")


async def test_prices_and_quantities_of_an_offer_go_beside_each_other(stall: PriceStall) -> None:
    """Neither leveller takes the rows or the commands of the other."""
    await stall.orders_read()
    await stall.turns(10)
    await stall.stock("A", 3)
    await stall.listed_price("p-A", "12.00")
    await stall.turns()
    await stall.price_turns()
    await stall.turns(60)
    await stall.price_turns(60)
    assert stall.channel.calls == [("set", 3, ("111",))]
    assert stall.tags.calls == [("12.00 PLN", ("111",))]
    assert (await stall.level()).confirmed == 3
    row = await stall.row()
    assert row is not None
    assert row.confirmed == 1200


async def test_a_set_costs_what_its_parts_cost(stall: PriceStall) -> None:
    """Two of A and one of B: all of its parts must have a price."""
    await stall.goods("B", "4.00")
    (item,) = await stock_items.find(stall.database.reader, "B")
    (one,) = (await offers.links_of(stall.database.reader, [1]))[1]
    links = [msgspec.structs.replace(one, units=2), msgspec.structs.replace(one, item=item.id)]
    await stall.database.write(lambda tx: offers.link(tx, links))
    stall.tags.price["111"] = pln("20.00")
    await stall.read_offer("111", listed_at=EPOCH + timedelta(seconds=1))
    await stall.listed_price("p-B", "5.00")
    await stall.price_turns(600)
    assert stall.tags.price["111"] == pln("25.00")
    await stall.listed_price("p-B", None)
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.wanted, row.held) == (None, Reason("pricing.not-listed", price_list="default"))


async def test_a_connector_that_makes_a_price_up_is_not_listened_to(stall: PriceStall) -> None:
    """What is sent is what was wanted of the offer, whatever a plan says."""
    plan = stall.tags.plan_prices

    def half(wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        return [msgspec.structs.replace(call, price=pln("6.00")) for call in plan(wishes)]

    stall.tags.plan_prices = half  # type: ignore[method-assign]
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(60)
    assert stall.tags.calls == []


LISTED = EPOCH + timedelta(seconds=1)


async def switch(stall: PriceStall, on: bool, number: str = "111") -> None:
    listed = (await offers.by_external(stall.database.reader, "allegro", [number]))[number]
    await stall.database.write(lambda tx: offers.follow_prices(tx, [listed.id], on))


async def pending(stall: PriceStall, amount: str, **more: Any) -> None:
    """The list brings a price that cannot be sent yet."""
    stall.tags.trouble = Unavailable("not now")
    await stall.listed_price("p-A", amount, **more)
    await stall.price_turns()
    stall.tags.trouble = None


async def test_a_price_that_the_offer_has_already_is_not_pending(stall: PriceStall) -> None:
    """What somebody else makes of it later is reported, and not fought over."""
    await stall.on_sale("111", "A", "12.00", listed_at=LISTED)
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.even, row.wanted_at, row.confirmed_at is not None) == (True, None, True)
    stall.tags.price["111"] = pln("15.00")
    await stall.read_offer("111", listed_at=LISTED)
    await stall.price_turns(600)
    assert (stall.tags.calls, await stall.told()) == ([], ["pricing.changed-elsewhere"])


async def test_what_was_wanted_before_a_switch_went_off_is_not_sent_when_it_goes_on(stall: PriceStall) -> None:
    """PRC-04: neither by the switch of the offer, nor by that of its account."""
    await pending(stall, "12.00")
    await switch(stall, False)
    await stall.price_turns(600)
    await stall.listed_price("p-A", "14.00")
    await stall.price_turns(600)
    await switch(stall, True)
    await stall.price_turns(600)
    assert stall.tags.calls == []
    await pending(stall, "12.50")
    await stall.close()
    stall.pricer = stall.make_pricer()
    await stall.open()
    await stall.price_turns(600)
    assert stall.tags.calls == []
    await stall.listed_price("p-A", "13.00")
    await stall.price_turns(600)
    assert stall.tags.calls == [("13.00 PLN", ("111",))]


async def test_a_pending_price_goes_by_the_terms_as_they_are_when_it_is_sent(database: Database) -> None:
    """Neither by the number of pieces nor by the rule of when it was brought."""
    stall = await make(database, step=None)
    await pending(stall, "12.00")
    (one,) = (await offers.links_of(database.reader, [1]))[1]
    await database.write(lambda tx: offers.link(tx, [msgspec.structs.replace(one, units=6)]))
    await stall.price_turns(600)
    assert stall.tags.calls == [("72.00 PLN", ("111",))]
    await pending(stall, "13.00")
    stall.priced = [stall.rule(step=None, multiply=Decimal(2))]
    await stall.price_turns(600)
    assert stall.tags.calls[1:] == [("156.00 PLN", ("111",))]
    # Nor is one sent for which there is no rule any more.
    await pending(stall, "14.00")
    stall.priced = []
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (len(stall.tags.calls), row.reason) == (2, Reason("pricing.no-rule"))


async def test_a_reduction_that_is_over_is_not_sent(stall: PriceStall) -> None:
    """Though no round has noticed that it is."""
    over = Reduction(price=pln("7.00"), valid_from=EPOCH, valid_until=EPOCH + timedelta(seconds=100))
    await pending(stall, "10.00", reduction=over)
    stall.clock.passed = 200
    await stall.price_turns(5)
    row = await stall.row()
    assert row is not None
    assert (stall.tags.calls, row.wanted, row.even) == ([], 1000, True)


async def test_an_approval_is_for_one_price_once(stall: PriceStall) -> None:
    await stall.listed_price("p-A", "1.00")
    await stall.price_turns(60)
    row = await stall.row()
    assert row is not None
    approved = msgspec.structs.replace(row, approved=100, reason=None)
    await stall.database.write(lambda tx: levels.put(tx, [approved]))
    await stall.price_turns(600)
    assert stall.tags.calls == [("1.00 PLN", ("111",))]
    stall.tags.price["111"] = pln("10.00")
    await stall.read_offer("111", listed_at=LISTED)
    for amount in ("10.00", "1.00"):
        await stall.listed_price("p-A", amount)
        await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (len(stall.tags.calls), row.reason) == (1, Reason("pricing.step"))


async def test_a_switch_that_went_off_while_others_were_sent_counts(stall: PriceStall) -> None:
    """It was planned with the others, and its own call was not kept yet."""
    await stall.goods("B", "20.00")
    await stall.on_sale("222", "B", "20.00", listed_at=LISTED)
    await stall.price_turns(5)
    await stall.listed_price("p-A", "12.00")
    await stall.listed_price("p-B", "22.00")
    write = stall.tags.write_prices

    async def first(command: str, call: PriceCall) -> Any:
        await switch(stall, False, "222")
        return await write(command, call)

    stall.tags.write_prices = first  # type: ignore[method-assign]
    await stall.price_turns(60)
    assert stall.tags.calls == [("12.00 PLN", ("111",))]


async def test_a_rule_that_changed_while_others_were_sent_counts(database: Database) -> None:
    stall = await make(database, floor=Decimal("1.00"))
    await stall.goods("B", "20.00")
    await stall.on_sale("222", "B", "20.00", listed_at=LISTED)
    await stall.price_turns(5)
    await stall.listed_price("p-A", "12.00")
    await stall.listed_price("p-B", "11.00")
    write = stall.tags.write_prices

    async def first(command: str, call: PriceCall) -> Any:
        stall.priced = [stall.rule(floor=Decimal("11.50"))]
        return await write(command, call)

    stall.tags.write_prices = first  # type: ignore[method-assign]
    await stall.price_turns(60)
    row = await stall.row("222")
    assert row is not None
    assert (stall.tags.calls, code_of(row.reason or "")) == ([("12.00 PLN", ("111",))], "pricing.floor")


async def test_a_price_that_somebody_put_back_is_noticed(stall: PriceStall) -> None:
    """The offer reads as it did before it was sent."""
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(600)
    stall.tags.price["111"] = pln("10.00")
    await stall.read_offer("111", listed_at=LISTED)
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.confirmed, row.even, await stall.told()) == (1000, False, ["pricing.changed-elsewhere"])


async def test_a_price_that_is_held_is_read_meanwhile(stall: PriceStall) -> None:
    await stall.listed_price("p-A", "10.50", basis=PriceBasis.NET)
    await stall.price_turns(60)
    stall.tags.price["111"] = pln("14.00")
    await stall.read_offer("111", listed_at=LISTED)
    await stall.listed_price("p-A", "10.00")
    await stall.price_turns(600)
    assert stall.tags.calls == [("10.00 PLN", ("111",))]


async def test_a_net_price_moves_with_its_tax(stall: PriceStall) -> None:
    for rate, gross in ((8, "10.80"), (23, "12.30")):
        await stall.listed_price("p-A", "10.00", basis=PriceBasis.NET, tax=Tax(rate=Decimal(rate)))
        await stall.price_turns(600)
        assert stall.tags.price["111"] == pln(gross)


async def test_what_is_under_way_when_its_switch_goes_off_is_still_settled(stall: PriceStall) -> None:
    stall.tags.mode = "late"
    await stall.listed_price("p-A", "12.00")
    await stall.price_turns(1)
    await switch(stall, False)
    stall.tags.act_late()
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.phase, row.wanted, row.confirmed) == (Phase.SETTLED, None, 1200)
    assert await levels.commands(stall.database.reader, "allegro", LevelKind.PRICE) == []


@pytest.mark.parametrize(("by_hand", "told"), [(True, []), (False, ["pricing.followed"])])
async def test_what_a_person_switched_off_stays_off_when_the_offer_comes_back(
    stall: PriceStall, by_hand: bool, told: list[str]
) -> None:
    """What goes on by itself is an event."""
    listed = (await offers.by_external(stall.database.reader, "allegro", ["111"]))["111"]
    await stall.database.write(lambda tx: offers.follow_prices(tx, [listed.id], False, by_hand=by_hand))
    await stall.read_offer("111", listed_at=LISTED, state=OfferState.ENDED)
    await stall.read_offer("111", listed_at=LISTED)
    assert (await stall.follows(), await stall.told()) == (not by_hand, told)


async def test_what_is_pending_stays_so_when_an_offer_that_follows_comes_back(stall: PriceStall) -> None:
    await pending(stall, "12.00")
    await stall.read_offer("111", listed_at=LISTED, state=OfferState.ENDED)
    await stall.read_offer("111", listed_at=LISTED)
    await stall.price_turns(600)
    assert stall.tags.calls == [("12.00 PLN", ("111",))]


async def test_a_person_switches_off_what_is_off_by_itself(stall: PriceStall) -> None:
    """Said once it is an event, said twice nothing; and it stays off when the offer comes back."""
    await switch(stall, False)
    in_force: Any = SimpleNamespace(prices=lambda: stall.priced)
    hands = PriceActions(in_force, stall.database, stall.clock, stall.pricer.wake)
    for _ in range(2):
        await hands.follow("allegro", "111", False, "ola")
    await stall.read_offer("111", listed_at=LISTED, state=OfferState.ENDED)
    await stall.read_offer("111", listed_at=LISTED)
    assert (await stall.follows(), await stall.told()) == (False, ["pricing.unfollowed"])


async def test_a_price_of_a_penny_is_never_sent_unasked(stall: PriceStall) -> None:
    """S7: no floor is set. Nothing is sent, and a person is asked."""
    await stall.listed_price("p-A", "0.01")
    await stall.price_turns(3600)
    assert stall.tags.calls == []
    row = await stall.row()
    assert row is not None
    assert code_of(row.reason) == "pricing.step"
    assert [one.kind for one in price_findings([row])] == [AlarmKind.PRICE]


async def test_a_price_that_cannot_be_read_is_neither_right_nor_wrong(stall: PriceStall) -> None:
    """Nothing more is sent, a person hears of it once, and it is read again."""
    stall.tags.unreadable.add("111")
    await stall.listed_price("p-A", "12.00")
    before = await stall.head()
    await stall.price_turns(600)
    row = await stall.row()
    assert row is not None
    assert (row.phase, row.sent, row.confirmed, row.even) == (Phase.SETTLING, 1200, 1000, False)
    assert len(stall.tags.calls) == 1
    since = await events.since(stall.database.reader, before)
    told = [(one.kind, msgspec.json.decode(one.data)) for one in since if one.kind.startswith("pricing.not-")]
    assert told == [("pricing.not-read", {"offer": "111"})]
    stall.tags.unreadable.clear()
    await stall.price_turns(1000)
    row = await stall.row()
    assert row is not None
    assert (row.confirmed, row.even) == (1200, True)
