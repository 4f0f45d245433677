"""A marketplace that limits how many offers are changed in a minute, and not only how many calls there are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.levels import submission
from olhubd.plugin import Accepted, LevelCall, RowOutcome, ValuesSpent
from olhubd.plugin.budget import spares
from olhubd.store import Database, levels
from olhubd_torture.loop import VirtualTimeLoop
from tests.bench import quantities
from tests.engine.levels.stall import Channel, Stall


def test_zeros_go_first_and_nothing_is_refused(tmp_path: Path) -> None:
    """S22, a tenth of it: 950 rows to zero and 50 to 50 different values, where 900 may be changed in a minute."""
    stocks = [(60, 0)] * 950 + [(60, value) for value in range(1, 51)]
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(quantities.ours(stocks, tmp_path, 900))
    assert found.refused == 0
    assert found.sent[0] == ("publication", 900)
    assert sorted(found.sent[1:]) == [("publication", 50), *[("quantity", 1)] * 50]
    assert found.sent[-1] == ("publication", 50)
    assert found.seconds < 120


def test_what_is_limited_is_drained_as_fast_as_it_may_be(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(quantities.ours(quantities.half_and_half(720), tmp_path, 252))
    assert found.refused == 0
    assert [found.changed[minute] for minute in range(3)] == [252, 252, 216]
    assert found.seconds < 150


class Sparing(Channel):
    """Notes which quantities were written by calls that leave something to others."""

    def __init__(self) -> None:
        super().__init__()
        self.spared: dict[int | None, bool] = {}

    async def send(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        self.spared[call.value] = spares()
        return await super().send(command, call)


async def test_only_what_sells_more_leaves_something_to_others(database: Database) -> None:
    stall = Stall(database)
    stall.channel = channel = Sparing()
    stall.leveller = stall.make_leveller()
    for number, sku in (("1", "A"), ("2", "B")):
        await stall.stock(sku, 9)
        await stall.offer(number, sku, 9)
    await stall.orders_read()
    await stall.turns(10)
    await stall.stock("A", 12)
    await stall.stock("B", 4)
    await stall.orders_read()
    await stall.turns(20)
    assert channel.spared == {12: True, 4: False}


class Limited(Channel):
    """Numbers may be written again only when it is `open`; ends are counted for themselves."""

    open = False

    async def send(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        if call.action == "set" and not self.open:
            raise ValuesSpent("later", retry_after=50.0)
        return await super().send(command, call)


@pytest.fixture
async def stall(database: Database, monkeypatch: pytest.MonkeyPatch) -> Stall:
    """Nine of A, B and C in the shop and on an offer each. One that waits is as many thousands are."""
    monkeypatch.setattr(submission, "_MANY", 1)
    stall = Stall(database)
    stall.channel = Limited()
    stall.leveller = stall.make_leveller()
    for number, sku in (("1", "A"), ("2", "B"), ("3", "C")):
        await stall.stock(sku, 9)
        await stall.offer(number, sku, 9)
    await stall.orders_read()
    await stall.turns(10)
    return stall


async def test_what_waits_for_its_budget_holds_up_nothing_else(stall: Stall) -> None:
    await stall.stock("A", 5)
    await stall.turns(1)
    assert stall.channel.calls == []
    await stall.stock("B", 0)
    await stall.turns(20)
    assert stall.channel.calls == [("end", None, ("2",))]
    assert (await stall.level("2")).even


async def test_it_is_sent_when_its_budget_allows_it_and_as_it_is_wanted_then(stall: Stall) -> None:
    await stall.stock("A", 5)
    await stall.turns(1)
    stall.channel.open = True  # type: ignore[attr-defined]
    await stall.stock("A", 4)
    await stall.stock("C", 4)
    await stall.turns(40)
    assert stall.channel.calls == []
    await stall.turns(30)
    assert stall.channel.calls == [("set", 4, ("1", "3"))]
    assert (await stall.level("1")).even


async def test_what_waits_is_not_read_with_each_turn(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though what a stop of all selling or another change makes of it is."""
    asked: list[int] = []
    uneven = levels.uneven

    async def counted(*given: Any, **named: Any) -> list[OfferLevel]:
        found = await uneven(*given, **named)
        asked.extend(row.offer for row in found)
        return found

    await stall.stock("A", 5)
    await stall.turns(1)
    await stall.stock("B", 3)
    await stall.turns(55)
    monkeypatch.setattr(levels, "uneven", counted)
    await stall.stock("B", 0)
    await stall.turns(20)
    (a, b) = (await stall.level("1"), await stall.level("2"))
    assert a.offer not in asked
    assert b.offer in asked
    await stall.stock("A", 0)
    await stall.turns(20)
    assert stall.channel.calls[-1] == ("end", None, ("1",))


class Roomy(Channel):
    """Numbers of one offer are written at once, and of no more in this hour."""

    async def send(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        if call.action == "set" and len(call.offers) > 1:
            raise ValuesSpent("later", retry_after=1800.0)
        return await super().send(command, call)


async def test_what_sells_too_much_waits_for_no_larger_raise(database: Database) -> None:
    """Two offers are to show more, for which there is no room in this hour; one that sells too much fits."""
    stall = Stall(database)
    stall.channel = Roomy()
    stall.leveller = stall.make_leveller()
    for number, sku in (("1", "A"), ("2", "B"), ("3", "C")):
        await stall.stock(sku, 9)
        await stall.offer(number, sku, 9)
    await stall.orders_read()
    await stall.turns(10)
    await stall.stock("A", 12)
    await stall.stock("B", 12)
    await stall.orders_read()
    await stall.turns(10)
    assert stall.channel.calls == []
    await stall.stock("C", 4)
    await stall.turns(20)
    assert stall.channel.calls == [("set", 4, ("3",))]
    assert (await stall.level("3")).even


async def test_a_smaller_lowering_waits_for_no_larger_one(database: Database) -> None:
    """Two offers sell too much, for which there is no room in this hour; a third one fits beside them."""
    stall = Stall(database)
    stall.channel = Roomy()
    stall.leveller = stall.make_leveller()
    for number, sku in (("1", "A"), ("2", "B"), ("3", "C")):
        await stall.stock(sku, 9)
        await stall.offer(number, sku, 9)
    await stall.orders_read()
    await stall.turns(10)
    await stall.stock("A", 5)
    await stall.stock("B", 5)
    await stall.turns(10)
    assert stall.channel.calls == []
    await stall.stock("C", 4)
    await stall.turns(20)
    assert stall.channel.calls == [("set", 4, ("3",))]
    assert (await stall.level("3")).even
    assert not (await stall.level("1")).even
