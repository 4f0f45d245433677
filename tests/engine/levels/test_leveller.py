"""From the stock of a master to what the offers of a channel show, and back from their sales."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from olhubd.decide.stock.level import Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.decide.stock.sellable import Buffer
from olhubd.model import Counting, Fulfilment, Offer, OfferState, Reason, Stage
from olhubd.plugin import AuthLost, RateLimited, Rejected, Unavailable
from olhubd.store import Database, events, levels, stock_items
from tests.engine.levels.stall import Stall


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Five of A in the shop, and an offer of it that shows five."""
    stall = Stall(database)
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.orders_read()
    await stall.turns(10)
    assert stall.channel.calls == []
    return stall


async def test_an_offer_is_linked_by_the_sellers_mark_whichever_is_told_first(database: Database) -> None:
    stall = Stall(database)
    await stall.offer("111", "A", 1)
    await stall.stock("A", 4)
    await stall.stock("B", 7)
    await stall.offer("222", "B", 9)
    assert (await stall.level("111")).wanted is None
    await stall.turns()
    assert ((await stall.level("111")).wanted, (await stall.level("222")).wanted) == (4, 7)


async def test_what_was_sent_before_the_stock_was_read_is_not_sold_twice(database: Database) -> None:
    """A seller who begins to sell from a stock has orders of a year: they left the shelf before it was counted."""
    stall = Stall(database)
    for n, status in enumerate(("completed", "processing"), start=1):
        await stall.land("allegro", stall.purchase(f"o{n}", "111", 2, fulfilment=Fulfilment.SENT))
        await stall.copied(n, status)
    stall.rules = [msgspec.structs.replace(stall.rules[0], lowered_by=frozenset({"processing", "completed"}))]
    await stall.land("allegro", stall.purchase("o3", "111", 1))
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    assert await stall.unseen() == 1
    assert [row.order_id for row in await stall.reserved()] == [3]
    # What happens to them later still concerns no piece.
    await stall.land("allegro", stall.purchase("o1", "111", 2, fulfilment=Fulfilment.DELIVERED))
    assert await stall.unseen() == 1
    await stall.turns()
    assert (await stall.level()).wanted == 4


async def test_what_was_sent_after_the_stock_was_asked_for_still_counts(database: Database) -> None:
    stall = Stall(database)
    await stall.land("allegro", stall.purchase("o1", "111", 2))
    await stall.copied(1, "pending")
    asked = await stall.head()
    await stall.copied(1, "processing")
    await stall.stock("A", 5, asked=asked)
    await stall.offer("111", "A", 5)
    assert await stall.unseen() == 2


async def test_a_mark_of_several_items_links_nothing(database: Database) -> None:
    """S27: a variant without its own mark reports its parent's."""
    stall = Stall(database)
    await stall.stock("A", 4)
    (item,) = await stock_items.find(database.reader, "A")
    await stall.land("shop", msgspec.structs.replace(item.level, external_id="another"))
    await stall.offer("111", "A", 1)
    await stall.turns()
    assert await levels.numbers(database.reader, "allegro", 0, 10) == []


async def test_lowering_is_sent_at_once_and_counts_when_it_is_read(stall: Stall) -> None:
    await stall.stock("A", 3)
    stall.read_through = 0  # nothing is known of the orders
    await stall.turns()
    assert stall.channel.calls == [("set", 3, ("111",))]
    row = await stall.level()
    assert (row.phase, row.sent, row.confirmed) == (Phase.SETTLING, 3, 5)
    await stall.turns(10)
    row = await stall.level()
    assert (row.phase, row.confirmed, row.even) == (Phase.SETTLED, 3, True)
    assert row.confirmed_at is not None


async def test_an_offer_that_cannot_be_read_is_neither_sold_out_nor_right(stall: Stall) -> None:
    """Its row makes no sense for a while: nothing more is sent, a person hears of it, and it is read again."""
    stall.channel.unreadable.add("111")
    await stall.stock("A", 3)
    before = await stall.head()
    await stall.turns(600)
    row = await stall.level()
    assert (row.phase, row.sent, row.confirmed, row.reason) == (Phase.SETTLING, 3, 5, Reason("level.unreadable"))
    assert not row.even
    assert stall.channel.calls == [("set", 3, ("111",))]
    told = [one.kind for one in await events.since(stall.database.reader, before)]
    assert (told.count("level.not-read"), told.count("level.not-kept")) == (1, 0)
    stall.channel.unreadable.clear()
    await stall.turns(1000)
    row = await stall.level()
    assert (row.confirmed, row.even, row.tries, row.reason) == (3, True, 0, None)


