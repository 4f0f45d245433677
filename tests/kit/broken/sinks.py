"""Order sinks that double, guess and make up."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from olhubd.model import Money, Order
from olhubd.plugin import (
    Account,
    ErrorTable,
    Found,
    OutcomeUnknown,
    Push,
    Receipt,
    Rejected,
    Temporary,
    Unavailable,
)
from olhubd_tinyshop.connector import receipt
from olhubd_tinyshop.mapping import Sold, to_basket
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodSink, breaks


@breaks("ONCE-01", "ONCE-02", "ONCE-03", "ONCE-05", "ONCE-06", "ONCE-08", "ONCE-10")
class DoublesOnRetry(GoodSink):
    """Sends a create again when no answer came."""

    async def push_order(self, push: Push) -> Receipt:
        try:
            return await super().push_order(push)
        except OutcomeUnknown:
            return await super().push_order(push)


@breaks("ONCE-01", "ONCE-02", "ONCE-03", "ONCE-05", "ONCE-07", "ONCE-10")
class ClaimsNothingHappened(GoodSink):
    """Says "not done" where nobody knows."""

    async def push_order(self, push: Push) -> Receipt:
        try:
            return await super().push_order(push)
        except OutcomeUnknown as error:
            raise Unavailable(str(error)) from error


@breaks("ONCE-01", "ONCE-07")
class TakesAResetForNoConnection(GoodSink):
    """Says "not done" where the connection was reset, as it may be after the act too."""

    async def push_order(self, push: Push) -> Receipt:
        try:
            return await super().push_order(push)
        except OutcomeUnknown as error:
            if os.strerror(errno.ECONNRESET) in str(error):
                raise Unavailable(str(error)) from error
            raise


@breaks("ONCE-10", "FAIL-07")
class TakesAnybodysWord(GoodSink):
    """Takes whatever comes with a bad status for the shop's own refusal."""

    table = ErrorTable(is_refusal=lambda answer: True)

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        key = {"X-Api-Key": self.settings.api_key.get_secret_value()}
        self.http = account.client(str(self.settings.url), headers=key, errors=self.table)


@breaks("FAIL-07")
class NeverSaysHowItRefuses(TakesAnybodysWord):
    """Leaves the client to go by statuses, which anybody on the way can give."""

    table = ErrorTable()


@breaks("FIND-03")
class TakesTheFirstHit(GoodSink):
    """Trusts a search that finds parts of words."""

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        hits = await self.http.get("/search", list[Sold], {"text": reference})
        return receipt(hits[0]) if hits else None


@breaks("FIND-06")
class TakesASimilarNumber(GoodSink):
    """Takes for the number that was asked for whatever begins like it."""

    async def find_by_number(self, number: str) -> Found | None:
        return await super().find_by_number(number) or await super().find_by_number(number[:-1])


@breaks("FIND-04", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10")
class FindsNothingWhenDown(GoodSink):
    """Says "surely not there" when it could not ask."""

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        try:
            return await super().find_order(reference, age)
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


@breaks("PUSH-13")
class ForgetsTheTaxOnTop(Reshaping):
    """Takes net prices for what the buyer pays."""

    def reshape(self, order: Order) -> Order:
        return replace(order, tax=None)


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


@breaks(
    *("PUSH-02", "PUSH-06", "PUSH-07", "FIND-03", "FIND-05", "FIND-06", "FIND-07"),
    *("ONCE-01", "ONCE-04", "ONCE-06", "ONCE-08", "ONCE-10", "ONCE-11"),
)
class AdoptsALookalike(GoodSink):
    """Takes an order of the same buyer at the same total for the one that it should make."""

    async def push_order(self, push: Push) -> Receipt:
        hits = await self.http.get("/search", list[Sold], {"text": f"{push.account}:"})
        for hit in hits:
            if hit.total == push.order.total.amount and hit.reference != push.reference:
                return receipt(hit)
        return await super().push_order(push)


@breaks("PUSH-07")
class ForgetsThePayment(GoodSink):
    """Makes every order an unpaid one."""

    async def push_order(self, push: Push) -> Receipt:
        return await super().push_order(replace(push, include_payment=False))


@breaks("PUSH-08")
class DemandsAStreet(GoodSink):
    """Refuses whoever fetches the parcel from a locker."""

    async def push_order(self, push: Push) -> Receipt:
        if push.order.shipping.address is None:
            raise Rejected("the address is missing", field="address")
        return await super().push_order(push)


@breaks("PUSH-11")
class SellsNothingForNothing(Reshaping):
    """Puts a price where there is none."""

    def reshape(self, order: Order) -> Order:
        one = Money(Decimal("0.01"), order.total.currency)
        return replace(
            order, lines=tuple(replace(n, price=n.price if n.price.amount else one) for n in order.lines)
        )


@breaks(
    *("FIND-01", "FIND-03", "FIND-05", "FIND-07"),
    *("ONCE-01", "ONCE-02", "ONCE-03", "ONCE-05", "ONCE-08", "ONCE-09"),
    "ONCE-10",
    "ONCE-11",
)
class NeverLooks(GoodSink):
    """Says "surely not there" without a look."""

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        await self.http.get("/skus", list[str])
        return None


@breaks("FIND-02", "FIND-03", "FIND-05", "ONCE-04", "ONCE-08", "FIND-07")
class FindsTheLatest(GoodSink):
    """Takes the last order that the hub made for the one that was asked for."""

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        hits = await _latest(self)
        return receipt(hits[-1]) if hits else None


async def _latest(shop: GoodSink) -> list[Sold]:
    """The last page of all that the hub made."""
    rows, answer = await shop.http.fetch("GET", "/search", list[Sold], query={"text": "market:"})
    offset = int(answer.headers["X-Total"]) - len(rows)
    return await shop.http.get("/search", list[Sold], {"text": "market:", "offset": offset}) if offset else rows


@breaks("FIND-05", "FIND-07")
class LooksAtOnePage(GoodSink):
    """Looks through the last orders only."""

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        hits = await _latest(self)
        return next((receipt(hit) for hit in hits if hit.reference == reference), None)


@breaks("PUSH-01", "PUSH-14")
class MakesADraftToo(GoodSink):
    """Leaves a second order behind, without our reference."""

    async def push_order(self, push: Push) -> Receipt:
        await self.http.request("POST", "/orders", json=replace(to_basket(push, ()), reference=None))
        return await super().push_order(push)
