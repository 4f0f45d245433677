"""What a person said of an order while its source goes on telling it."""

from __future__ import annotations

import msgspec

from olhubd.decide.override import Override
from olhubd.decide.route import Route
from olhubd.engine.flow.landing import Landing
from olhubd.model import Action, Address, Fulfilment, Order, OrderId, Run, RunId, Subject
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, codec, deliveries, orders, overrides
from tests.orders import EPOCH, order, paid

OFFICE = Address(street="Biurowa 2", postcode="00-002", city="Warszawa")


async def test_it_outlives_other_news(database: Database, clock: SystemClock) -> None:
    """A payment arrives: address and status are still what the person said, and nothing is owed for them."""
    route = Route(target="shop", sources=frozenset({"market"}), statuses={"ready": "packed", "new": "open"})
    landing = Landing(database, clock, lambda: [route], lambda targets: None)

    async def tell(told: Order, number: int) -> None:
        run = Run(id=RunId(number), account="market", feed="orders", trigger="timer", started_at=EPOCH)
        await landing.land("market", [told], run=run)

    told = order("A")
    await tell(told, 1)
    id_ = OrderId(1)
    stored = await orders.get(database.reader, id_)
    assert stored is not None
    changed = msgspec.structs.replace(
        told, fulfilment=Fulfilment.READY, shipping=msgspec.structs.replace(told.shipping, address=OFFICE)
    )
    said = Override(
        note="rang",
        fulfilment=Fulfilment.READY,
        fulfilment_instead_of=Fulfilment.NEW,
        address=OFFICE,
        address_instead_of=told.shipping.address,
    )

    async def by_hand(tx: Transaction) -> None:
        await orders.rewrite(
            tx, msgspec.structs.replace(stored, order=changed, document=codec.encode(changed), changed_at=EPOCH)
        )
        await overrides.put(tx, Subject.order(id_), said, EPOCH)

    await database.write(by_hand)
    await tell(order("A", payment=paid("15.00")), 2)
    now = await orders.get(database.reader, id_)
    assert now is not None
    assert (now.order.fully_paid, now.order.fulfilment, now.order.shipping.address) == (
        True,
        Fulfilment.READY,
        OFFICE,
    )
    assert (await overrides.of_orders(database.reader, [id_]))[id_] == said
    owed = (await deliveries.of_orders(database.reader, [id_]))[id_]
    assert {delivery.action for delivery in owed} <= {Action.PUSH_ORDER, Action.SET_PAYMENT}
    await tell(order("A", payment=paid("15.00"), fulfilment=Fulfilment.SENT), 3)
    now = await orders.get(database.reader, id_)
    assert now is not None
    assert (now.order.fulfilment, now.order.shipping.address) == (Fulfilment.SENT, OFFICE)
