"""The stop for emergencies: nothing is sold any more, and lifting it restores exactly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from olhubd.decide.stock import dispute
from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.monitor.offers import OfferChecks
from olhubd.engine.operator.sales_stops import SalesStopActions
from olhubd.model import AlarmKind, EndedBy, Offer, OfferState, Reason, code_of
from olhubd.plugin import Temporary
from olhubd.store import Database, events, levels, offers, sales_stops
from tests.engine.levels.stall import Stall

PIECES = {"A": 12, "B": 30, "C": 70, "D": 0}
RULE = StockRule(
    master="shop", channels=frozenset({"allegro"}), lowered_by=frozenset({"processing"}), brake=Brake(least=2)
)


@pytest.fixture
async def stall(database: Database) -> Stall:
    """Four offers that show what there is; one is sold out."""
    made = Stall(database, RULE)
    for name, pieces in PIECES.items():
        await made.stock(name, pieces)
        await made.offer(name, name, pieces)
    await made.leveller.begin()
    await made.orders_read()
    await made.turns(60)
    return made


def hands(stall: Stall) -> SalesStopActions:
    in_force = SimpleNamespace(stock=lambda: stall.rules)
    directory = SimpleNamespace(level=stall.leveller.wake)
    return SalesStopActions(cast("Any", directory), cast("Any", in_force), stall.database, stall.clock)


def shown(stall: Stall) -> dict[str, int]:
    return {name: stall.channel.shown[name] if stall.channel.active[name] else 0 for name in PIECES}


async def settle(stall: Stall) -> None:
    await stall.orders_read()
    await stall.turns(600)
    await stall.orders_read()
    await stall.turns(600)


async def test_nothing_is_sold_and_lifting_restores_exactly(stall: Stall) -> None:
    await hands(stall).stop("allegro", "anna", "the warehouse burns")
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)
    row = await stall.level("A")
    assert (row.wanted, row.beneath, code_of(row.held)) == (0, 12, "level.stopped")
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == PIECES
    row = await stall.level("A")
    assert (row.wanted, row.beneath, row.held, row.resume_by) == (12, None, None, None)
    kinds = [one.kind for one in await events.since(stall.database.reader, 0)]
    assert [kind for kind in kinds if kind.startswith("stock.sto")] == ["stock.stopped", "stock.stop-lifted"]
    assert "stock.braked" not in kinds


async def test_what_happens_meanwhile_counts_beneath(stall: Stall) -> None:
    """Stock that comes in raises nothing, and what is sold out by then does not come back."""
    await hands(stall).stop(None, "anna")
    await settle(stall)
    await stall.stock("A", 20)
    await stall.stock("B", 0)
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)
    await hands(stall).lift(None, "anna")
    await settle(stall)
    assert shown(stall) == {**PIECES, "A": 20, "B": 0}
    await stall.stock("B", 5)
    await settle(stall)
    assert shown(stall)["B"] == 0, "which is not brought back by the stop"


async def test_what_the_brake_holds_is_held_beneath(stall: Stall) -> None:
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    for name in PIECES:
        await stall.stock(name, 0)
    await settle(stall)
    assert [one.kind for one in await events.since(stall.database.reader, 0)].count("stock.braked") == 1
    await hands(stall).lift("allegro", "anna")
    stall.channel.calls.clear()
    await stall.turns(600)
    row = await stall.level("A")
    assert (row.wanted, row.beneath, code_of(row.held)) == (12, None, "level.braked")
    await settle(stall)
    assert shown(stall) == PIECES


async def unread(stall: Stall) -> None:
    """An offer more, which sells A, and of which nobody can say how many it shows."""
    stall.channel.list("X", 9)
    stall.channel.unreadable.add("X")
    listed = Offer(external_id="X", name="A", sku="A", state=OfferState.ACTIVE, quantity=None)
    await stall.land("allegro", listed)
    await stall.turns(5)
    assert (await stall.level("X")).confirmed is None
    stall.channel.calls.clear()


async def test_what_cannot_be_read_is_ended_all_the_same(stall: Stall) -> None:
    """Once: what was sent is read until it is known what became of it."""
    await unread(stall)
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    assert (stall.channel.active["X"], (await stall.level("X")).confirmed) == (False, None)
    assert [offers for _, _, offers in stall.channel.calls if "X" in offers] == [("A", "B", "C", "X")]
    stall.channel.unreadable.clear()
    await settle(stall)
    assert (await stall.level("X")).even
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert stall.channel.active["X"]


async def test_what_cannot_be_read_and_is_refused_is_tried_ever_later_and_reported(stall: Stall) -> None:
    await unread(stall)
    stall.channel.refused["X"] = "BLOCKED"
    await hands(stall).stop("allegro", "anna")
    await stall.turns(300)
    tries = [offers for _, _, offers in stall.channel.calls if "X" in offers]
    assert 3 <= len(tries) < 12
    assert [row.external_id for row in await levels.stuck(stall.database.reader, ["allegro"])] == ["X"]


async def test_what_had_ended_before_stays_ended(stall: Stall) -> None:
    stall.channel.end("C", EndedBy.SELLER)
    await stall.listed("C", "C")
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == {**PIECES, "C": 0}


async def test_it_outlives_a_restart(stall: Stall) -> None:
    await hands(stall).stop("allegro", "anna")
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)


async def test_a_process_that_ends_while_it_is_lifted_leaves_the_rest_to_the_next(stall: Stall) -> None:
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    await stall.database.write(lambda tx: sales_stops.lift(tx, "allegro"))
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await settle(stall)
    assert shown(stall) == PIECES


async def test_it_is_lifted_while_commands_are_under_way(stall: Stall) -> None:
    stall.channel.mode = "late"
    await hands(stall).stop("allegro", "anna")
    await stall.turns(1)
    await hands(stall).lift("allegro", "anna")
    stall.channel.mode = "done"
    stall.channel.act_late()
    await settle(stall)
    assert shown(stall) == PIECES


async def test_what_sells_fastest_is_stopped_first(stall: Stall) -> None:
    stall.channel.one_by_one = True
    await stall.bought("1", "C", 2)
    await stall.bought("2", "A", 1)
    before = len(stall.channel.calls)
    await hands(stall).stop("allegro", "anna")
    await stall.turns(1)
    assert [offers for _, _, offers in stall.channel.calls[before:]] == [("C",), ("A",), ("B",)]


async def test_what_nobody_stopped_cannot_be_lifted(stall: Stall) -> None:
    with pytest.raises(NotPossible, match="is not stopped"):
        await hands(stall).lift("allegro", "anna")
    with pytest.raises(NotPossible, match="no stock is sold on ebay"):
        await hands(stall).stop("ebay", "anna")
    await hands(stall).stop("allegro", "anna")
    with pytest.raises(NotPossible, match="stopped already"):
        await hands(stall).stop("allegro", "bert")
    stall.rules = [msgspec.structs.replace(RULE, channels=frozenset())]
    with pytest.raises(NotPossible, match="no stock is sold anywhere"):
        await hands(stall).stop(None, "anna")


async def test_what_nobody_counts_any_more_is_stopped_too(stall: Stall) -> None:
    """It was counted when the stop began, and its zero had not been written."""
    stall.channel.trouble = Temporary("down")
    await hands(stall).stop("allegro", "anna")
    await stall.turns(5)
    await stall.stock("B", None)
    await stall.turns(5)
    stall.channel.trouble = None
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)


async def test_what_is_counted_no_more_between_the_stop_and_its_computing_is_stopped_too(stall: Stall) -> None:
    stop = sales_stops.SalesStop(account="allegro", stopped_at=stall.clock.now(), stopped_by="anna")
    await stall.database.write(lambda tx: sales_stops.begin(tx, stop))
    await stall.stock("B", None)
    await settle(stall)
    assert shown(stall)["B"] == 0


async def test_a_stop_beats_a_dispute(stall: Stall) -> None:
    for _ in range(3):
        stall.channel.list("A", 15)
        await stall.listed("A", "A")
        await stall.orders_read()
        await stall.turns(120)
    assert (await stall.level("A")).disputed_over == 12
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    stall.channel.list("A", 15)
    await stall.listed("A", "A")
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)
    assert (await stall.level("A")).disputed_over == 12


async def kept_off(stall: Stall) -> dict[str, str | None]:
    """What a person hears of offers that stay at zero, by their numbers."""
    rows = await levels.unrestored(stall.database.reader, ["allegro"])
    return {row.external_id: code_of(row.reason) for row in rows}


async def test_what_is_in_dispute_stays_at_zero_is_reported_and_comes_back_when_that_ends(stall: Stall) -> None:
    for _ in range(3):
        stall.channel.list("A", 15)
        await stall.listed("A", "A")
        await stall.orders_read()
        await stall.turns(120)
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    assert await kept_off(stall) == {}
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == {**PIECES, "A": 0}
    assert await kept_off(stall) == {"A": "level.disputed"}
    in_force = SimpleNamespace(stock=lambda: stall.rules, prices=tuple)
    checks = OfferChecks(cast("Any", in_force), stall.database, lambda _: None)
    (found,) = [one for one in await checks.findings(stall.clock.now()) if one.kind is not AlarmKind.DISPUTE]
    assert (found.kind, found.subject) == (AlarmKind.UNRESTORED, "allegro")
    assert "offer A has stayed at zero" in found.detail
    row = dispute.settle(await stall.level("A"))
    await stall.database.write(lambda tx: levels.put(tx, [row]))
    await settle(stall)
    assert (shown(stall), await kept_off(stall)) == (PIECES, {})


async def test_what_is_linked_with_a_doubt_stays_at_zero_is_reported_and_comes_back_when_that_ends(
    stall: Stall,
) -> None:
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    id_ = (await stall.level("A")).offer
    (link,) = (await offers.links_of(stall.database.reader, [id_]))[id_]
    doubted = msgspec.structs.replace(link, doubt=Reason("link.another-fits"))
    await stall.database.write(lambda tx: offers.link(tx, [doubted]))
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert (shown(stall), await kept_off(stall)) == ({**PIECES, "A": 0}, {"A": "link.another-fits"})
    await stall.database.write(lambda tx: offers.link(tx, [link]))
    await stall.leveller.begin()
    await settle(stall)
    assert (shown(stall), await kept_off(stall)) == (PIECES, {})


async def test_what_was_linked_and_not_followed_when_all_was_stopped_comes_back(database: Database) -> None:
    stall = Stall(database, RULE)
    for name, pieces in PIECES.items():
        await stall.stock(name, pieces)
        await stall.offer(name, name, pieces)
    await hands(stall).stop("allegro", "anna")
    await stall.leveller.begin()
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == PIECES


async def test_what_is_counted_again_while_all_is_stopped_comes_back(stall: Stall) -> None:
    await stall.stock("B", None)
    await settle(stall)
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    await stall.stock("B", 30)
    await settle(stall)
    assert shown(stall) == dict.fromkeys(PIECES, 0)
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == PIECES


async def test_what_nobody_counts_when_the_stop_is_lifted_comes_back_once_it_is_counted(stall: Stall) -> None:
    """The hub remembers that it was on sale until all is computed again while it is counted."""
    await hands(stall).stop("allegro", "anna")
    await settle(stall)
    await stall.stock("B", None)
    await settle(stall)
    await hands(stall).lift("allegro", "anna")
    await settle(stall)
    assert shown(stall) == {**PIECES, "B": 0}
    await stall.stock("B", 30)
    await settle(stall)
    await stall.leveller.begin()
    await settle(stall)
    assert shown(stall) == PIECES


async def test_a_stop_is_lifted_where_no_stock_is_sold_any_more(stall: Stall) -> None:
    await hands(stall).stop("allegro", "anna")
    stall.rules = []
    lifted = await hands(stall).lift("allegro", "anna")
    assert [one.account for one in lifted] == ["allegro"]
