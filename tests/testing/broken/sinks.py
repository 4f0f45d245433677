"""Sinks that double, guess and make up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from olhubd.model import Money, Order, Payment, Shipment
from olhubd.plugin import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    Push,
    Receipt,
    Temporary,
    Unavailable,
)
from olhubd_tinyshop.connector import receipt
from olhubd_tinyshop.mapping import Sold
from tests.testing.broken.good import GoodSink, breaks


@breaks("ONCE-01", "ONCE-02", "ONCE-03", "ONCE-05", "ONCE-06", "ONCE-08")
class DoublesOnRetry(GoodSink):
    """Sends a create again when no answer came."""

    async def push_order(self, push: Push) -> Receipt:
        try:
            return await super().push_order(push)
        except OutcomeUnknown:
            return await super().push_order(push)


@breaks("ONCE-01", "ONCE-02", "ONCE-03", "ONCE-05", "ONCE-07")
class ClaimsNothingHappened(GoodSink):
    """Says "not done" where nobody knows."""

    async def push_order(self, push: Push) -> Receipt:
        try:
            return await super().push_order(push)
        except OutcomeUnknown as error:
            raise Unavailable(str(error)) from error


@breaks("FIND-03")
class TakesTheFirstHit(GoodSink):
    """Trusts a search that finds parts of words."""

    async def find_order(self, reference: str, since: datetime) -> Receipt | None:
        hits = await self.http.get("/search", list[Sold], {"text": reference})
        return receipt(hits[0]) if hits else None


@breaks("FIND-04", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05")
class FindsNothingWhenDown(GoodSink):
    """Says "surely not there" when it could not ask."""

    async def find_order(self, reference: str, since: datetime) -> Receipt | None:
        try:
            return await super().find_order(reference, since)
        except Temporary:
            return None


class Reshaping(GoodSink):
    """Pushes another order than it was given."""

    def reshape(self, order: Order) -> Order:
        return order

    async def push_order(self, push: Push) -> Receipt:
        return await super().push_order(replace(push, order=self.reshape(push.order)))


@breaks("PUSH-04")
class DropsDiscounts(Reshaping):
    def reshape(self, order: Order) -> Order:
        return replace(order, discounts=())


@breaks("PUSH-05")
class DropsServices(Reshaping):
    def reshape(self, order: Order) -> Order:
        return replace(order, lines=tuple(replace(line, charges=()) for line in order.lines))


@breaks("PUSH-03", "PUSH-04", "PUSH-09")
class RoundsPerPiece(Reshaping):
    """Goes by way of a net price in whole grosze."""

    def reshape(self, order: Order) -> Order:
        def there_and_back(money: Money) -> Money:
            net = Money(money.amount / Decimal("1.23"), money.currency).rounded()
            return (net * Decimal("1.23")).rounded()

        return replace(order, lines=tuple(replace(n, price=there_and_back(n.price)) for n in order.lines))


@breaks("PUSH-06")
class TakesDeliveryForPaid(Reshaping):
    """Books cash on delivery as paid."""

    def reshape(self, order: Order) -> Order:
        payment = order.payment
        if payment is None or not order.cash_on_delivery:
            return order
        return replace(order, payment=replace(payment, paid=order.total))


@breaks("PUSH-12")
class DefaultsTheCurrency(Reshaping):
    """Writes zlotys whatever the order says."""

    def reshape(self, order: Order) -> Order:
        return msgspec.json.decode(msgspec.json.encode(order).replace(b'"EUR"', b'"PLN"'), type=Order)


@breaks("PUSH-10")
class PutsInFreeLinesAnyway(GoodSink):
    async def push_order(self, push: Push) -> Receipt:
        return await super().push_order(replace(push, free_lines=True))


@breaks("STATUS-03")
class SetsTheStatusOfNobody(GoodSink):
    """Takes an order that is not there for one that needs nothing."""

    async def set_status(self, external_id: str, status: str) -> None:
        try:
            await super().set_status(external_id, status)
        except NotFound:
            return


@breaks("PAY-02")
class PaysAgain(GoodSink):
    """Adds the whole sum without a look at what is booked."""

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        await self.change(external_id, "payment", str(paid.amount))


@breaks("SHIP-02")
class AddsTheParcelAsTyped(GoodSink):
    """Compares waybills letter by letter."""

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        if shipment.waybill not in (await self.held(external_id)).parcels:
            await self.change(external_id, "parcel", shipment.waybill)


@breaks("CANCEL-02")
class StumblesOverItsOwnCancel(GoodSink):
    """Raises where the order is cancelled already."""

    async def cancel_order(self, external_id: str, reason: str) -> None:
        if (await self.held(external_id)).state == "sent":
            raise Conflict("the order is sent already")
        await self.change(external_id, "state", "cancelled")
