"""Offers that were sold out come back, nobody fights over an offer, and what sells beside the hub is reported."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from olhubd.decide.stock.policy import StockRule
from olhubd.model import EndedBy, Stage, code_of
from olhubd.plugin import ContractBroken
from olhubd.store import Database, Transaction, events, levels, offer_terms, unknown_offers
from tests.engine.levels.stall import Stall

RULE = StockRule(
    master="shop",
    channels=frozenset({"allegro"}),
    lowered_by=frozenset({"processing", "on-hold"}),
    resume=True,
)


@pytest.fixture
async def stall(database: Database) -> Stall:
    return await resuming(database)


async def resuming(database: Database) -> Stall:
    """Five of A in the shop, and an offer of it that shows five and may be resumed."""
    stall = Stall(database, RULE)
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.orders_read()
    await stall.turns(10)
    await allow(stall)
    return stall


async def allow(stall: Stall, number: str = "111", **fields: object) -> None:
    row = await stall.level(number)

    async def work(tx: Transaction) -> None:
        await levels.put(tx, [msgspec.structs.replace(row, **{"resumes": True, **fields})])

    await stall.database.write(work)


async def restocked(stall: Stall, pieces: int = 4) -> None:
    await stall.stock("A", pieces)
    await passing(stall)


async def passing(stall: Stall, seconds: int = 120) -> None:
    """Time passes, and the orders are read now and then."""
    for _ in range(seconds // 10):
        await stall.orders_read()
        await stall.turns(10)


async def test_what_stock_control_ended_comes_back_filled_first(stall: Stall) -> None:
    """OFF-18, OFF-21: with stock, by itself, and never with more than there is."""
    await stall.stock("A", 0)
    await stall.turns(10)
    row = await stall.level()
    assert (row.active, row.ended_here, row.inside) == (False, True, 5)
    await restocked(stall)
    assert stall.channel.calls == [("end", None, ("111",)), ("set", 4, ("111",)), ("activate", None, ("111",))]
    row = await stall.level()
    assert (row.confirmed, row.active, row.even, row.ended_here) == (4, True, True, False)
    kinds = [event.kind for event in await events.latest(stall.database.reader, limit=20)]
    assert "offer.resumed" in kinds


async def test_what_holds_the_right_number_is_only_activated(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    await restocked(stall, 5)
    assert [call[0] for call in stall.channel.calls] == ["end", "activate"]


async def test_what_sold_out_by_a_sale_comes_back(stall: Stall) -> None:
    await stall.bought("o1", "111", 5, stage=Stage.PLACED)
    await stall.listed("111")
    await stall.turns(10)
    row = await stall.level()
    assert (row.active, row.ended_here, row.wanted) == (False, False, 0)
    await restocked(stall, 9)
    assert [call[0] for call in stall.channel.calls] == ["set", "activate"]
    assert stall.channel.shown["111"] == 4


@pytest.mark.parametrize(
    ("resumes", "rule", "why"),
    [(False, True, "level.resume-off"), (True, False, "level.ended"), (False, False, "level.ended")],
)
async def test_nothing_comes_back_that_is_not_said_to(stall: Stall, resumes: bool, rule: bool, why: str) -> None:
    """OFF-23: the rule alone resumes nothing; each offer is left out until it is said otherwise."""
    stall.rules[:] = [msgspec.structs.replace(stall.rules[0], resume=rule)]
    await allow(stall, resumes=resumes)
    await stall.stock("A", 0)
    await stall.turns(10)
    await restocked(stall)
    assert [call[0] for call in stall.channel.calls] == ["end"]
    assert code_of((await stall.level()).reason) == why
    assert stall.channel.asked.count("111") == 1, "its terms cost a call, and are not needed"
    counted = await levels.unresumed(stall.database.reader)
    assert counted == ({} if resumes else {"allegro": 1})


@pytest.mark.parametrize(
    ("by", "days", "changed", "why"),
    [
        (EndedBy.SELLER, 0.0, {}, "level.ended-by-seller"),
        (EndedBy.MARKETPLACE, 0.0, {}, "level.ended-by-marketplace"),
        (EndedBy.EXPIRED, 60.1, {}, "level.ended-long-ago"),
        (EndedBy.EXPIRED, 0.0, {"buy_now": False}, "level.not-buy-now"),
        (EndedBy.EXPIRED, 0.0, {"renews": True}, "level.republishes"),
        (EndedBy.EXPIRED, 59.9, {}, None),
    ],
)
async def test_what_may_not_come_back_says_why(
    stall: Stall, by: EndedBy, days: float, changed: dict[str, object], why: str | None
) -> None:
    """OFF-19, OFF-27."""
    stall.channel.end("111", by, stall.clock.now() - timedelta(days=days))
    stall.channel.terms["111"] = msgspec.structs.replace(stall.channel.terms["111"], **changed)
    await stall.listed("111")
    await restocked(stall)
    assert code_of((await stall.level()).reason) == why
    assert stall.channel.active["111"] is (why is None)
    if why is not None:
        assert stall.channel.calls == []
        before = len(stall.channel.asked)
        await stall.turns(600)
        assert len(stall.channel.asked) == before, "what is known is not asked for again"


async def test_a_raise_waits_for_the_orders_also_when_it_brings_back(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    stall.read_through = 0
    await stall.stock("A", 4)
    await stall.turns(120)
    assert [call[0] for call in stall.channel.calls] == ["end"]
    assert stall.leveller.waiting


async def test_what_is_sold_between_filling_and_activating_is_filled_again(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    await stall.stock("A", 4)
    await stall.orders_read()
    await stall.turns(0)
    assert [call[0] for call in stall.channel.calls] == ["end", "set"]
    await stall.stock("A", 1)
    await passing(stall)
    assert [call[:2] for call in stall.channel.calls[1:]] == [("set", 4), ("set", 1), ("activate", None)]
    assert stall.channel.shown["111"] == 1


async def test_what_sells_out_before_it_is_activated_stays_ended(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    await stall.stock("A", 4)
    await stall.orders_read()
    await stall.turns(0)
    await stall.stock("A", 0)
    await passing(stall)
    assert [call[0] for call in stall.channel.calls] == ["end", "set"]
    assert (await stall.level()).even


async def test_a_lost_answer_activates_once(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    stall.channel.mode = "lost"
    await restocked(stall)
    assert [call[0] for call in stall.channel.calls] == ["end", "set", "activate"]
    assert (await stall.level()).even


async def test_an_offer_that_lists_itself_again_is_not_raised_and_is_lowered(stall: Stall) -> None:
    stall.channel.terms["111"] = msgspec.structs.replace(stall.channel.terms["111"], renews=True)
    fresh = Stall(stall.database, RULE)
    fresh.channel, fresh.clock, fresh.read_through = stall.channel, stall.clock, stall.read_through
    await fresh.database.write(lambda tx: tx.execute("DELETE FROM offer_terms"))
    fresh.leveller = fresh.make_leveller()
    await restocked(fresh, 9)
    row = await fresh.level()
    assert (row.confirmed, code_of(row.reason)) == (5, "level.republishes")
    assert await offer_terms.renewing(fresh.database.reader, ["allegro"]) == {"allegro": ["111"]}
    await fresh.stock("A", 2)
    await fresh.turns(10)
    assert fresh.channel.shown["111"] == 2


async def test_terms_are_read_once_for_each_offer_that_is_linked(stall: Stall) -> None:
    for number in range(45):
        await stall.stock(f"B{number}", 5)
        await stall.offer(f"2{number:02}", f"B{number}", 5)
    await stall.turns(120)
    assert sorted(stall.channel.asked) == sorted(["111", *(f"2{number:02}" for number in range(45))])


# Somebody else


@pytest.mark.parametrize("jump", [0.0, -7200.0])
async def test_a_second_seller_is_answered_twice_and_then_a_person_is_called(stall: Stall, jump: float) -> None:
    """S15: who sets five after each of our zeros: three commands at most, also where the clock was put back."""
    await stall.stock("A", 0)
    await stall.turns()
    stall.clock.wrong = timedelta(seconds=jump)
    await stall.turns(60)
    for _ in range(6):
        stall.channel.activate("111")
        await stall.listed("111")
        await stall.turns(60)
    assert [call[0] for call in stall.channel.calls] == ["end", "end", "end"]
    row = await stall.level()
    assert row.disputed_at is not None
    assert code_of(row.reason) == "level.disputed"
    assert [one.shown for one in row.drifts] == [5, 5, 5]
    kinds = [event.kind for event in await events.latest(stall.database.reader, limit=60)]
    assert kinds.count("level.disputed") == 1
    assert [one.external_id for one in await levels.disputed(stall.database.reader)] == ["111"]


async def test_a_lower_number_of_somebody_else_is_kept_in_dispute(stall: Stall) -> None:
    for _ in range(6):
        stall.channel.shown["111"] = 2
        await stall.listed("111")
        await stall.orders_read()
        await stall.turns(60)
    assert stall.channel.shown["111"] == 2
    assert [call[1] for call in stall.channel.calls] == [5, 5]
    await stall.stock("A", 1)
    await stall.turns(60)
    assert stall.channel.shown["111"] == 1, "what was sold must not be sold again"


async def test_sales_and_restocks_are_no_dispute(stall: Stall) -> None:
    for number in range(8):
        await stall.bought(f"o{number}", "111", 1, stage=Stage.PLACED)
        await stall.listed("111")
        await stall.orders_read()
        await stall.turns(20)
        await stall.stock("A", 5 + number + 1)
        await stall.orders_read()
        await stall.turns(20)
    assert (await stall.level()).drifts == ()


async def test_a_refused_raise_is_not_tried_every_round(stall: Stall) -> None:
    """S17."""
    stall.channel.refused["111"] = "RESPONSIBLE_PRODUCER_NOT_SPECIFIED"
    await restocked(stall, 9)
    await stall.turns(3600)
    assert 3 <= len(stall.channel.calls) <= 5
    row = await stall.level()
    assert row.reason == "RESPONSIBLE_PRODUCER_NOT_SPECIFIED"


async def test_what_cannot_be_lowered_is_ended_and_what_cannot_be_ended_is_reported(stall: Stall) -> None:
    """S17: quantity by command, then the end, then a person: it sells five, one may be sold."""
    stall.channel.refused["set 111"] = "CATEGORY_CLOSED"
    await stall.stock("A", 1)
    await stall.turns(60)
    assert [call[0] for call in stall.channel.calls] == ["set", "set", "end"]
    assert not stall.channel.active["111"]
    assert await levels.stuck(stall.database.reader, ["allegro"]) == []
    row = await stall.level()
    assert row.ended_here

    stall.channel.activate("111")
    await stall.listed("111")
    stall.channel.refused["111"] = "BLOCKED"
    await stall.turns(120)
    (stuck,) = await levels.stuck(stall.database.reader, ["allegro"])
    assert (stuck.external_id, stuck.confirmed, stuck.wanted, stuck.reason) == ("111", 5, 1, "BLOCKED")


async def test_an_offer_that_cannot_be_lowered_is_reported_also_where_nobody_knows_what_it_shows(
    stall: Stall,
) -> None:
    """What it shows may be more than there is: not to know it is no reason to be quiet."""
    stall.channel.refused["111"] = "BLOCKED"
    await stall.stock("A", 1)
    await stall.turns(120)
    await allow(stall, confirmed=None)
    (stuck,) = await levels.stuck(stall.database.reader, ["allegro"])
    assert (stuck.external_id, stuck.confirmed, stuck.wanted, stuck.reason) == ("111", None, 1, "BLOCKED")
    assert await levels.stuck(stall.database.reader, ["other"]) == []


# Receipts


async def test_a_report_of_another_deed_leaves_its_rows_unsettled_and_holds_up_no_other(stall: Stall) -> None:
    """S20."""
    await stall.stock("B", 5)
    await stall.offer("222", "B", 5)
    await stall.turns(10)
    real = stall.channel.report_levels
    foreign = "command-1"

    async def report(command: str, call: object) -> object:
        if command == foreign:
            raise ContractBroken("the tasks of another command")
        return await real(command, call)  # type: ignore[arg-type]

    stall.channel.report_levels = report  # type: ignore[method-assign,assignment]
    stall.channel.mode = "accepted"
    await stall.stock("A", 2)
    await stall.turns(0)
    await stall.stock("B", 3)
    await stall.turns(60)
    one, other = await stall.level("111"), await stall.level("222")
    assert other.even
    assert (one.command, one.sent, one.confirmed) == (foreign, 2, 5)
    kinds = [event.kind for event in await events.latest(stall.database.reader, limit=60)]
    assert kinds.count("level.report-strange") == 1
    assert "allegro" in await levels.unsettled(stall.database.reader, ["allegro"])


async def test_a_command_without_an_end_is_known_by_its_offers(stall: Stall) -> None:
    """S21: totals stay zero for ever, as with another seller's offer: later its offers are read one by one."""
    from olhubd.plugin import Accepted

    async def never(*_: object) -> Accepted:
        return Accepted(after=2.0)

    stall.channel.mode = "accepted"
    stall.channel.report_levels = never  # type: ignore[method-assign,assignment]
    await stall.stock("A", 2)
    await stall.turns(600)
    assert not (await stall.level()).even
    await stall.turns(600)
    assert (await stall.level()).even


