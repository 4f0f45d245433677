"""Things of an input and of the scratch database have different numbers: which is which."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from olhubd.decide.route import Route
from olhubd.engine.feed.caught_up import caught_up
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.engine.replay.counterparts import counterpart
from olhubd.engine.replay.replay import replay
from olhubd.model import Action, Delivery, DeliveryId, DeliveryState, EventId, Order, Run, RunId, Stage, Subject
from olhubd.store import Database, deliveries, orders
from olhubd.store.sqlite.ids import Identifiers
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from tests.orders import line, order

LATER = order().placed_at + timedelta(hours=2)


def sent(number: int, state: DeliveryState, minutes: int, *, word: str = "READY") -> Delivery:
    """A status that was planned so many minutes after the epoch."""
    return Delivery(
        id=DeliveryId(number),
        subject=Subject.order(1),
        target="market",
        action=Action.SET_STATUS,
        key=f"{word}#{number}",
        state=state,
        event_id=EventId(number),
        created_at=EPOCH + timedelta(minutes=minutes),
        due_at=EPOCH,
    )


HELD, PENDING = sent(1, DeliveryState.HOLD, 1), sent(2, DeliveryState.PENDING, 5)


@pytest.mark.parametrize(("minutes", "row"), [(1, HELD), (5, PENDING)])
def test_of_two_that_say_the_same_the_one_of_its_time_is_meant(minutes: int, row: Delivery) -> None:
    """The older one is open too: it waits for a person."""
    there = sent(77, DeliveryState.SENT, minutes)
    assert counterpart(there, [HELD, PENDING]) is row


def test_after_other_decisions_the_open_one_is_meant() -> None:
    there = sent(77, DeliveryState.SENT, 9)
    assert counterpart(there, [sent(1, DeliveryState.CONFIRMED, 1), PENDING]) is PENDING
    assert counterpart(there, [sent(1, DeliveryState.PENDING, 1, word="SENT")]) is None


async def test_what_is_in_doubt_is_so_by_the_numbers_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last order in doubt has a number there that is above that of a new one here."""
    give = Identifiers.next

    def mixed(self: Identifiers, table: str) -> int:
        return [give(self, table) for _ in range(5)][-1]

    clock, routes = VirtualClock(), [Route(target="shop", sources=frozenset({"allegro"}))]
    lineage = Lineage(clock)
    async with Database.open(tmp_path / "olhubd.sqlite") as database:
        database.recording = True
        landing = Landing(database, clock, lambda: routes, lambda _: None, lineage=lineage)

        async def land(*told: Order) -> None:
            clock.jump(60)
            run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
            await landing.land("allegro", told, run=run)

        with monkeypatch.context() as patch:
            patch.setattr(Identifiers, "next", mixed)
            await land(order("A"), order("B", (line("L2"),), stage=Stage.CANCELLED))
            await caught_up(database, lineage, "allegro")
            await land(order("C", (line("L3"),), stage=Stage.CANCELLED, placed_at=LATER))
        numbers = {row.external_id: row.id for row in await orders.listing(database.reader)}
        owed = await deliveries.of_orders(database.reader, list(numbers.values()))
        assert [name for name, number in numbers.items() if number in owed] == ["B", "A"], "C came after the doubt"
        report = await replay(database.path, tmp_path / "scratch", routes=routes)
    assert report.differences == []
    assert report.orders == 3
