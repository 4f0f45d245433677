"""What waits behind what, among the deliveries of one order to one target: as the handlers declare it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from olhubd.engine.outbox.actions import PRECEDENCE
from olhubd.model import Action, Delivery, DeliveryId, DeliveryState
from olhubd.store import Database, Transaction, deliveries
from tests.engine.test_dispatcher import Bench
from tests.orders import EPOCH, order

LATER = EPOCH + timedelta(days=1)


@pytest.mark.parametrize(
    ("older", "state", "external_id", "newer", "goes"),
    [
        # What is open holds up whatever comes after it,
        (Action.PUSH_ORDER, DeliveryState.RETRY, None, Action.SET_STATUS, False),
        (Action.SET_STATUS, DeliveryState.RETRY, None, Action.ADD_SHIPMENT, False),
        (Action.SET_PAYMENT, DeliveryState.SENT, None, Action.SET_STATUS, False),
        (Action.CANCEL_ORDER, DeliveryState.RETRY, None, Action.SET_STATUS, False),
        # and so does what waits for a person, since it is needed there,
        (Action.PUSH_ORDER, DeliveryState.HOLD, "100", Action.SET_STATUS, False),
        (Action.ADD_SHIPMENT, DeliveryState.HOLD, None, Action.SET_STATUS, False),
        # but no parcel waits for a refused status or payment.
        (Action.SET_STATUS, DeliveryState.HOLD, None, Action.ADD_SHIPMENT, True),
        (Action.SET_PAYMENT, DeliveryState.HOLD, None, Action.ADD_SHIPMENT, True),
        # What is there, though not as it should be, can be cancelled; what is not cannot.
        (Action.PUSH_ORDER, DeliveryState.HOLD, "100", Action.CANCEL_ORDER, True),
        (Action.PUSH_ORDER, DeliveryState.HOLD, None, Action.CANCEL_ORDER, False),
        (Action.PUSH_ORDER, DeliveryState.SENT, "100", Action.CANCEL_ORDER, False),
        # Nothing waits for what a person carries over.
        (Action.AMEND_ORDER, DeliveryState.PENDING, None, Action.SET_STATUS, True),
        (Action.AMEND_ORDER, DeliveryState.HOLD, "100", Action.CANCEL_ORDER, True),
        # What is to be off sale waits for no change that is tried again later, but for what may put it on sale.
        (Action.CHANGE_OFFER, DeliveryState.RETRY, None, Action.END_OFFER, True),
        (Action.CHANGE_OFFER, DeliveryState.SENT, None, Action.END_OFFER, False),
        (Action.PUBLISH_OFFER, DeliveryState.RETRY, None, Action.END_OFFER, False),
    ],
)
async def test_what_waits_behind_what(
    database: Database, older: Action, state: DeliveryState, external_id: str | None, newer: Action, goes: bool
) -> None:
    """Invariant 5."""
    bench = Bench(database)
    await bench.land(order("A"))

    async def claim(tx: Transaction) -> list[Delivery]:
        (push,) = await deliveries.listing(tx)
        first = msgspec.structs.replace(push, state=state, external_id=external_id, due_at=LATER)
        others = [
            msgspec.structs.replace(push, id=DeliveryId(id_), action=action, key="x", due_at=EPOCH)
            for id_, action in ((2, older), (3, newer))
        ]
        done = msgspec.structs.replace(push, state=DeliveryState.CONFIRMED)
        if older is not Action.PUSH_ORDER:
            first = msgspec.structs.replace(first, id=DeliveryId(2), action=older, key="x")
            await deliveries.add(tx, others[:1])
        await deliveries.add(tx, others[1:])
        await deliveries.save(tx, [first] if older is Action.PUSH_ORDER else [done, first])
        until = LATER - timedelta(hours=1)
        return await deliveries.claim(tx, "shop", PRECEDENCE, EPOCH + timedelta(hours=1), until, 10)

    claimed = await database.write(claim)
    assert [one.id for one in claimed] == ([3] if goes else [])