async def test_an_offer_that_cannot_be_read_is_read_ever_later(stall: Stall) -> None:
    """However often its leveller is woken, as with each pull of each account: a reading is a call and a row."""
    stall.channel.unreadable.add("111")
    await stall.stock("A", 3)
    before = await stall.head()
    for _ in range(120):
        await stall.leveller.turn()
        stall.clock.passed += 5
    told = [one.kind for one in await events.since(stall.database.reader, before)]
    assert 4 <= told.count("levels.read") <= 8


@pytest.mark.parametrize(("state", "quantity"), [(OfferState.ACTIVE, None), (OfferState.UNKNOWN, 7)])
async def test_an_offer_listed_without_what_buyers_see_is_read_before_it_is_written(
    database: Database, state: OfferState, quantity: int | None
) -> None:
    """Of an offer whose state or whose number is not known nothing follows: it is neither at zero nor sold out."""
    stall = Stall(database)
    await stall.stock("A", 5)
    stall.channel.list("111", 5)
    listed = Offer(external_id="111", name="A", sku="A", state=state, quantity=quantity)
    await stall.land("allegro", listed)
    assert (await stall.level()).confirmed is None
    await stall.orders_read()
    await stall.turns(10)
    assert (await stall.level()).confirmed == 5
    await stall.land("allegro", msgspec.structs.replace(listed, name="another title"))
    assert (await stall.level()).confirmed == 5
    assert stall.channel.calls == []


async def test_raising_waits_until_the_orders_were_read_after_the_master(stall: Stall) -> None:
    """A restock, while two pieces were sold that nobody has told yet: they must not be sold again."""
    stall.channel.sell("111", 2)
    await stall.stock("A", 6)
    await stall.turns(60)
    assert stall.channel.calls == []
    assert stall.leveller.waiting
    await stall.land("allegro", stall.purchase("o1", "111", 2))
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 4
    assert (await stall.level()).even


async def test_a_sale_at_the_channel_needs_no_write(stall: Stall) -> None:
    """The channel lowers itself, and what is wanted goes down with it."""
    await stall.bought("o1", "111", 2, stage=Stage.PLACED)
    await stall.orders_read()
    await stall.turns(60)
    row = await stall.level()
    assert (row.wanted, row.confirmed) == (3, 3)
    assert stall.channel.calls == []


async def test_the_reservation_is_in_the_transaction_of_the_order(stall: Stall) -> None:
    before = await stall.head()
    await stall.bought("o1", "111", 2, stage=Stage.PLACED)
    (row,) = await stall.reserved()
    assert (row.pieces, row.account, row.line) == (2, "allegro", "o1-1")
    placed = (await events.since(stall.database.reader, before))[-1]
    assert row.opened_after == placed.id


async def test_a_merge_moves_the_reservation_and_counts_the_sale_once(stall: Stall) -> None:
    await stall.bought("o1", "111", 2, stage=Stage.PLACED)
    await stall.orders_read()
    await stall.turns(10)
    together = msgspec.structs.replace(stall.purchase("o2", "111", 2), lines=stall.purchase("o1", "111", 2).lines)
    await stall.land("allegro", together)
    assert [row.order_id for row in await stall.reserved()] == [2]
    await stall.turns(10)
    row = await stall.level()
    assert (row.wanted, row.confirmed) == (3, 3)
    assert stall.channel.calls == []


async def test_a_cancellation_returns_the_pieces(stall: Stall) -> None:
    await stall.bought("o1", "111", 2)
    await stall.land("allegro", stall.purchase("o1", "111", 2, stage=Stage.CANCELLED))
    assert await stall.reserved() == []
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 5


async def test_a_reading_asked_for_before_the_copy_was_known_releases_nothing(stall: Stall) -> None:
    """The shop has taken the pieces off by then, and its number may be from before or after that."""
    await stall.bought("o1", "111", 2)
    asked = await stall.head()
    await stall.copied(1, "processing")
    await stall.stock("A", 5, asked=asked)
    assert await stall.unseen() == 2
    await stall.stock("A", 3)
    assert await stall.unseen() == 0
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 3
    assert stall.channel.calls == []


async def test_a_copy_that_gives_its_pieces_back_reserves_them_again(stall: Stall) -> None:
    """S1: on hold to pending in the shop: it shows five again, of which two are sold."""
    await stall.bought("o1", "111", 2)
    await stall.copied(1, "on-hold")
    await stall.stock("A", 3)
    assert await stall.unseen() == 0
    await stall.copied(1, "pending")
    await stall.stock("A", 5)
    assert await stall.unseen() == 2
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 3
    await stall.copied(1, "processing")
    await stall.stock("A", 3)
    await stall.orders_read()
    await stall.turns(60)
    assert stall.channel.shown["111"] == 3
    assert stall.channel.calls == []


