"""An order that needs more than there is: written once, with what was known, and why it came to it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.oversold import FoundBy, OversoldCause
from olhubd.model import Offer, OfferState, Stage
from olhubd.plugin import Unavailable
from olhubd.store import Database, Transaction, events, oversold
from olhubd.store.oversold import OversoldOrder
from tests.engine.levels.stall import Stall
from tests.orders import EPOCH, line, order


@pytest.fixture
async def stall(database: Database) -> Stall:
    """One piece of A in the shop, and two offers of it that show it."""
    made = Stall(database)
    await made.stock("A", 1)
    for number in ("111", "222"):
        await made.offer(number, "A", 1)
    await made.leveller.begin()
    await made.orders_read()
    await made.turns(60)
    return made


async def written(stall: Stall) -> list[OversoldOrder]:
    return await oversold.listing(stall.database.reader)


async def told(stall: Stall) -> list[dict[str, object]]:
    found = await events.since(stall.database.reader, 0, 1000)
    return [msgspec.json.decode(event.data) for event in found if event.kind == "stock.oversold"]


async def buys(stall: Stall, name: str, offer: str, ago: float = 0.0, quantity: int = 1) -> None:
    """An order lands that was placed so many seconds ago."""
    stall.channel.sell(offer, quantity)
    placed = stall.clock.now() - timedelta(seconds=ago)
    await stall.land("allegro", stall.purchase(name, offer, quantity, placed_at=placed))


async def test_the_second_buyer_of_the_last_piece_is_written_with_the_first(stall: Stall) -> None:
    await buys(stall, "O1", "111", ago=4)
    assert await written(stall) == []
    stall.clock.passed += 1
    await buys(stall, "O2", "222", ago=2)
    (one,) = await written(stall)
    assert (one.order, one.account, one.mark, one.pieces) == ("O2", "allegro", "A", 1)
    assert (one.by, one.cause) == (FoundBy.ORDER, OversoldCause.LATE_NEWS)
    (sale,) = one.facts.sales
    assert (sale.account, (sale.landed_at - sale.bought_at).total_seconds()) == ("allegro", 4.0)
    assert one.facts.offer is not None
    assert (one.facts.offer.external_id, one.facts.offer.confirmed) == ("222", 1)
    assert (one.facts.offer.shown, one.facts.offer.wanted_since) == (True, EPOCH)
    assert (one.facts.counted, one.facts.reserved) == (1, 2)
    (event,) = await told(stall)
    assert (event["order"], event["item"], event["pieces"], event["why"]) == (one.order_id, "A", 1, "late-news")


async def test_it_is_written_once(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "222")
    await stall.land("allegro", stall.purchase("O2", "222", external_stage="noted"))
    await stall.stock("A", 1, external_state="published")
    await stall.copied(1, "processing")
    await stall.copied(2, "processing")
    await stall.stock("A", -1)
    assert [one.order for one in await written(stall)] == ["O2"]
    assert len(await told(stall)) == 1


async def test_who_buys_while_the_lower_number_is_under_way(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    stall.channel.mode = "late"
    stall.clock.passed += 1
    await stall.leveller.turn()  # sent, and nothing is known of it
    stall.clock.passed += 5
    await buys(stall, "O2", "222", ago=1)
    (one,) = await written(stall)
    assert one.cause is OversoldCause.UNDER_WAY
    assert [command.action for command in one.facts.commands] == ["end"]


async def test_who_buys_while_the_channel_cannot_be_written(stall: Stall) -> None:
    stall.channel.trouble = Unavailable("closed for the night")
    await buys(stall, "O1", "111")
    await stall.turns(10)
    stall.clock.passed += 60
    await buys(stall, "O2", "222", ago=1)
    (one,) = await written(stall)
    assert one.cause is OversoldCause.UNSENT
    assert one.facts.offer is not None
    assert (one.facts.offer.wanted, one.facts.offer.confirmed) == (0, 1)


async def test_who_buys_what_somebody_put_into_the_offer_by_hand(stall: Stall) -> None:
    stall.channel.shown["111"] = 5
    await stall.listed("111")
    stall.channel.mode = "late"
    stall.clock.passed += 1
    await stall.leveller.turn()  # it is noticed, and what puts it right is under way
    stall.clock.passed += 5
    await buys(stall, "O1", "111")
    stall.clock.passed += 5
    await buys(stall, "O2", "111")
    (one,) = await written(stall)
    assert (one.order, one.cause) == ("O2", OversoldCause.BY_HAND)
    assert one.facts.offer is not None
    assert one.facts.offer.raised_at is not None


async def test_who_buys_more_than_was_left_in_the_offer_when_it_was_read(stall: Stall) -> None:
    """Somebody put more into it, and it was not read since."""
    stall.channel.shown["111"] = 5
    await buys(stall, "O1", "111", quantity=2)
    (one,) = await written(stall)
    assert (one.pieces, one.cause) == (1, OversoldCause.BY_HAND)


async def test_who_buys_what_the_brake_keeps_on_sale(stall: Stall) -> None:
    stall.rules = [msgspec.structs.replace(stall.rules[0], brake=Brake(share=1, least=1, factor=2))]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.stock("A", 0)
    await stall.turns(60)
    stall.clock.passed += 5
    await buys(stall, "O1", "111")
    (one,) = await written(stall)
    assert one.cause is OversoldCause.HELD
    assert one.facts.offer is not None
    assert (one.facts.offer.held, one.facts.offer.confirmed) == ("level.braked", 1)


async def test_who_buys_of_an_offer_of_which_nobody_knows_what_it_shows(stall: Stall) -> None:
    stall.channel.list("333", 3)
    await stall.land("allegro", Offer(external_id="333", name="A", sku="A", state=OfferState.UNKNOWN))
    await buys(stall, "O1", "111")
    stall.clock.passed += 5
    await buys(stall, "O2", "333")
    (one,) = await written(stall)
    assert (one.order, one.cause) == ("O2", OversoldCause.UNKNOWN)
    assert one.facts.offer is not None
    assert (one.facts.offer.confirmed, one.facts.offer.sent) == (None, None)


async def test_a_reading_that_has_fewer_than_orders_need(stall: Stall) -> None:
    """The shop has sold the piece itself, a moment before."""
    await buys(stall, "O1", "111")
    assert await written(stall) == []
    await stall.stock("A", 0)
    (one,) = await written(stall)
    assert (one.order, one.by, one.cause) == ("O1", FoundBy.READING, OversoldCause.LATE_MASTER)
    assert (one.facts.counted, one.facts.reserved) == (0, 1)


async def test_a_reading_names_what_the_master_has_sold_itself(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    for name, ago in (("S1", 0), ("S2", 7200)):
        placed = stall.clock.now() - timedelta(seconds=ago)
        await stall.land("shop", order(name, (line(f"{name}-1", offer_id="p-A"),), placed_at=placed))
    await stall.stock("A", 0)
    (one,) = await written(stall)
    assert [(sale.account, sale.pieces, sale.bought_at) for sale in one.facts.sales] == [
        ("shop", 1, stall.clock.now())
    ], "what was sold there long before is in its number"


async def test_a_copy_that_may_be_in_the_number_is_not_missing(stall: Stall) -> None:
    """Its pieces are off the shop's stock already, and the hub has not heard that the copy is there."""
    await buys(stall, "O1", "111")

    async def sent(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET sent_at = created_at, state = 'sent' WHERE target = 'shop'")

    await stall.database.write(sent)
    await stall.stock("A", 0)
    assert await written(stall) == []
    await stall.copied(1, "processing")
    await stall.stock("A", 0, external_state="read again")
    assert await written(stall) == []
    assert await stall.unseen() == 0


async def test_what_the_copy_took_below_zero_is_missing(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    await stall.copied(1, "processing")
    await stall.stock("A", -1)
    (one,) = await written(stall)
    assert (one.order, one.pieces, one.by) == ("O1", 1, FoundBy.READING)


async def test_it_is_closed_when_there_is_enough_again(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "222")
    assert len(await oversold.listing(stall.database.reader, open_=True)) == 1
    await stall.stock("A", 5)
    assert await oversold.listing(stall.database.reader, open_=True) == []
    (one,) = await written(stall)
    assert one.closed_at is not None
    assert one.closed_by is None


async def test_it_is_closed_when_an_order_is_cancelled(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "222")
    await stall.land("allegro", stall.purchase("O1", "111", stage=Stage.CANCELLED))
    assert await oversold.listing(stall.database.reader, open_=True) == []


async def test_only_the_missing_pieces_are_counted(stall: Stall) -> None:
    await stall.stock("A", 3)
    await stall.orders_read()
    await stall.turns(60)
    await buys(stall, "O1", "111", quantity=2)
    await buys(stall, "O2", "222", quantity=3)
    (one,) = await written(stall)
    assert (one.order, one.pieces) == ("O2", 2)
    await stall.stock("A", 2)
    assert [(other.order, other.pieces) for other in await written(stall)] == [("O1", 1), ("O2", 2)]


async def test_what_is_not_sold_by_a_rule_is_not_looked_at(stall: Stall) -> None:
    stall.rules = []
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "222")
    await stall.stock("A", -3)
    assert await written(stall) == []


async def test_what_no_rule_sells_any_more_is_not_looked_at(stall: Stall) -> None:
    """Its orders have reserved what they need while one did."""
    await buys(stall, "O1", "111")
    stall.rules = [msgspec.structs.replace(stall.rules[0], master="another")]
    await stall.stock("A", -3)
    assert await stall.unseen() == 1
    assert await written(stall) == []


async def open_ones(stall: Stall) -> list[tuple[str, str, int]]:
    found = await oversold.listing(stall.database.reader, open_=True)
    return sorted((one.order, one.mark, one.pieces) for one in found)


async def test_each_item_of_an_order_is_written(stall: Stall) -> None:
    await stall.stock("B", 1)
    await stall.offer("333", "B", 1)
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "333")
    lines = (line("O3-1", offer_id="222"), line("O3-2", offer_id="333"))
    await stall.land("allegro", order("O3", lines, placed_at=stall.clock.now()))
    assert await open_ones(stall) == [("O3", "A", 1), ("O3", "B", 1)]
    await stall.stock("A", 9)
    assert await open_ones(stall) == [("O3", "B", 1)]


