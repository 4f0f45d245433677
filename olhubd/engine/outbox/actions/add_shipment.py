"""Attaching a parcel to an order at a target."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec

from olhubd.engine.outbox.handler import Done, Handler, Result
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.renumbered import known_as
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Shipment
from olhubd.plugin import ShipmentSink

__all__ = ["AddShipment"]


class AddShipment(Handler[ShipmentSink]):
    """The sink reads before it writes, and what comes late can be read when the target has settled."""

    action = Action.ADD_SHIPMENT
    capability = ShipmentSink
    creates = True

    def settle(self, target: TargetAccount, job: Job) -> timedelta:
        return self.sink(target).settle

    async def perform(self, target: TargetAccount, job: Job) -> Result:
        external_id = await known_as(target, job)
        if not isinstance(external_id, str):
            return external_id
        shipment = msgspec.json.decode(job.delivery.payload, type=Shipment)
        act = partial(self.sink(target).add_shipment, external_id, shipment)
        await target.calls.write(self.action.value, act)
        return Done()
