"""What went wrong elsewhere with stock, each by the smallest input that shows it."""

from __future__ import annotations

import msgspec
import pytest

from olhubd.model import Counting, Fulfilment, Stage
from olhubd.store import Database, offers
from tests.engine.levels.stall import Stall
from tests.engine.levels.test_resuming import RULE, passing, resuming


@pytest.fixture
async def stall(database: Database) -> Stall:
    return await resuming(database)


async def links(stall: Stall, number: str = "111") -> list[tuple[int, object]]:
    listed = (await offers.by_external(stall.database.reader, "allegro", [number]))[number]
    found = (await offers.links_of(stall.database.reader, [listed.id])).get(listed.id, [])
    return [(one.item, one.linked_at) for one in found]


async def test_an_order_lowers_what_may_be_sold_once_however_often_it_comes(stall: Stall) -> None:
    """OFF-29, IMP-20: read again, changed, copied to the shop and counted there, it is two pieces."""
    order = await stall.bought("o1", "111", 2)
    assert await stall.unseen() == 2
    for more in ({}, {"revision": "2"}, {"fulfilment": Fulfilment.PROCESSING}):
        await stall.land("allegro", msgspec.structs.replace(order, **more))
        assert (await stall.unseen(), len(await stall.reserved())) == (2, 1)
    await stall.copied(1, "processing")
    await stall.stock("A", 3)
    await stall.land("allegro", msgspec.structs.replace(order, revision="3"))
    await passing(stall)
    assert (await stall.unseen(), (await stall.level()).wanted, stall.channel.shown["111"]) == (0, 3, 3)


async def test_where_no_stock_is_kept_an_order_lowers_nothing(stall: Stall) -> None:
    """IMP-20."""
    stall.rules = []
    await stall.bought("o1", "111", 2)
    assert await stall.reserved() == []


async def test_what_nobody_keeps_the_stock_of_does_not_come_back(stall: Stall) -> None:
    """OFF-20: resuming is a part of the rule of stock. An account without one brings nothing back."""
    await stall.stock("A", 0)
    await passing(stall)
    stall.rules = [msgspec.structs.replace(RULE, channels=frozenset({"ebay"}))]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    calls = [*stall.channel.calls]
    await stall.stock("A", 4)
    await passing(stall)
    assert (stall.channel.calls, stall.channel.active["111"]) == (calls, False)


async def test_a_copy_that_failed_and_keeps_its_pieces_counts_once(stall: Stall) -> None:
    """S1: from on hold to failed the shop puts nothing back. What is sold stays reserved until it is seen again."""
    await stall.bought("o1", "111", 2)
    await stall.copied(1, "on-hold")
    await stall.stock("A", 3)
    await stall.copied(1, "failed")
    assert await stall.unseen() == 2
    await stall.stock("A", 3)
    await passing(stall)
    assert stall.channel.shown["111"] <= 3
    (row,) = await stall.reserved()
    assert row.pieces == 2, "who asks how many may be sold reads whose pieces they are"


async def test_not_tracked_and_no_count_leave_what_is_shown_and_zero_ends_it(stall: Stall) -> None:
    """S12: untracked with a zero, then tracked without a number, then zero."""
    await stall.stock("A", None, counting=Counting.UNTRACKED)
    await passing(stall)
    await stall.stock("A", None, counting=Counting.UNKNOWN)
    await passing(stall)
    assert (stall.channel.calls, stall.channel.shown["111"]) == ([], 5)
    await stall.stock("A", 0)
    await passing(stall)
    assert [call[0] for call in stall.channel.calls] == ["end"]


async def test_what_is_withdrawn_sells_nothing_and_comes_back_as_the_same(stall: Stall) -> None:
    """S13: a draft has seven and sells none; published again it is the same offer by the same link."""
    await stall.stock("A", 7)
    await passing(stall)
    known = await links(stall)
    await stall.stock("A", 7, on_sale=False)
    await passing(stall)
    assert not stall.channel.active["111"]
    await stall.stock("A", 7)
    await passing(stall)
    assert (stall.channel.active["111"], stall.channel.shown["111"]) == (True, 7)
    assert await links(stall) == known


async def test_what_somebody_activates_that_is_to_sell_nothing_is_ended_at_once(stall: Stall) -> None:
    """S16: it was ended with one piece left in it, and stands at one when its seller activates it by hand."""
    await stall.stock("A", 1)
    await passing(stall)
    await stall.stock("A", 0)
    await passing(stall)
    assert (stall.channel.active["111"], stall.channel.shown["111"]) == (False, 1)
    stall.channel.activate("111")
    await stall.listed("111")
    await stall.turns(10)
    assert not stall.channel.active["111"]
    (drift,) = (await stall.level()).drifts
    assert (drift.shown, drift.wanted) == (1, 0)


async def test_each_intent_has_a_command_of_its_own(stall: Stall) -> None:
    """S20: 3, 2 and 3 again are three commands, though the third is the first one's number of the same offer."""
    for pieces in (3, 2, 3):
        await stall.stock("A", pieces)
        await passing(stall)
    assert [call[1] for call in stall.channel.calls] == [3, 2, 3]
    assert len(stall.channel.commands) == 3


async def test_a_piece_of_a_set_that_is_taken_in_part_is_not_given_back(database: Database) -> None:
    """S3, for sets: five of two pieces, of which a later version has three."""
    stall = Stall(database, RULE)
    await stall.stock("A", 20)
    await stall.offer("111", "A", 10)
    await stall.turns(10)
    listed = (await offers.by_external(database.reader, "allegro", ["111"]))["111"]
    (link,) = (await offers.links_of(database.reader, [listed.id]))[listed.id]
    await database.write(lambda tx: offers.link(tx, [msgspec.structs.replace(link, units=2)]))
    await stall.land("allegro", stall.purchase("o1", "111", 5))
    assert await stall.unseen() == 10
    await stall.land("allegro", stall.purchase("o1", "111", 3))
    assert await stall.unseen() == 6
    await stall.land("allegro", stall.purchase("o1", "111", 3, stage=Stage.CANCELLED))
    assert await stall.unseen() == 0
