"""Attaching a parcel to an order at a target."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec

from olhubd.engine.outbox.handler import Done, Result
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.on_copy import OnCopy
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Shipment
from olhubd.plugin import ShipmentSink

__all__ = ["AddShipment"]


class AddShipment(OnCopy[ShipmentSink]):
    """The sink reads before it writes, and what comes late can be read when the target has settled."""

    action = Action.ADD_SHIPMENT
    capability = ShipmentSink
    creates = True

    def settle(self, target: TargetAccount, job: OrderJob) -> timedelta:
        return self.sink(target).settle

    async def write(self, target: TargetAccount, job: OrderJob, sink: ShipmentSink, external_id: str) -> Result:
        shipment = msgspec.json.decode(job.delivery.payload, type=Shipment)
        await target.calls.write(self.action.value, partial(sink.add_shipment, external_id, shipment))
        return Done()
