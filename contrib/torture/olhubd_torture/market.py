"""A marketplace in memory: purchases, what becomes of them, and a journal that may lie about it.

Its books are the truth that the hub is held against. It speaks no HTTP and no JSON: what it answers are the
canonical records, so that thousands of schedules can be played in minutes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from olhubd.model import (
    Address,
    Buyer,
    Fulfilment,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    Shipping,
    Stage,
)
from olhubd.model.money import total
from olhubd.plugin import Conflict, NotFound
from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_torture.grant import Grant
from olhubd_torture.listings import Listings
from olhubd_torture.price_tags import PriceTags
from olhubd_torture.stall import Stall

__all__ = ["CURRENCY", "Market", "Purchase"]

CURRENCY = "PLN"
T = TypeVar("T")
_RANK = ("NEW", "PROCESSING", "SENT")
_FULFILMENT = {
    "NEW": Fulfilment.NEW,
    "PROCESSING": Fulfilment.PROCESSING,
    "SENT": Fulfilment.SENT,
    "CANCELLED": Fulfilment.CANCELLED,
}


class Purchase(msgspec.Struct, kw_only=True):
    """One order as the marketplace holds it.

    `stage` is BOUGHT, READY or CANCELLED; `merged` the id it became; `extras` how often more was paid later.
    """

    id: str
    lines: list[Line]
    buyer: int
    placed_at: datetime
    updated_at: datetime
    cod: bool
    stage: str = "BOUGHT"
    paid: bool = False
    fulfilment: str = "NEW"
    shipping: Money = Money(Decimal("9.99"), CURRENCY)
    moves: int = 0
    extras: int = 0
    merged: str | None = None
    waybills: list[str] = []
    made: float = 0.0
    """The second of the world at which it was made, or a cancellation of it was taken back: until then its pieces
    were free, and who reads what an offer shows has read nothing of it."""
    hidden: bool = False
    """Whether the journal kept quiet about it for a while."""

    @property
    def cancelled(self) -> bool:
        return self.stage == "CANCELLED" or self.fulfilment == "CANCELLED"

    @property
    def due(self) -> bool:
        """Whether the shop must have it."""
        return self.stage == "READY" and not self.cancelled and self.merged is None

    @property
    def total(self) -> Money:
        return total([*(line.sum for line in self.lines), self.shipping], CURRENCY)


class Market:
    """One seller's account there. `now` is its own clock, which never jumps."""

    def __init__(self, name: str, dice: random.Random, now: Callable[[], datetime]) -> None:
        self.name = name
        self.purchases: dict[str, Purchase] = {}
        self.grant = Grant(name, now)
        self.told: dict[int, str] = {}
        """What the journal has answered: the order of each event."""
        self.complaints: list[str] = []
        self._dice = dice
        self._now = now
        self._events: list[tuple[int, str, datetime]] = []
        self._next = 0
        self._drop = 0
        self._delay: list[float] = []
        self._unearthed: set[str] = set()
        self._short = 0
        self.listings: Listings | None = None
        self.tags: PriceTags | None = None
        """What its offers cost, where prices go to them."""
        self.stall: Stall | None = None
        """Its offers, where stock is counted."""

    @property
    def offered(self) -> Listings:
        """Its offers. Only where stock is counted."""
        assert self.listings is not None
        return self.listings

    # What buyers and the seller do; what is not possible any more does not happen

    def buy(self, *, buyer: int, lines: int, ready: bool, cod: bool) -> str:
        """Buy something; `ready` with the form filled in (and paid, unless on delivery). Returns the id."""
        number = len(self.purchases) + 1
        at = self._now()
        wares = self._dice.sample(self._wares, lines)
        sold = [self._line(f"{self.name}-{number}", index, ware) for index, ware in enumerate(wares)]
        if self.listings is not None and (found := self.listings.buy()) is not None:
            offer, pieces = found
            sold[0] = msgspec.structs.replace(sold[0], quantity=pieces, offer_id=offer.id, sku=offer.sku)
        return self._open(f"{self.name}-{number}", sold, buyer, cod, ready, at)

    @property
    def _wares(self) -> Sequence[ShelfProduct]:
        """What is sold without being counted."""
        if self.listings is None:
            return PRODUCTS
        return [ware for ware in PRODUCTS if ware.sku not in self.listings.counted]

    def _line(self, id_: str, index: int, ware: ShelfProduct) -> Line:
        return Line(
            external_id=f"{id_}-{index}",
            name=ware.name,
            quantity=self._dice.choice((1, 1, 2, 3)),
            price=ware.price or Money(Decimal(1), CURRENCY),
            sku=ware.sku,
        )

    def _open(self, id_: str, lines: list[Line], buyer: int, cod: bool, ready: bool, at: datetime) -> str:
        purchase = Purchase(id=id_, lines=lines, buyer=buyer, placed_at=at, updated_at=at, cod=cod)
        if self.listings is not None:
            purchase.made = self.listings.now()
        self.purchases[id_] = purchase
        if ready:
            purchase.stage, purchase.paid = "READY", not cod
        self._emit(purchase)
        return id_

    def confirm(self, id_: str, paid: bool = True) -> None:
        """The form is filled in."""
        purchase = self.purchases[id_]
        if purchase.stage == "BOUGHT" and purchase.merged is None:
            purchase.stage, purchase.paid = "READY", paid and not purchase.cod
            self._touch(purchase)

    def pay(self, id_: str) -> None:
        """The money comes."""
        purchase = self.purchases[id_]
        if not purchase.cod and not purchase.paid and purchase.merged is None:
            purchase.paid = True
            self._touch(purchase)

    def cancel(self, id_: str, by: str = "buyer") -> None:
        """By the buyer the purchase, by the seller his own state of it."""
        purchase = self.purchases[id_]
        if purchase.merged is None and not purchase.cancelled:
            if by == "buyer":
                purchase.stage = "CANCELLED"
            else:
                purchase.fulfilment = "CANCELLED"
            self._touch(purchase)

    def reopen(self, id_: str) -> None:
        """The seller takes his cancellation back."""
        purchase = self.purchases[id_]
        if purchase.fulfilment == "CANCELLED" and purchase.stage != "CANCELLED" and purchase.merged is None:
            purchase.fulfilment = "NEW"
            if self.listings is not None:
                purchase.made = self.listings.now()
            self._touch(purchase)

    def move(self, id_: str) -> None:
        """Another address."""
        purchase = self.purchases[id_]
        if purchase.merged is None and not purchase.cancelled:
            purchase.moves += 1
            self._touch(purchase)

    def surcharge(self, id_: str, amount: str = "5.00") -> None:
        """A dearer way of delivery."""
        purchase = self.purchases[id_]
        if purchase.merged is None and not purchase.cancelled:
            purchase.shipping += Money(Decimal(amount), CURRENCY)
            purchase.extras += 1
            self._touch(purchase)

    def merge(self, ids: Sequence[str]) -> str | None:
        """Pay purchases together that are not paid yet: another order with their lines, and they are gone."""
        old = [self.purchases[one] for one in ids]
        if any(one.merged or one.paid or one.cancelled for one in old) or len(set(ids)) < 2:
            return None
        id_ = f"{self.name}-{len(self.purchases) + 1}m"
        for one in old:
            one.merged = id_
        lines = [line for one in old for line in one.lines]
        return self._open(id_, lines, old[0].buyer, False, True, self._now())

    # The journal

    def _touch(self, purchase: Purchase) -> None:
        purchase.updated_at = self._now()
        self._emit(purchase)

    def _emit(self, purchase: Purchase) -> None:
        purchase.hidden = purchase.hidden or bool(self._drop or self._delay)
        if self._drop:
            self._drop -= 1
            return
        self._append(purchase.id, self._delay.pop(0) if self._delay else 0.0)

    def _append(self, id_: str, delay: float = 0.0) -> None:
        self._next += 1
        self._events.append((self._next, id_, self._now() + timedelta(seconds=delay)))

    def drop(self, count: int) -> None:
        """The next events are never sent."""
        self._drop += count

    def delay(self, count: int, seconds: float) -> None:
        """The next events show up late, at the places they would have had."""
        self._delay.extend([seconds] * count)

    def duplicate(self, count: int) -> None:
        """The last events are sent once more."""
        for _, id_, _ in self._events[-count:]:
            self._append(id_)

    def reorder(self, window: int) -> None:
        """The last events change places, but not those that are the only word of an order.

        What was sent at a place and is not there any more was not sent: a client that could not store it yet asks
        again and gets another.
        """
        count = len(self._events)
        places = [at for at in range(max(0, count - window), count) if self._events[at][1] not in self._unearthed]
        tail = [self._events[at] for at in places]
        for at, place, one in zip(places, tail, self._dice.sample(tail, len(tail)), strict=True):
            self._events[at] = (place[0], one[1], one[2])
        there = {(number, id_) for number, id_, _ in self._events}
        self.told = {number: id_ for number, id_ in self.told.items() if (number, id_) in there}
        self._hide()

    def shorten(self, count: int) -> None:
        """The next pages end early, and say that there is no more."""
        self._short += count
        self._hide()

    def _hide(self) -> None:
        """What the journal has not reported yet comes later than it could."""
        told = {*self.told.values()}
        for purchase in self.purchases.values():
            purchase.hidden = purchase.hidden or purchase.id not in told

    def unearth(self, buyer: int, days: int) -> str:
        """An order of long ago is sent only now; no listing of what changed lately has it."""
        id_, at = f"{self.name}-{len(self.purchases) + 1}", self._now() - timedelta(days=days)
        line = self._line(id_, 0, self._wares[buyer % len(self._wares)])
        self._unearthed.add(id_)
        self.purchases[id_] = Purchase(
            id=id_, lines=[line], buyer=buyer, placed_at=at, updated_at=at, cod=False, stage="READY", paid=True
        )
        self._append(id_)
        return id_

    def haunt(self) -> None:
        """The journal names an order that nobody can read."""
        self._append(f"{self.name}-nobody-{self._next}")

    def calm(self) -> None:
        """The journal lies no more about what is to come."""
        self._drop = self._short = 0
        self._delay.clear()
        if self.listings is not None:
            self.listings.calm()
        if self.stall is not None:
            self.stall.calm()

    # What the connector asks

    def end(self) -> int:
        """The number of the last event that shows."""
        return max((number for number, _, shown in self._events if shown <= self._now()), default=0)

    def events(self, after: int, limit: int) -> list[tuple[int, str]]:
        """What the journal sends after an event."""
        page = [(number, id_) for number, id_, shown in self._events if number > after and shown <= self._now()]
        page = self._page(page[:limit])
        self.told.update(page)
        return page

    def listing(self, since: datetime, start: int, limit: int) -> list[str]:
        """Orders touched since, by place."""
        found = [one.id for one in self.purchases.values() if one.updated_at >= since and one.merged is None]
        return self._page(found[start : start + limit])

    def _page(self, page: list[T]) -> list[T]:
        if self._short and page:
            self._short -= 1
            self._hide()
            return page[: self._dice.randrange(len(page))]
        return page

    def read(self, id_: str) -> Order | None:
        """The order as it is now; None when it was merged away."""
        purchase = self.purchases.get(id_)
        return None if purchase is None or purchase.merged is not None else told(purchase)

    def _live(self, id_: str) -> Purchase:
        purchase = self.purchases.get(id_)
        if purchase is None or purchase.merged is not None:
            raise NotFound("no such order")
        return purchase

    def set_status(self, id_: str, status: str) -> None:
        """Move the order on, never back."""
        purchase = self._live(id_)
        if purchase.cancelled:
            raise Conflict("it is cancelled")
        if _RANK.index(status) > _RANK.index(purchase.fulfilment):
            purchase.fulfilment = status
            self._touch(purchase)

    def attach(self, id_: str, waybill: str) -> None:
        """Register a parcel; the marketplace itself would take it twice."""
        self._live(id_).waybills.append(waybill)

    def waybills(self, id_: str) -> list[str]:
        return list(self._live(id_).waybills)


