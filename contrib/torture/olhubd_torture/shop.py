"""A shop in memory that keeps whatever it is sent: a second order of the same mark is a second order.

It shows an order in its search only some seconds after it was made, as shops with an index do. An order is made by
one call, or in steps: a draft, its lines, and placing it; a draft is no order yet, and no search finds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from olhubd.model import Buyer, Line, Money, Order, Shipment, Stage
from olhubd.plugin import NotFound, Push
from olhubd_torture.market import CURRENCY
from olhubd_torture.price_lists import PriceLists
from olhubd_torture.shelf import LOWERED_BY, Shelf
from olhubd_torture.stock_plan import ItemPlan

__all__ = ["DRAFT", "Shop", "SoldOrder"]


DRAFT = "draft"
_ELSEWHERE = "EUR"


class SoldOrder(msgspec.Struct, kw_only=True):
    """One order in the shop; without a `reference` it is the shop's own."""

    id: str
    reference: str | None
    total: Money
    lines: tuple[Line, ...]
    status: str
    created_at: datetime
    changed_at: datetime
    change: int
    paid: bool = False
    waybills: list[str] = []
    spoiled: str = ""
    """What the shop made of it otherwise than it was sent, where that must be seen."""

    @property
    def wrong(self) -> bool:
        """Whether a person must handle what the shop made of it; a shortened text is only reported."""
        return self.spoiled not in ("", "text")


