"""Sending, cancelling and settling orders that are in the shop. Each reads before it writes: twice is once. And
each is done when what comes back shows it, or else a reading does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from olhubd.model import Fulfilment, Money, Payment, Reason, Shipment
from olhubd.plugin import (
    CancelSink,
    Conflict,
    NotFound,
    OutcomeUnknown,
    PaymentSink,
    Rejected,
    ShipmentSink,
    StatusSink,
)
from olhubd_vendure import mapping, wire
from olhubd_vendure.fitting import mark
from olhubd_vendure.plan import without_goods
from olhubd_vendure.queries import Mutation
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["OrderWriter"]

_SHIPPED = frozenset({"Shipped", "Delivered"})

_Part = tuple[wire.Line, int]


class OrderWriter(StatusSink, PaymentSink, ShipmentSink, CancelSink):
    """Moves orders of one shop on."""

    def __init__(self, settings: VendureSettings, shop: Shop) -> None:
        self._settings = settings
        self._shop = shop
        self.settle = settings.settle

    async def set_status(self, external_id: str, status: str) -> None:
        with self._shop.learning():
            await self._move_to(external_id, status)

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        return mapping.WORDS.get(fulfilment)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        with self._shop.learning():
            await self._pay(external_id, payment, paid)

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        with self._shop.learning():
            await self._ship(external_id, shipment)

    async def cancel_order(self, external_id: str, reason: str) -> None:
        with self._shop.learning():
            await self._cancel(external_id, reason)

    async def _ship(self, id_: str, shipment: Shipment) -> None:
        """Attach a parcel to all that is not in one yet, or to the lines it names, and send it off."""
        order = await self._alive(id_, "a parcel")
        held = next((one for one in _live(order) if _same(one, shipment)), None)
        if held is not None:
            await self._move(order, held, "Shipped")
            return
        length = (await self._shop.server()).lengths.get("OrderLine.marketplaceLineId")
        named = frozenset(mark(one, length) for one in shipment.line_ids)
        lines = self._to_send(order, named)
        if not lines:
            # Vendure has no parcel without goods; a second one for the same goods can only be noted in words.
            await self._note(id_, f"{shipment.carrier_name or shipment.carrier}: {shipment.waybill}")
            return
        made = await self._fulfil(order, lines, shipment)
        await self._move(order, made, "Shipped")

    async def _move_to(self, id_: str, status: str) -> None:
        """Move the order to a state. Shipped and Delivered are reached through its fulfilments."""
        order = await self._order(id_)
        if order.state == status or mapping.WAY.due(order.state, status) is False:
            return
        if status == "Cancelled":
            await self._cancel(id_, "cancelled at the marketplace")
            return
        _refuse_cancelled(order, status)
        if status in _SHIPPED:
            await self._send(order, status)
        elif status == "PaymentSettled":
            await self._settle(order, None, None)
        else:
            move = Mutation("transitionOrderToState", {"id": id_, "state": status}, order.code)
            await self._do(move, id_, lambda one: one.state == status, state=status)

    async def _pay(self, id_: str, payment: Payment, paid: Money) -> None:
        """Record that all is paid. Vendure cannot record a part of it."""
        order = await self._order(id_)
        if paid.currency != order.currency_code:
            raise Rejected(
                Reason("olhubd_vendure:paid-in", paid=paid, currency=order.currency_code), field="currencyCode"
            )
        if paid.amount == 0:
            return
        _refuse_cancelled(order, Reason("olhubd_vendure:a-payment"))
        if paid.minor() < order.total_with_tax:
            total = Money.of_minor(order.total_with_tax, order.currency_code)
            raise Rejected(Reason("olhubd_vendure:part-paid", paid=paid, total=total), field="amount")
        await self._settle(order, payment.type.value, payment.external_id)

    async def _cancel(self, id_: str, reason: str) -> None:
        """Cancel it whole and give its stock back. Money is not refunded here: the marketplace holds it."""
        order = await self._order(id_)
        if order.state == "Cancelled":
            return
        if order.state == "Draft":
            (outcome,) = await self._shop.api.change(Mutation("deleteDraftOrder", {"orderId": id_}, order.code))
            if outcome.result != "DELETED" and await self._shop.order(id_) is not None:
                said = outcome.message or Reason("olhubd_vendure:no-reason")
                raise Conflict(Reason("olhubd_vendure:draft-stays", order=order.code, why=said))
            return
        if any(one.state in _SHIPPED for one in _live(order)):
            raise Conflict(Reason("olhubd_vendure:too-late-to-cancel", order=order.code, state=order.state))
        for one in _live(order):
            # A parcel that is not sent would stay waiting for ever.
            await self._move(order, one, "Cancelled")
        cancel = {"orderId": id_, "reason": reason, "cancelShipping": True}
        call = Mutation("cancelOrder", {"input": cancel}, order.code)
        await self._do(call, id_, lambda one: one.state == "Cancelled", state="Cancelled")

    async def withdraw(self, id_: str) -> None:
        """Take back an order that was never completed. One that the shop has not even placed gives its mark
        free, so that it can be made again should it be reopened."""
        order = await self._order(id_)
        await self._cancel(id_, "cancelled at the marketplace")
        if order.state == "Draft" or order.order_placed_at is not None or order.custom("imported") is True:
            return
        fields = {"id": id_, "customFields": {"externalId": None}}
        await self._shop.api.change(Mutation("setOrderCustomFields", {"input": fields}, order.code))

    async def _send(self, order: wire.Order, status: str) -> None:
        if lines := self._to_send(order, frozenset()):
            await self._fulfil(order, lines, None)
            order = await self._order(order.id)
        for one in _live(order):
            await self._move(order, one, "Shipped")
            if status == "Delivered" and one.state != "Delivered":
                await self._transit(order, one.id, "Delivered")
        held = await self._order(order.id)
        if mapping.WAY.due(held.state, status) is not False:
            raise Conflict(Reason("olhubd_vendure:not-moved-on", order=order.code, state=held.state, status=status))

    async def _fulfil(
        self, order: wire.Order, lines: list[dict[str, object]], shipment: Shipment | None
    ) -> wire.Fulfillment:
        method, tracking = (shipment.carrier, shipment.waybill) if shipment else ("", "")
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": tracking}]
        handler = {"code": self._settings.fulfillment_handler, "arguments": arguments}
        known = {one.id for one in _live(order)}
        (made,) = await self._shop.api.change(
            Mutation("addFulfillmentToOrder", {"input": {"lines": lines, "handler": handler}}, order.code)
        )
        held = await self._order(order.id)
        for one in _live(held):
            if one.id == made.id or (made.id is None and one.id not in known):
                return one
        raise OutcomeUnknown(f"addFulfillmentToOrder of {order.code}: answered, and no parcel more is there")

    async def _move(self, order: wire.Order, one: wire.Fulfillment, state: str) -> None:
        if one.state not in _SHIPPED:
            await self._transit(order, one.id, state)

    async def _transit(self, order: wire.Order, parcel: str, state: str) -> None:
        call = Mutation("transitionFulfillmentToState", {"id": parcel, "state": state}, order.code)

        def moved(held: wire.Order) -> bool:
            return any(one.id == parcel and one.state == state for one in held.fulfillments or ())

        await self._do(call, order.id, moved, state=state)

    async def _settle(self, order: wire.Order, method: str | None, transaction: str | None) -> None:
        payments = order.payments or []
        promised = [one.id for one in payments if one.state == "Authorized"]
        for payment in promised:
            call = Mutation("settlePayment", {"id": payment}, order.code)
            await self._do(call, order.id, partial(_settled, payment), state="Settled")
        if promised:
            return
        if sum(one.amount for one in payments if one.state == "Settled") >= order.total_with_tax:
            return
        name = self._settings.payment_method or method or "unknown"
        manual: dict[str, Any] = {"orderId": order.id, "method": name, "metadata": {}}
        if transaction:
            manual["transactionId"] = transaction
        call = Mutation("addManualPaymentToOrder", {"input": manual}, order.code)
        await self._do(call, order.id, _paid, state="PaymentSettled")

    async def _note(self, id_: str, note: str) -> None:
        if note in await self._shop.notes(id_):
            return
        text = {"id": id_, "note": note, "isPublic": True}
        await self._shop.api.change(Mutation("addNoteToOrder", {"input": text}))
        if note not in await self._shop.notes(id_):
            raise OutcomeUnknown("addNoteToOrder: answered, and the note is not there")

    async def _do(self, call: Mutation, id_: str, shows: Callable[[wire.Order], bool], *, state: str) -> None:
        """Carry it out. It is done when the answer shows the state that was wanted, or a reading shows it."""
        (outcome,) = await self._shop.api.change(call)
        if outcome.state != state and not shows(await self._order(id_)):
            raise OutcomeUnknown(f"{call.name} of {call.about}: answered, and nothing of it is there")

    def _to_send(self, order: wire.Order, named: frozenset[str]) -> list[dict[str, object]]:
        """What is in no parcel yet. Of that only the lines named, by their id there or at the marketplace; and with
        the first of them whatever no parcel holds, such as a charge, since nobody will ever name it."""
        sent: dict[str, int] = {}
        for one in _live(order):
            for part in one.lines:
                sent[part.order_line_id] = sent.get(part.order_line_id, 0) + part.quantity
        left = [(line, line.quantity - sent.get(line.id, 0)) for line in order.lines]
        left = [(line, quantity) for line, quantity in left if quantity > 0]
        if named:
            goods = [(line, quantity) for line, quantity in left if _names(line) & named]
            left = [part for part in left if part in goods or self._goodless(part)] if goods else []
        return [{"orderLineId": line.id, "quantity": quantity} for line, quantity in left]

    def _goodless(self, part: _Part) -> bool:
        return without_goods(part[0], self._settings.placeholder_sku)

    async def _alive(self, id_: str, what: str) -> wire.Order:
        order = await self._order(id_)
        _refuse_cancelled(order, what)
        return order

    async def _order(self, id_: str) -> wire.Order:
        order = await self._shop.order(id_)
        if order is None:
            raise NotFound(Reason("olhubd_vendure:no-order", order=id_))
        return order


def _refuse_cancelled(order: wire.Order, what: str) -> None:
    if order.state == "Cancelled":
        raise Conflict(Reason("olhubd_vendure:cancelled-there", order=order.code, what=what))


def _live(order: wire.Order) -> list[wire.Fulfillment]:
    return [one for one in order.fulfillments or [] if one.state != "Cancelled"]


def _same(one: wire.Fulfillment, shipment: Shipment) -> bool:
    return Shipment(waybill=one.tracking_code or "", carrier=one.method).key == shipment.key


def _names(line: wire.Line) -> set[str]:
    """By what a parcel may name it: its id there, or at the marketplace."""
    return {line.id, str((line.custom_fields or {}).get("marketplaceLineId"))}


def _settled(payment: str, order: wire.Order) -> bool:
    return any(one.id == payment and one.state == "Settled" for one in order.payments or ())


def _paid(order: wire.Order) -> bool:
    return sum(one.amount for one in order.payments or () if one.state == "Settled") >= order.total_with_tax