async def test_what_was_bought_before_its_offer_was_linked_is_reserved(database: Database) -> None:
    stall = Stall(database)
    await stall.stock("A", 5)
    await stall.land("allegro", stall.purchase("o1", "111", 2))
    await stall.offer("111", "A", 3)
    assert await stall.unseen() == 2
    await stall.turns()
    assert (await stall.level()).wanted == 3


async def test_no_number_is_not_zero(stall: Stall) -> None:
    await stall.stock("A", None, counting=Counting.UNTRACKED)
    await stall.turns(10)
    assert (await stall.level()).wanted is None
    assert stall.channel.shown["111"] == 5
    await stall.stock("A", 0)
    await stall.turns(10)
    assert stall.channel.calls == [("end", None, ("111",))]
    assert not stall.channel.active["111"]


async def test_an_offer_that_has_ended_is_not_brought_back_and_says_why(stall: Stall) -> None:
    await stall.stock("A", 0)
    await stall.turns(10)
    await stall.stock("A", 5)
    await stall.orders_read()
    await stall.turns(60)
    row = await stall.level()
    assert (row.wanted, row.confirmed, row.active) == (5, 0, False)
    assert row.reason is not None
    assert "ended" in row.reason
    assert len(stall.channel.calls) == 1


async def test_equal_values_go_in_one_call(stall: Stall) -> None:
    for number in range(5):
        await stall.stock(f"B{number}", 9)
        await stall.offer(f"20{number}", f"B{number}", 9)
    await stall.turns(10)
    for number in range(5):
        await stall.stock(f"B{number}", 2 if number else 0)
    await stall.turns()
    assert stall.channel.calls == [("end", None, ("200",)), ("set", 2, ("201", "202", "203", "204"))]


@pytest.mark.parametrize("mode", ["lost", "accepted"])
async def test_a_command_is_not_sent_twice(stall: Stall, mode: str) -> None:
    stall.channel.mode = mode
    await stall.stock("A", 3)
    await stall.turns()
    assert (await stall.level()).phase is Phase.SENT
    await stall.turns(60)
    assert stall.channel.calls == [("set", 3, ("111",))]
    assert (await stall.level()).even


async def test_nothing_newer_goes_while_a_command_is_unsettled(stall: Stall) -> None:
    """A command that acts late must not act after a newer one."""
    stall.channel.mode = "late"
    await stall.stock("A", 4)
    await stall.turns()
    stall.channel.mode = "done"
    await stall.stock("A", 1)
    await stall.turns(1)
    assert [call[1] for call in stall.channel.calls] == [4]
    stall.channel.act_late()
    await stall.turns(60)
    assert [call[1] for call in stall.channel.calls] == [4, 1]
    assert stall.channel.shown["111"] == 1


async def test_nothing_newer_goes_while_a_lost_command_may_still_be_carried_out(stall: Stall) -> None:
    """A channel that works on when its caller is gone would put the older, higher number back. It is asked again
    meanwhile, so that the newer one goes as soon as the older one is done."""
    stall.channel.level_late = timedelta(seconds=60)
    stall.channel.mode = "late"
    await stall.stock("A", 4)
    await stall.turns()
    stall.channel.mode = "done"
    await stall.stock("A", 1)
    await stall.turns(45)
    assert [call[1] for call in stall.channel.calls] == [4]
    stall.channel.act_late()
    await stall.turns(11)
    assert [call[1] for call in stall.channel.calls] == [4, 1]
    await stall.turns(60)
    assert (stall.channel.shown["111"], (await stall.level()).even) == (1, True)


async def test_what_was_lost_before_a_restart_may_be_carried_out_after_it(stall: Stall) -> None:
    stall.channel.level_late = timedelta(seconds=60)
    stall.channel.mode = "never"
    await stall.stock("A", 4)
    await stall.turns()
    stall.channel.mode = "done"
    stall.leveller = stall.make_leveller()
    await stall.turns(59)
    assert len(stall.channel.calls) == 1
    await stall.turns(30)
    assert [call[1] for call in stall.channel.calls] == [4, 4]


async def test_a_command_that_never_arrived_is_sent_anew(stall: Stall) -> None:
    stall.channel.mode = "never"
    await stall.stock("A", 4)
    await stall.turns()
    stall.channel.mode = "done"
    await stall.turns(60)
    assert [call[1] for call in stall.channel.calls] == [4, 4]
    assert (await stall.level()).even


