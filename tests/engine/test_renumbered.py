"""A shop that was set back to a backup gives its numbers anew: what is there is somebody else's by now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
import structlog

from olhubd.decide import plan
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Action, Cause, DeliveryState, Order, OrderId, Shipment, Subject
from olhubd.plugin import Found
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, deliveries, orders, target_orders
from tests.engine.test_dispatcher import Bench as Outbox
from tests.engine.test_dispatcher import Shop, lose_after
from tests.engine.test_landing import Bench
from tests.orders import EPOCH, line, order, pln


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def bench(database: Database, clock: SystemClock) -> Bench:
    """Order A is in the shop as 77."""
    bench = Bench(database, clock)
    await bench.land(order("A", lines=(line("A-1", sku="KOC-1"),)))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    return bench


@pytest.fixture
async def outbox(database: Database) -> AsyncIterator[Outbox]:
    outbox = Outbox(database)
    outbox.start()
    yield outbox
    outbox.dispatcher.stop()
    if outbox.task is not None:
        await outbox.task


def cup(external_id: str) -> Order:
    """A buyer's own order in the shop, of other things than order A."""
    bought = order(external_id, lines=(line("own-1", sku="KUB-1", quantity=3),))
    return msgspec.structs.replace(bought, total=bought.expected_total())


async def test_a_buyers_order_under_our_number_lands_and_ours_waits_for_a_person(bench: Bench) -> None:
    result = await bench.land(cup("77"), account="shop")
    assert (result.counts.added, result.echoes) == (1, 0)
    assert await orders.by_reference(bench.database.reader, "shop", "77") is not None
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.order_id == 1
    assert (held.reason or "").startswith("order 77 at shop is another one by now")
    assert await target_orders.of_orders(bench.database.reader, [1]) == {}
    again = await bench.land(cup("77"), account="shop")
    assert (again.counts.added, again.echoes) == (0, 0)


async def test_our_order_that_lost_its_mark_and_was_edited_stays_ours(bench: Bench) -> None:
    edited = order("77", lines=(line("a", sku="KOC-1"), line("more", sku="KUB-1")))
    edited = msgspec.structs.replace(edited, total=edited.expected_total())
    result = await bench.land(edited, account="shop")
    assert (result.counts.added, result.echoes) == (0, 1)


async def test_an_edited_copy_of_a_purchase_without_codes_stays_ours(
    database: Database, clock: SystemClock
) -> None:
    """No product of it is left there because none was ever named: that says nothing of whose order it is."""
    bench = Bench(database, clock)
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    edited = order("77", lines=(line("a", sku="KOC-1"), line("more")))
    result = await bench.land(edited, account="shop")
    assert (result.counts.added, result.echoes) == (0, 1)
    assert await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]) == []
    assert len((await target_orders.of_orders(bench.database.reader, [1]))[OrderId(1)]) == 1


async def test_a_copy_that_was_edited_back_to_what_the_buyer_pays_stays_ours(bench: Bench) -> None:
    """By another total in between: what it costs is told by the purchase too, though no product of it is left."""
    await bench.land(order("77", reference="allegro:A", total=pln("18.00")), account="shop")
    result = await bench.land(order("77", lines=(line("a", sku="KUB-1"),)), account="shop")
    assert (result.counts.added, result.echoes) == (0, 1)
    assert await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]) == []


async def test_an_order_that_was_never_sent_from_here_is_looked_up_before_it_is_sent(bench: Bench) -> None:
    """Somebody had entered it by hand, and it was adopted: with a time of sending a retry looks for it first."""
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=None)
    await bench.land(cup("77"), account="shop")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.sent_at is not None


def planned() -> list[PlannedDelivery]:
    return [
        plan.status_at("shop", "sent", 0),
        plan.shipment_at("shop", Shipment(carrier="DPD", waybill="1"), 0),
        PlannedDelivery(target="shop", action=Action.SET_PAYMENT, cause=0, key="15", replaces=True),
    ]


@pytest.mark.parametrize("item", planned(), ids=lambda item: item.action.value)
@pytest.mark.parametrize("mark", ["allegro:A", "allegro:B"])
async def test_nothing_is_written_to_somebody_elses_order(
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
    item: PlannedDelivery,
    mark: str,
) -> None:
    async def find_by_number(number: str) -> Found | None:
        return Found(external_id="100", number=number, total=pln("15.00"), reference=mark)

    monkeypatch.setattr(Shop, "numbered", True)
    monkeypatch.setattr(outbox.shop, "find_by_number", find_by_number)
    outbox.shop.refusal = None
    await outbox.land(order("A"))
    await outbox.settled(1)

    async def owe(tx: Transaction) -> None:
        recorder = Recorder(tx, outbox.clock.now(), Cause("operator", "anna"))
        about = Subject.order(1)
        await recorder.owe(about, item, await recorder.event("order.noted", "allegro", about))
        await recorder.write(tx)

    await outbox.database.write(owe)
    outbox.dispatcher.wake()
    ours = {"set-payment": "hold"}.get(item.action.value, "confirmed")  # this shop takes none
    await outbox.until("confirmed", ours if mark == "allegro:A" else "hold")
    written = [*outbox.shop.told, *outbox.shop.parcels.there]
    assert len(written) == (mark == "allegro:A" and ours == "confirmed")
    if mark != "allegro:A":
        (held,) = await deliveries.listing(outbox.database.reader, states=[DeliveryState.HOLD])
        assert (held.reason or "").endswith("so nothing is written to it")


async def test_what_a_shop_did_with_an_order_that_is_held_goes_back(outbox: Outbox) -> None:
    """It was sent before it was found there, otherwise than it was ordered: no feed tells that word again."""
    outbox.routes[0] = msgspec.structs.replace(outbox.routes[0], status_back={"completed": "SENT"})
    outbox.shop.status = "completed"
    outbox.shop.script = [lose_after]
    await outbox.land(order("A", lines=(line("A-1", quantity=2),)))
    await outbox.until("hold", "pending")
    back = (await deliveries.listing(outbox.database.reader))[0]
    assert (back.target, back.key.partition("#")[0]) == ("allegro", "SENT")