# What nobody knew


async def test_a_renewed_offer_is_reported_and_lowered_at_once(stall: Stall) -> None:
    """S14: 111 is sold out and its marketplace makes 222 with the ten that it began with."""
    await stall.stock("A", 0)
    await stall.turns(30)
    await stall.offer("222", "A", 10)
    assert await unknown_offers.selling(stall.database.reader, ["allegro"]) == []
    await stall.leveller._follow()
    (one,) = await unknown_offers.selling(stall.database.reader, ["allegro"])
    assert (one.external_id, one.known, one.shown, one.wanted) == ("222", "111", 10, 0)
    (event,) = [e for e in await events.latest(stall.database.reader, limit=20) if e.kind == "offer.unknown"]
    assert msgspec.json.decode(event.data) == {"offer": "222", "known": "111", "shown": 10}
    await stall.turns(30)
    assert not stall.channel.active["222"]
    assert await unknown_offers.selling(stall.database.reader, ["allegro"]) == []


async def test_an_offer_that_cannot_be_linked_is_reported_until_it_is_ignored(stall: Stall) -> None:
    (item,) = await items(stall)
    await stall.land("shop", msgspec.structs.replace(item, external_id="another"))
    await stall.offer("222", "A", 10)
    (one,) = await unknown_offers.selling(stall.database.reader, ["allegro"])
    assert (one.external_id, one.known, one.shown, one.wanted) == ("222", "A", 10, None)

    async def ignored(tx: Transaction) -> bool:
        return await unknown_offers.ignore(tx, "allegro", "222", stall.clock.now(), "ania")

    assert await stall.database.write(ignored)
    assert await unknown_offers.selling(stall.database.reader, ["allegro"]) == []
    assert not await stall.database.write(ignored)


async def test_offers_are_unknown_also_when_their_item_comes_later(database: Database) -> None:
    stall = Stall(database, RULE)
    await stall.offer("222", "A", 10)
    await stall.stock("A", 3)
    assert await unknown_offers.selling(database.reader, ["allegro"]) == []
    (item,) = await items(stall)
    await stall.offer("333", "C", 10)
    await stall.land(
        "shop",
        msgspec.structs.replace(item, external_id="c1", sku="C"),
        msgspec.structs.replace(item, external_id="c2", sku="C"),
    )
    (one,) = await unknown_offers.selling(database.reader, ["allegro"])
    assert one.external_id == "333"


async def items(stall: Stall) -> list:  # type: ignore[type-arg]
    from olhubd.store import stock_items

    return [item.level for item in await stock_items.find(stall.database.reader, "A")]
