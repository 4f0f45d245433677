"""Orders of ours that come back in a target's own feed: news of a copy, never a new order.

They are known by our mark, or by the number the target gave them. What a target tells of its copy becomes events of
the order it was made from, and may be owed back to where that came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide import changes, plan
from olhubd.decide.changes import Change
from olhubd.decide.route import Route
from olhubd.engine.ledger import Ledger
from olhubd.model import Order
from olhubd.store import Transaction, copies, orders, sightings

__all__ = ["Echoes"]


class Echoes:
    """The echoes within one transaction of a target's landing."""

    def __init__(
        self, tx: Transaction, account: str, now: datetime, routes: Sequence[Route], ledger: Ledger
    ) -> None:
        self._tx = tx
        self._account = account
        self._now = now
        self._routes = routes
        self._ledger = ledger
        self.touched: set[str] = set()
        """Those that told anything new."""

    async def take(self, echoes: Sequence[Order]) -> int:
        """Take over what these tell; gives how many orders that changed."""
        if not echoes:
            return 0
        changed = 0
        known = await copies.by_external(self._tx, self._account, [order.external_id for order in echoes])
        for order in echoes:
            if copy := known.get(order.external_id):
                changed += await self._echo(order, copy)
            else:
                changed += await self._stranger(order)
        return changed

    async def _echo(self, order: Order, copy: copies.Copy) -> bool:
        """Take over what a target says of its copy; tells whether that changed the order."""
        found: list[Change] = []
        status = order.external_stage
        if status != copy.status:  # also the first one that is told, where the receipt told none
            found.append(changes.CopyStatusChanged(target=self._account, old=copy.status, new=status))
        had = {shipment.key for shipment in copy.shipments}
        found.extend(
            changes.CopyShipped(
                target=self._account,
                carrier=shipment.carrier,
                waybill=shipment.waybill,
                carrier_name=shipment.carrier_name,
                url=shipment.url,
            )
            for shipment in order.shipments
            if shipment.key not in had
        )
        if not found and copy.status == status:
            return False
        self.touched.add(order.external_id)
        await copies.put(
            self._tx,
            [msgspec.structs.replace(copy, status=status, shipments=order.shipments, seen_at=self._now)],
        )
        if copy.status != status:
            await sightings.status(self._tx, self._account, status, copy.order_id, self._now)
        origin = await orders.get(self._tx, copy.order_id) if found else None
        if origin is None:
            return False
        debts = plan.follow(origin.account, origin.order, origin.order, found, self._routes, {self._account})
        self._ledger.record(origin.id, origin.account, found, debts)
        return True

    async def _stranger(self, order: Order) -> bool:
        """An order with our mark that is not the copy we know: ours on its way, a double, or another hub's.

        Tells whether it is a double that was not known.
        """
        account, _, external_id = (order.reference or "").partition(":")
        order_id = await orders.by_reference(self._tx, account, external_id)
        if order_id is None:
            return False
        for copy in (await copies.of_orders(self._tx, [order_id])).get(order_id, ()):
            if copy.account == self._account and not await self._ledger.has_double(order_id, order.external_id):
                double = changes.CopyDoubled(target=self._account, known=copy.external_id, other=order.external_id)
                self._ledger.record(order_id, account, [double], ())
                self.touched.add(order.external_id)
                return True
        return False