async def test_what_is_missing_again_is_open_again(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    for counted, open_ in ((0, [("O1", "A", 1)]), (1, []), (0, [("O1", "A", 1)])):
        await stall.stock("A", counted)
        assert await open_ones(stall) == open_
    assert len(await written(stall)) == 1
    assert {event["record"] for event in await told(stall)} == {(await written(stall))[0].id}
    assert len(await told(stall)) == 2


async def test_one_that_was_cancelled_hides_no_other(stall: Stall) -> None:
    for number in ("1", "2", "3"):
        await stall.land("allegro", stall.purchase(f"O{number}", "222", placed_at=stall.clock.now()))
    assert await open_ones(stall) == [("O2", "A", 1), ("O3", "A", 1)]
    await stall.land("allegro", stall.purchase("O3", "222", stage=Stage.CANCELLED))
    assert await open_ones(stall) == [("O2", "A", 1)]
    await stall.land("allegro", stall.purchase("O4", "222", placed_at=stall.clock.now()))
    assert await open_ones(stall) == [("O2", "A", 1), ("O4", "A", 1)]


async def test_what_a_person_dealt_with_is_put_on_no_other_order(stall: Stall) -> None:
    await buys(stall, "O1", "111")
    await buys(stall, "O2", "222")
    (one,) = await written(stall)
    now = stall.clock.now()
    await stall.database.write(lambda tx: oversold.close(tx, one.id, now, "eve", "the buyer waits"))
    await stall.copied(1, "processing")
    await stall.stock("A", 0)
    assert [other.order for other in await written(stall)] == ["O2"]
    assert len(await told(stall)) == 1