class Shop:
    """`lag` is after how many seconds the search shows a new order; `now` is its own clock."""

    def __init__(self, name: str, lag: float, now: Callable[[], datetime]) -> None:
        self.name = name
        self.orders: dict[str, SoldOrder] = {}
        self.complaints: list[str] = []
        self.cap: int | None = None
        """So many rows a page at most, however many were asked for."""
        self.shifts = False
        """Whether what was touched last is listed first, so that rows move while they are read."""
        self.stock = Shelf((), self._taken, lambda: 0.0)
        self._spoils: list[str] = []
        self._lag = timedelta(seconds=lag)
        self._now = now
        self._changes = self._made = 0

    def _put(
        self, reference: str | None, total: Money, lines: tuple[Line, ...], status: str, paid: bool
    ) -> SoldOrder:
        self._changes += 1
        self._made += 1
        number = str(self._made + 99)
        sold = SoldOrder(
            id=number,
            reference=reference,
            total=total,
            lines=lines,
            status=status,
            created_at=self._now(),
            changed_at=self._now(),
            change=self._changes,
            paid=paid,
        )
        self.orders[number] = sold
        return sold

    def _touch(self, sold: SoldOrder) -> None:
        self._changes += 1
        sold.change, sold.changed_at = self._changes, self._now()

    def _get(self, number: str) -> SoldOrder:
        if number not in self.orders:
            raise NotFound("no such order")
        return self.orders[number]

    def stocked(self, items: Iterable[ItemPlan], seconds: Callable[[], float]) -> None:
        """Count these items from now on."""
        self.stock = Shelf(items, self._taken, seconds)
        self.prices = PriceLists(items)

    def _taken(self) -> Counter[str]:
        """The pieces of the orders that the shop has taken up."""
        found: Counter[str] = Counter()
        for sold in self.orders.values():
            if sold.status in LOWERED_BY:
                for line in sold.lines:
                    found[line.sku or ""] += line.quantity
        return found

    # What people do there

    def sell(self) -> None:
        """Somebody buys in the shop itself."""
        price = Money(Decimal("24.90"), CURRENCY)
        line = Line(external_id=f"own-{len(self.orders)}", name="Kubek", quantity=1, price=price)
        self._put(None, price, (line,), "processing", True)

    def vend(self, sku: str, pieces: int) -> int:
        """Somebody buys so many pieces of what the shop counts, or as many as there are. Gives how many."""
        pieces = min(pieces, self.stock.free(sku))
        if pieces <= 0 or not self.stock.on_sale(sku):
            return 0
        price = Money(Decimal("24.90"), CURRENCY)
        line = Line(external_id=f"own-{len(self.orders)}", name=sku, quantity=pieces, price=price, sku=sku)
        self._put(None, price * pieces, (line,), "processing", True)
        return pieces

    def ship(self, reference: str) -> None:
        """The seller sends an order off, if it is there."""
        for sold in self.orders.values():
            if sold.reference == reference and sold.status in ("pending", "processing"):
                sold.status = "completed"
                sold.waybills.append(f"WB{sold.id}")
                self._touch(sold)

    def spoil(self, what: str, count: int) -> None:
        """So many of the next orders are stored otherwise than they come.

        A line is dropped, pieces are added, all is in another currency at the same figures, a text is cut short.
        The total stays what it was, so that it shows nothing of the first two.
        """
        self._spoils.extend([what] * count)

    def calm(self) -> None:
        """It is as it should be with all that comes."""
        self.stock.drafts.clear()
        self.stock.blank = 0.0
        self._spoils.clear()
        self.cap = None

    def _spoil(self, sold: SoldOrder) -> SoldOrder:
        if not self._spoils:
            return sold
        what = self._spoils.pop(0)
        first = sold.lines[0]
        match what:
            case "line" if len(sold.lines) > 1:
                sold.lines = sold.lines[1:]
            case "line" | "quantity":
                what = "quantity"
                more = msgspec.structs.replace(first, quantity=first.quantity + 1)
                sold.lines = (more, *sold.lines[1:])
            case "currency":
                sold.total = Money(sold.total.amount, _ELSEWHERE)
            case _:
                sold.lines = (msgspec.structs.replace(first, name=first.name[:3]), *sold.lines[1:])
        sold.spoiled = what
        return sold

    # Making an order in steps

    def draft(self, push: Push) -> SoldOrder:
        """Begin one; a second draft of the same mark is a second one."""
        return self._put(push.reference, Money(Decimal(0), CURRENCY), (), DRAFT, False)

    def drafts(self, reference: str) -> list[SoldOrder]:
        return [one for one in self.orders.values() if one.reference == reference and one.status == DRAFT]

    def fill(self, number: str, push: Push) -> None:
        """Give a draft its lines and its price, in place of those it has."""
        sold = self._get(number)
        if sold.status == DRAFT:
            sold.lines, sold.total = _lines(push), push.order.expected_total()

    def place(self, number: str, push: Push) -> SoldOrder:
        """Make a draft an order; one that is placed stays as it is."""
        sold = self._get(number)
        if sold.status == DRAFT:
            sold.status, sold.paid = push.status or "pending", push.include_payment and push.order.fully_paid
            sold.created_at = self._now()
            self._touch(self._spoil(sold))
        return sold

    def discard(self, number: str) -> None:
        """Throw a draft away."""
        if self._get(number).status == DRAFT:
            del self.orders[number]

    # What the connector asks

    def create(self, push: Push) -> SoldOrder:
        order = push.order
        paid = push.include_payment and order.fully_paid
        sold = self._put(push.reference, order.expected_total(), _lines(push), push.status or "pending", paid)
        return self._spoil(sold)

    def find(self, reference: str, age: timedelta | None) -> SoldOrder | None:
        """Among what is not older than `age` by the shop's own clock, as far as it shows up yet."""
        shown = self._now() - self._lag
        since = self._now() - age if age is not None else None
        for sold in self.orders.values():
            if sold.reference == reference and sold.status != DRAFT and sold.created_at <= shown:
                return sold if since is None or sold.created_at >= since else None
        return None

    def cancel(self, number: str) -> None:
        sold = self._get(number)
        if sold.status != "cancelled":
            sold.status = "cancelled"
            self._touch(sold)

    def set_status(self, number: str, status: str) -> None:
        sold = self._get(number)
        if sold.status not in (status, "cancelled", "completed"):
            sold.status, sold.paid = status, sold.paid or status == "processing"
            self._touch(sold)

    def set_paid(self, number: str, paid: Money) -> None:
        sold = self._get(number)
        full = paid.amount >= sold.total.amount
        if sold.paid is not full:
            sold.paid = full
            self._touch(sold)

    def changes(self, after: int, limit: int) -> list[SoldOrder]:
        """What changed, in the order of changes."""
        placed = [sold for sold in self.orders.values() if sold.change > after and sold.status != DRAFT]
        found = sorted(placed, key=lambda sold: sold.change)
        return found[: self._page(limit)]

    def _page(self, limit: int) -> int:
        return limit if self.cap is None else min(limit, self.cap)

    @property
    def last(self) -> int:
        return self._changes

    def listing(self, since: datetime, start: int, limit: int) -> list[SoldOrder]:
        found = [sold for sold in self.orders.values() if sold.changed_at >= since and sold.status != DRAFT]
        if self.shifts:
            found.sort(key=lambda sold: -sold.change)
        return found[start : start + self._page(limit)]

    def further(self, since: datetime, start: int) -> bool:
        """Whether the list goes on at a place."""
        return bool(self.listing(since, start, 1))


def _lines(push: Push) -> tuple[Line, ...]:
    return tuple(
        msgspec.structs.replace(line, external_id=f"{push.reference}/{line.external_id}")
        for line in push.order.lines
    )


def told(sold: SoldOrder) -> Order:
    """A shop's order in the shape of the model."""
    return Order(
        external_id=sold.id,
        placed_at=sold.created_at,
        updated_at=sold.changed_at,
        stage=Stage.CANCELLED if sold.status == "cancelled" else Stage.CONFIRMED,
        external_stage=sold.status,
        lines=_priced(sold),
        total=sold.total,
        buyer=Buyer(login="canary-own"),
        reference=sold.reference,
        shipments=tuple(Shipment(carrier="DPD", waybill=waybill) for waybill in sold.waybills),
    )


def _priced(sold: SoldOrder) -> tuple[Line, ...]:
    """Its lines, and what else is paid as one of its own, so that they sum up."""
    goods = sum((line.sum.amount for line in sold.lines), Decimal(0))
    rest = Money(sold.total.amount - goods, sold.total.currency)
    if not rest.amount:
        return sold.lines
    return (*sold.lines, Line(external_id=f"{sold.id}/shipping", name="Shipping", quantity=1, price=rest))
