"""What happens while a call to the channel is under way: buyers buy, orders land, clocks are put right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from olhubd.decide.stock.level import Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.decide.stock.sellable import Buffer
from olhubd.engine.flow.flow import Asked
from olhubd.model import Offer, OfferState, Reason, Run, RunId
from olhubd.plugin import Accepted, LevelCall, RowOutcome, ShownLevel
from olhubd.store import Database, levels, offers, stock_items
from tests.engine.levels.stall import Channel, Stall
from tests.orders import EPOCH


class Interrupted(Channel):
    """Something happens while it is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await super().read_levels(offers)


@pytest.fixture
async def channel() -> Interrupted:
    return Interrupted()


@pytest.fixture
async def stall(database: Database, channel: Interrupted) -> Stall:
    """Five of A and of B in the shop, and an offer of each that shows five."""
    stall = Stall(database)
    stall.channel = channel
    stall.leveller = stall.make_leveller()
    for number, sku in (("111", "A"), ("222", "B")):
        await stall.stock(sku, 5)
        await stall.offer(number, sku, 5)
    await stall.orders_read()
    await stall.turns(10)
    assert channel.calls == []
    return stall


async def test_an_order_that_lands_before_a_command_is_kept_counts(stall: Stall, channel: Interrupted) -> None:
    """Else the raise that was planned shows once more what has just been sold."""
    await stall.stock("B", 4)
    await stall.turns()  # B goes down, so that there is something to be read
    await stall.stock("A", 8)
    await stall.land("ebay", stall.purchase("e1", "none"))
    await stall.orders_read()
    channel.calls.clear()
    stall.clock.passed += 10

    async def sold() -> None:
        await stall.bought("o1", "111", 2)
        await stall.orders_read()

    channel.meanwhile = sold
    await stall.turns(30)
    assert ("set", 8, ("111",)) not in channel.calls
    assert channel.shown["111"] == 6


async def test_a_reading_counts_from_its_answer_on(stall: Stall, channel: Interrupted) -> None:
    """The orders are read to their end while it is under way, and then somebody buys: it shows the sale, they do
    not. Nothing is raised until they are read again."""
    await stall.stock("A", 4)

    async def sold() -> None:
        await stall.land("ebay", stall.purchase("e1", "none"))
        await stall.orders_read()
        channel.sell("111", 1)

    channel.meanwhile = sold
    await stall.turns(60)
    row = await stall.level("111")
    assert (row.phase, row.wanted, row.confirmed) == (Phase.SETTLED, 4, 3)
    assert channel.calls == [("set", 4, ("111",))]
    await stall.land("allegro", stall.purchase("o1", "111", 1))
    assert (await stall.level("111")).confirmed == 3


async def test_the_same_reading_again_puts_right_what_is_known(stall: Stall) -> None:
    """An order that came late lowered what a reading had shown without it. The list says the same as ever."""
    await stall.stock("A", 4)
    await stall.turns(60)
    there = Offer(external_id="111", name="A", sku="A", state=OfferState.ACTIVE, quantity=5)
    stall.channel.list("111", 5)  # somebody else has set what the list said last
    await stall.land("allegro", there)
    assert (await stall.level("111")).confirmed == 5
    await stall.turns(60)
    assert stall.channel.shown["111"] == 4


@pytest.mark.parametrize("jump", [3600.0, -7200.0])
async def test_no_jump_of_the_clock_settles_a_write_or_holds_it_up(stall: Stall, jump: float) -> None:
    """What may still act is waited for, and a lowering does not wait for the clock to come round."""
    channel = stall.channel
    await stall.stock("A", 3)
    channel.mode = "late"
    await stall.turns()
    channel.mode = "done"
    assert len(channel.calls) == 1
    stall.clock.wrong = timedelta(seconds=jump)
    await stall.turns(4)
    assert (await stall.level("111")).phase is not Phase.SETTLED
    channel.act_late()
    await stall.stock("A", 2)
    await stall.turns(30)
    assert channel.shown["111"] == 2
    assert channel.calls[1:] == [("set", 2, ("111",))]


async def test_the_same_count_is_news_where_it_releases_pieces(stall: Stall) -> None:
    """Its run must not pass for one without news, or its row stays as running for ever."""
    await stall.bought("o1", "111", 1)
    await stall.copied(1, "processing")
    (item,) = await stock_items.find(stall.database.reader, "A")
    run = Run(id=RunId(999), account="shop", feed="stock", trigger="timer", started_at=EPOCH)
    asked = Asked(after=await stall.head())
    result = await stall.landing.land("shop", [item.level], run=run, asked=asked)
    assert result.counts.changed == 1
    assert await stall.unseen("A") == 0


async def test_sales_of_what_is_shown_in_part_are_no_dispute(database: Database) -> None:
    """Of many pieces three are shown. Each sale is made up for, and is nobody else's doing."""
    rule = StockRule(
        master="shop",
        channels=frozenset({"allegro"}),
        buffer=Buffer(most=3),
        lowered_by=frozenset({"processing"}),
    )
    stall = Stall(database, rule)
    await stall.stock("A", 30)
    await stall.offer("111", "A", 3)
    await stall.orders_read()
    await stall.turns(30)
    for number in range(5):
        stall.channel.sell("111", 1)
        there = Offer(external_id="111", name="A", sku="A", state=OfferState.ACTIVE, quantity=2)
        await stall.land("allegro", there)  # the list says so before the order does
        await stall.land("allegro", stall.purchase(f"o{number}", "111", 1))
        await stall.orders_read()
        await stall.turns(120)
        assert stall.channel.shown["111"] == 3
    assert (await stall.level("111")).disputed_at is None


async def test_a_raise_that_is_held_by_now_is_not_kept(stall: Stall, channel: Interrupted) -> None:
    """It was planned with the others; what is doubted meanwhile may still be lowered."""
    await stall.stock("A", 2)
    await stall.stock("B", 3)
    await stall.offer("333", "C", 1)
    await stall.stock("C", 9)
    await stall.orders_read()
    write = channel.write_levels

    async def first(command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        channel.write_levels = write  # type: ignore[method-assign]
        others = [number for number in ("111", "222", "333") if number not in call.offers]
        listed = (await offers.by_external(stall.database.reader, "allegro", others)).values()
        rows = await levels.of_offers(stall.database.reader, [one.id for one in listed])
        held = [msgspec.structs.replace(row, held=Reason("link.another-fits")) for row in rows.values()]
        await stall.database.write(lambda tx: levels.put(tx, held))
        return await write(command, call)

    channel.write_levels = first  # type: ignore[method-assign]
    await stall.turns(30)
    assert channel.calls == [("set", 2, ("111",)), ("set", 3, ("222",))]