def told(purchase: Purchase) -> Order:
    """A purchase in the shape of the model."""
    who = f"canary{purchase.buyer}"
    name, phone = f"{who}-name", f"{who}-phone"
    street = f"{who}-street {purchase.moves}"
    address = Address(
        first_name="Jan",
        last_name=name,
        phone=phone,
        street=street,
        postcode="00-001",
        city="Warszawa",
        country="PL",
    )
    stages = {"BOUGHT": Stage.PLACED, "READY": Stage.CONFIRMED, "CANCELLED": Stage.CANCELLED}
    kind = PaymentType.CASH_ON_DELIVERY if purchase.cod else PaymentType.ONLINE
    return Order(
        external_id=purchase.id,
        placed_at=purchase.placed_at,
        updated_at=purchase.updated_at,
        stage=stages[purchase.stage],
        external_stage=purchase.stage,
        fulfilment=_FULFILMENT[purchase.fulfilment],
        external_fulfilment=purchase.fulfilment,
        lines=tuple(purchase.lines),
        total=purchase.total,
        buyer=Buyer(
            login=f"{who}-login", email=f"{who}@example.org", first_name="Jan", last_name=name, phone=phone
        ),
        shipping=Shipping(method="Courier", cost=purchase.shipping, address=address),
        payment=Payment(type=kind, paid=purchase.total if purchase.paid else Money(Decimal(0), CURRENCY)),
    )