async def test_whoever_comes_after_a_process_that_died_asks_for_its_command(stall: Stall) -> None:
    """It was kept before it was sent, so its successor knows that it may have been."""
    await stall.stock("A", 4)
    await stall.leveller._follow()
    with pytest.raises(Died):
        await die(stall)
    (kept,) = await levels.commands(stall.database.reader, "allegro")
    assert (kept.value, kept.offers) == (4, ("111",))
    assert (await stall.level()).phase is Phase.SENT
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.turns(60)
    assert (await stall.level()).even
    assert stall.channel.shown["111"] == 4


class Died(BaseException):
    pass


async def die(stall: Stall) -> None:
    """The process ends after the command was kept."""

    async def killed(*_: object) -> None:
        raise Died

    stall.leveller._channel.calls.write = killed  # type: ignore[method-assign,assignment]
    await stall.leveller.turn()


async def test_a_value_that_is_not_kept_is_never_taken_for_shown_and_is_told(stall: Stall) -> None:
    stall.channel.mode = "ignored"
    await stall.stock("A", 3)
    await stall.turns(600)
    row = await stall.level()
    assert row.confirmed == 5
    assert not row.even
    told = [event.kind for event in await events.latest(stall.database.reader, limit=20)]
    assert "level.not-kept" in told


async def test_one_row_that_is_refused_holds_up_no_other(stall: Stall) -> None:
    await stall.stock("B", 5)
    await stall.offer("222", "B", 5)
    await stall.turns(10)
    stall.channel.refused["111"] = "RESPONSIBLE_PRODUCER_NOT_SPECIFIED"
    await stall.stock("A", 2)
    await stall.stock("B", 2)
    await stall.turns(10)
    one, other = await stall.level("111"), await stall.level("222")
    assert other.even
    assert (one.confirmed, one.reason) == (5, "RESPONSIBLE_PRODUCER_NOT_SPECIFIED")
    assert one.tries >= 1


async def test_a_channel_that_is_busy_is_left_alone_and_nothing_is_forgotten(stall: Stall) -> None:
    stall.channel.trouble = RateLimited("too many", retry_after=90.0)
    await stall.stock("A", 2)
    await stall.turns(89)
    assert stall.channel.calls == []
    assert (await stall.level()).phase is Phase.SETTLED
    stall.channel.trouble = None
    await stall.turns(60)
    assert stall.channel.shown["111"] == 2


async def test_a_lost_grant_is_told_and_stops_the_leveller(stall: Stall) -> None:
    stall.channel.trouble = AuthLost("signed out")
    await stall.stock("A", 2)
    await stall.leveller.turn()
    assert [type(error) for error in stall.lost] == [AuthLost]
    assert (await stall.level()).tries == 0


@pytest.mark.parametrize("error", [Rejected("no such resource"), Unavailable("down")])
async def test_what_fails_is_tried_again(stall: Stall, error: Exception) -> None:
    stall.channel.trouble = error  # type: ignore[assignment]
    await stall.stock("A", 2)
    await stall.turns(1)
    stall.channel.trouble = None
    await stall.turns(60)
    assert stall.channel.shown["111"] == 2


async def test_another_buffer_is_in_force_from_the_next_start(stall: Stall) -> None:
    stall.rules[:] = [msgspec.structs.replace(stall.rules[0], buffer=Buffer(pieces=2))]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.turns(10)
    assert stall.channel.shown["111"] == 3


async def test_without_a_rule_nothing_is_reserved_and_nothing_is_asked(database: Database) -> None:
    stall = Stall(database, StockRule(master="erp", channels=frozenset({"ebay"})))
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.bought("o1", "111", 2)
    assert await stall.reserved() == []
    await stall.turns(10)
    assert stall.channel.calls == []


async def test_orders_that_were_read_are_news_where_something_waits_for_them(stall: Stall) -> None:
    """They come with each pull of each account, so who shows what is wanted does not look each time."""
    woken: list[int] = []
    stall.leveller.wake = lambda: woken.append(1)  # type: ignore[method-assign]
    await stall.orders_read()
    await stall.turns(60)
    stall.leveller.orders_read()
    assert woken == []
    await stall.stock("A", 9)
    await stall.turns()
    assert stall.channel.shown["111"] == 5
    await stall.orders_read()
    stall.leveller.orders_read()
    assert woken == [1]
    await stall.turns(60)
    assert stall.channel.shown["111"] == 9
    stall.leveller.orders_read()
    assert woken == [1]
