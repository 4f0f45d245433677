"""Mappings that guess, round and forget."""

from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal
from typing import cast

from msgspec.structs import replace

from olhubd.model import Money, Order, Payment, PaymentType, Stage
from olhubd.plugin import Page, Record
from tests.kit.broken.good import GoodFeed, breaks


class Retelling(GoodFeed):
    """Changes each order of feed, sweep and lookup alike."""

    def retell(self, order: Order) -> Order:
        return order

    def _again(self, record: Record) -> Record:
        return self.retell(record) if isinstance(record, Order) else record

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        page = await super()._page(path, query)
        return replace(page, records=[self._again(record) for record in page.records])

    async def read_order(self, external_id: str) -> Record:
        return self._again(await super().read_order(external_id))


@breaks("ORDER-01", "ORDER-02", "ORDER-04", "ORDER-07", "READ-01")
class FloatsMoney(Retelling):
    """Keeps amounts as floats."""

    def retell(self, order: Order) -> Order:
        adrift = cast("Decimal", float(order.total.amount) * 1.1)
        return replace(order, total=Money(adrift, order.total.currency))


@breaks("ORDER-02")
class ForgetsTheDelivery(Retelling):
    """Leaves out what the delivery costs."""

    def retell(self, order: Order) -> Order:
        return replace(order, shipping=replace(order.shipping, cost=None))


@breaks("ORDER-01", "ORDER-02", "READ-01")
class MakesUpACurrency(Retelling):
    """Has a word for money that no bank has."""

    def retell(self, order: Order) -> Order:
        def zl(money: Money) -> Money:
            return Money(money.amount, "ZL")

        lines = tuple(replace(line, price=zl(line.price)) for line in order.lines)
        cost = order.shipping.cost
        paid = order.payment.paid if order.payment else None
        return replace(
            order,
            lines=lines,
            total=zl(order.total),
            shipping=replace(order.shipping, cost=zl(cost) if cost else None),
            payment=replace(order.payment, paid=zl(paid)) if order.payment and paid else order.payment,
        )


@breaks("ORDER-03")
class ForgetsTheTimeZone(Retelling):
    """Keeps times as the wall showed them."""

    def retell(self, order: Order) -> Order:
        return replace(order, placed_at=order.placed_at.replace(tzinfo=None))


@breaks("ORDER-03")
class LivesInWarsaw(Retelling):
    """Keeps times in its own zone."""

    def retell(self, order: Order) -> Order:
        return replace(order, placed_at=order.placed_at.astimezone(timezone(timedelta(hours=2))))


@breaks("ORDER-05", "MERGE-01", "ORDER-10")
class NumbersItsLines(Retelling):
    """Counts the lines of each order from one."""

    def retell(self, order: Order) -> Order:
        lines = tuple(replace(line, external_id=str(n)) for n, line in enumerate(order.lines, start=1))
        return replace(order, lines=lines)


@breaks("ORDER-08")
class ForgetsCashOnDelivery(Retelling):
    """Has one payment type for all."""

    def retell(self, order: Order) -> Order:
        payment = order.payment or Payment(type=PaymentType.ONLINE)
        return replace(order, payment=replace(payment, type=PaymentType.ONLINE))


@breaks("ORDER-07", "ORDER-08")
class BelievesAllIsPaid(Retelling):
    """Takes the total for what was paid."""

    def retell(self, order: Order) -> Order:
        payment = order.payment or Payment(type=PaymentType.ONLINE)
        return replace(order, payment=replace(payment, paid=order.total))


@breaks("ORDER-09", "MERGE-02")
class GuessesTheStatus(Retelling):
    """Takes a status it does not know for a confirmed one."""

    def retell(self, order: Order) -> Order:
        return replace(order, stage=Stage.CONFIRMED) if order.stage is Stage.UNKNOWN else order


@breaks("ORDER-06", "ORDER-08")
class NeverConfirms(Retelling):
    """Leaves every purchase at its beginning."""

    def retell(self, order: Order) -> Order:
        return replace(order, stage=Stage.PLACED) if order.stage is Stage.CONFIRMED else order
