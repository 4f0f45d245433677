"""One of a purchase and its order in the shop is cancelled and the other is not: a person is asked, never twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import structlog

from olhubd.decide import onesided
from olhubd.engine.flow.landing import Landing
from olhubd.model import DeliveryState, Fulfilment, Order, OrderId, Run, RunId, Shipment, Stage
from olhubd.store import Database, Transaction, deliveries, events
from tests.engine.test_dispatcher import Bench as Outbox
from tests.orders import EPOCH, order

CANCEL, ASKED = "cancel-order ", "amend-order copy."


class Bench(Outbox):
    """The outbox of a shop whose own feed is read, too."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.landing = Landing(
            database, self.clock, lambda: self.routes, lambda targets: self.dispatcher.wake(), None, self.lineage
        )

    async def tell(self, status: str, **told: Any) -> None:
        """The shop tells of its order, which is on unless its `status` is "cancelled"."""
        stage = Stage.CANCELLED if status == "cancelled" else Stage.CONFIRMED
        echo = order("100", reference="allegro:A", external_stage=status, **{"stage": stage, **told})
        run = Run(id=RunId(1), account="shop", feed="orders", trigger="timer", started_at=EPOCH)
        await self.landing.land("shop", [echo], run=run)

    async def asked(self) -> list[tuple[str, str]]:
        """The questions so far, with their states."""
        found = (await deliveries.of_orders(self.database.reader, [1]))[OrderId(1)]
        return [(d.key.partition("#")[0], d.state.value) for d in found if onesided.asks(d)]

    async def kinds(self) -> list[str]:
        return [event.kind for event in await events.of_order(self.database.reader, 1)]

    async def answer(self) -> None:
        """A person accepts what is held."""

        async def work(tx: Transaction) -> None:
            held = await deliveries.listing(tx, states=[DeliveryState.HOLD])
            confirmed = DeliveryState.CONFIRMED
            await deliveries.save(tx, [msgspec.structs.replace(d, state=confirmed) for d in held])

        await self.database.write(work)


@pytest.fixture
async def bench(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Order A is in the shop as 100; a question is put at once."""
    monkeypatch.setattr(onesided, "PATIENCE", 0.0)
    bench = Bench(database)
    bench.start()
    await bench.land(order("A"))
    await bench.settled(1)
    yield bench
    bench.dispatcher.stop()
    if bench.task is not None:
        await bench.task


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


OFF: Order = order("A", stage=Stage.CANCELLED)


async def test_a_copy_that_is_cancelled_alone_waits_for_a_person(bench: Bench) -> None:
    await bench.tell("cancelled")
    await bench.until("confirmed", "hold")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.reason is not None
    assert held.reason.startswith("order N1 at shop is cancelled there (cancelled), and the purchase is not:")
    facts = msgspec.json.decode((await events.of_order(bench.database.reader, 1))[-1].data)
    assert facts["kind"] == "cancelled-on-one-side"
    assert "copy.cancelled" in await bench.kinds()
    await bench.tell("cancelled")
    assert await bench.asked() == [("copy.cancelled", "hold")]


async def test_nobody_is_asked_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seller cancels in the shop and then at the marketplace."""
    monkeypatch.setattr(onesided, "PATIENCE", 900.0)
    await bench.tell("cancelled")
    await bench.land(OFF)
    await bench.until("confirmed", "pending", "confirmed")

    async def due(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET due_at = created_at WHERE state = 'pending'")

    await bench.database.write(due)
    bench.dispatcher.wake()
    await bench.until("confirmed", "dropped", "confirmed")
    (question,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.DROPPED])
    assert question.reason == onesided.AGREED


async def test_a_question_ends_when_the_purchase_is_cancelled_too(bench: Bench) -> None:
    await bench.tell("cancelled")
    await bench.until("confirmed", "hold")
    await bench.land(OFF)
    await bench.until("confirmed", "dropped", "confirmed")


async def test_a_question_ends_when_the_copy_is_alive_again(bench: Bench) -> None:
    await bench.tell("cancelled")
    await bench.until("confirmed", "hold")
    await bench.tell("processing")
    await bench.until("confirmed", "dropped")
    assert "delivery.dropped" in await bench.kinds()
    await bench.tell("cancelled")
    await bench.until("confirmed", "dropped", "hold")


async def test_what_the_hub_cancelled_and_a_person_sees_to_is_not_asked_about(bench: Bench) -> None:
    """The seller took the cancellation back: that waits already, and the shop's feed tells late."""
    await bench.land(OFF)
    await bench.settled(2)
    await bench.land(order("A"))
    await bench.until("confirmed", "confirmed", "hold")
    await bench.tell("cancelled")
    assert await bench.asked() == []


async def test_what_was_sent_and_paid_back_is_not_asked_about(bench: Bench) -> None:
    parcel = Shipment(carrier="INPOST", waybill="630")
    await bench.tell("refunded", stage=Stage.CANCELLED, fulfilment=Fulfilment.RETURNED, shipments=(parcel,))
    assert await bench.asked() == []


async def test_what_was_paid_back_before_it_was_sent_is_asked_about(bench: Bench) -> None:
    await bench.tell("refunded", stage=Stage.CANCELLED, fulfilment=Fulfilment.RETURNED)
    await bench.until("confirmed", "hold")


async def test_the_routes_own_word_for_cancelled_counts(bench: Bench) -> None:
    """A hub that cancels by this word meets it again after an older database was put back."""
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], statuses={"cancelled": "parked"})
    await bench.tell("parked")
    await bench.until("confirmed", "hold")


async def test_a_copy_that_is_alive_again_alone_waits_for_a_person_once(bench: Bench) -> None:
    """So it is where a shop was set back, or an older database was put back; what a person left is left."""
    await bench.land(OFF)
    await bench.settled(2)
    await bench.tell("cancelled")
    await bench.tell("processing")
    await bench.until("confirmed", "confirmed", "hold")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.reason is not None
    assert held.reason.startswith("order N1 at shop was cancelled and is alive there again (processing), and the")
    assert await bench.asked() == [("copy.reopened", "hold")]
    await bench.answer()
    await bench.tell("completed")
    assert await bench.asked() == [("copy.reopened", "confirmed")]
    assert bench.shop.cancelled == ["100"]


async def test_nobody_is_told_to_cancel_what_is_on_again(bench: Bench) -> None:
    await bench.land(OFF)
    await bench.settled(2)
    await bench.tell("processing")
    await bench.until("confirmed", "confirmed", "hold")
    await bench.land(order("A"))
    await bench.until("confirmed", "confirmed", "dropped", "hold")
    assert await bench.asked() == [("copy.reopened", "dropped")]


async def test_a_late_telling_of_what_is_being_cancelled_is_no_question(bench: Bench) -> None:
    bench.dispatcher.pause()
    await bench.land(OFF)
    await bench.tell("processing")
    assert await bench.asked() == []
