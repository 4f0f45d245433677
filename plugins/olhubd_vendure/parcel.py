"""Sending, cancelling and settling orders that stand in the shop. Each reads before it writes: twice is once."""

from __future__ import annotations

from typing import Any

from olhubd.model import Money, Payment, Shipment
from olhubd.plugin import Conflict, NotFound, Rejected
from olhubd_vendure import mapping, wire
from olhubd_vendure.queries import Call
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["Clerk"]

_SHIPPED = frozenset({"Shipped", "Delivered"})


class Clerk:
    """Moves orders of one shop on."""

    def __init__(self, settings: VendureSettings, shop: Shop) -> None:
        self._settings = settings
        self._shop = shop

    async def ship(self, id_: str, shipment: Shipment) -> None:
        """Attach a parcel to all that is not in one yet, or to the lines it names, and send it off."""
        order = await self._order(id_)
        held = next((one for one in _live(order) if _same(one, shipment)), None)
        if held is not None:
            await self._move(order, held, "Shipped")
            return
        lines = _unsent(order, frozenset(shipment.line_ids))
        if not lines:
            # Vendure has no parcel without goods; a second one for the same goods can only be told in words.
            note = f"{shipment.carrier_name or shipment.carrier}: {shipment.waybill}"
            if note not in await self._shop.notes(id_):
                text = {"id": id_, "note": note, "isPublic": True}
                await self._shop.api.change(Call("addNoteToOrder", {"input": text}))
            return
        made = await self._fulfil(lines, shipment.carrier, shipment.waybill)
        await self._shop.api.change(Call("transitionFulfillmentToState", {"id": made, "state": "Shipped"}))

    async def move(self, id_: str, status: str) -> None:
        """Move the order to a state. Shipped and Delivered are reached through its fulfilments."""
        order = await self._order(id_)
        here, there = mapping.rank(order.state), mapping.rank(status)
        if order.state == status or (here is not None and there is not None and here >= there):
            return
        if status == "Cancelled":
            await self.cancel(id_, "cancelled at the marketplace")
        elif status in _SHIPPED:
            await self._send(order, status)
        elif status == "PaymentSettled":
            await self._settle(order, None, None)
        else:
            await self._shop.api.change(Call("transitionOrderToState", {"id": id_, "state": status}, order.code))

    async def _send(self, order: wire.Order, status: str) -> None:
        lines = _unsent(order, frozenset())
        if lines:
            await self._fulfil(lines, "", "")
            order = await self._order(order.id)
        for one in _live(order):
            await self._move(order, one, "Shipped")
            if status == "Delivered" and one.state != "Delivered":
                await self._shop.api.change(
                    Call("transitionFulfillmentToState", {"id": one.id, "state": "Delivered"}, order.code)
                )

    async def _fulfil(self, lines: list[dict[str, object]], method: str, tracking: str) -> str:
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": tracking}]
        handler = {"code": self._settings.fulfillment_handler, "arguments": arguments}
        (made,) = await self._shop.api.change(
            Call("addFulfillmentToOrder", {"input": {"lines": lines, "handler": handler}})
        )
        if made.id is None:
            raise Conflict("the shop made a fulfilment and does not say which")
        return made.id

    async def _move(self, order: wire.Order, one: wire.Fulfillment, state: str) -> None:
        if one.state not in _SHIPPED:
            await self._shop.api.change(
                Call("transitionFulfillmentToState", {"id": one.id, "state": state}, order.code)
            )

    async def pay(self, id_: str, payment: Payment, paid: Money) -> None:
        """Record that all is paid. Vendure cannot record a part of it."""
        order = await self._order(id_)
        if paid.currency != order.currency_code:
            raise Rejected(f"{paid} was paid for an order in {order.currency_code}", field="currencyCode")
        if paid.minor() < order.total_with_tax:
            if paid.amount == 0:
                return
            total = Money.of_minor(order.total_with_tax, order.currency_code)
            raise Rejected(f"{paid} of {total} was paid, and a part cannot be recorded", field="amount")
        await self._settle(order, payment.type.value, payment.external_id)

    async def _settle(self, order: wire.Order, method: str | None, transaction: str | None) -> None:
        payments = order.payments or []
        promised = [one for one in payments if one.state == "Authorized"]
        if promised:
            for one in promised:
                await self._shop.api.change(Call("settlePayment", {"id": one.id}, order.code))
            return
        if sum(one.amount for one in payments if one.state == "Settled") >= order.total_with_tax:
            return
        name = self._settings.payment_method or method or "unknown"
        manual: dict[str, Any] = {"orderId": order.id, "method": name, "metadata": {}}
        if transaction:
            manual["transactionId"] = transaction
        await self._shop.api.change(Call("addManualPaymentToOrder", {"input": manual}, order.code))

    async def cancel(self, id_: str, reason: str) -> None:
        """Cancel it whole and give its stock back. Money is not refunded here: the marketplace holds it."""
        order = await self._order(id_)
        if order.state == "Cancelled":
            return
        if order.state == "Draft":
            await self._shop.api.change(Call("deleteDraftOrder", {"orderId": id_}, order.code))
            return
        if any(one.state in _SHIPPED for one in _live(order)):
            raise Conflict(f"order {order.code} is {order.state}: too late to cancel")
        cancel = {"orderId": id_, "reason": reason, "cancelShipping": True}
        await self._shop.api.change(Call("cancelOrder", {"input": cancel}, order.code))

    async def _order(self, id_: str) -> wire.Order:
        order = await self._shop.order(id_)
        if order is None:
            raise NotFound(f"the shop has no order {id_}")
        return order


def _live(order: wire.Order) -> list[wire.Fulfillment]:
    return [one for one in order.fulfillments or [] if one.state != "Cancelled"]


def _same(one: wire.Fulfillment, shipment: Shipment) -> bool:
    return Shipment(waybill=one.tracking_code or "", carrier=one.method).key == shipment.key


def _unsent(order: wire.Order, line_ids: frozenset[str]) -> list[dict[str, object]]:
    """What is in no parcel yet; of that only the lines named, by their id there or at the marketplace."""
    sent: dict[str, int] = {}
    for one in _live(order):
        for part in one.lines:
            sent[part.order_line_id] = sent.get(part.order_line_id, 0) + part.quantity
    left = [(line, line.quantity - sent.get(line.id, 0)) for line in order.lines]
    left = [(line, quantity) for line, quantity in left if quantity > 0]
    named = [
        (line, quantity)
        for line, quantity in left
        if line.id in line_ids or (line.custom_fields or {}).get("marketplaceLineId") in line_ids
    ]
    return [{"orderLineId": line.id, "quantity": quantity} for line, quantity in named or left]
