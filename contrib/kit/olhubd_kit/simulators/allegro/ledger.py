"""The simulator's orders: what was bought and its later states. Each change makes a revision and an event."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an order's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from olhubd.model import Address, Money
from olhubd_kit.simulator import BookedLine, BookedOrder, BookedParcel
from olhubd_kit.simulators.allegro.journal import EventJournal
from olhubd_kit.simulators.allegro.population import Json, Population, PurchaseTraits, money, stamp

__all__ = ["AllegroBooks", "CheckoutForm"]


class CheckoutForm:
    """One checkout form, its parcels, and its answer as it goes over the wire, encoded once per revision."""

    __slots__ = ("_body", "bought", "buyer", "filled", "form", "merged", "shipments", "updated", "writes")

    def __init__(self, form: Json, filled: Json, buyer: int, at: datetime) -> None:
        self.form = form
        self.filled = filled
        self.buyer = buyer
        self.bought = at
        self.updated = at
        self.shipments: list[Json] = []
        self.merged = False
        self.writes: dict[str, int] = {}
        self._body: bytes | None = None

    @property
    def id(self) -> str:
        return str(self.form["id"])

    @property
    def status(self) -> str:
        return str(self.form["status"])

    @property
    def seller_status(self) -> str:
        return str(self.form["fulfillment"]["status"])

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = msgspec.json.encode(self.form)
        return self._body

    def touch(self, revision: str, at: datetime | None) -> None:
        """A new revision; without `at` the time of change stays, as Allegro does for some changes."""
        self.form["revision"] = revision
        if at is not None:
            self.updated = at
            self.form["updatedAt"] = stamp(at)
        self.form["summary"] = {"totalToPay": _total(self.form)}
        self._body = None


def _amount(price: Json) -> Decimal:
    return Decimal(price["amount"])


def _total(form: Json) -> Json:
    """Lines with their services and deposits, plus the delivery once it is chosen."""
    total = Decimal(0)
    for line in form["lineItems"]:
        total += _amount(line["price"]) * line["quantity"]
        total += sum(_amount(one["price"]) * one["quantity"] for one in line["selectedAdditionalServices"])
        if "deposit" in line:
            total += _amount(line["deposit"]["price"]) * line["quantity"]
    if "delivery" in form:
        total += _amount(form["delivery"]["cost"])
    return money(total, form["lineItems"][0]["price"]["currency"])


class AllegroBooks:
    def __init__(
        self,
        people: Population,
        journal: EventJournal,
        now: Callable[[], datetime],
        sold: Callable[[str, int], None] = lambda _offer, _pieces: None,
    ) -> None:
        self._sold = sold
        self.purchases: dict[str, CheckoutForm] = {}
        self.sent_on_shipment = False
        self._people = people
        self._journal = journal
        self._now = now
        self._last: datetime | None = None
        self._revision = people.random.getrandbits(28)

    def find(self, form_id: str) -> CheckoutForm | None:
        """The purchase as Allegro shows it; one that was merged away is not there."""
        purchase = self.purchases.get(form_id)
        return None if purchase is None or purchase.merged else purchase

    def live(self) -> list[CheckoutForm]:
        return [one for one in self.purchases.values() if not one.merged]

    def _held(self, form_id: str) -> CheckoutForm:
        purchase = self.find(form_id)
        if purchase is None:
            raise ValueError(f"no checkout form {form_id}")
        return purchase

    def _filled(self, form_id: str) -> CheckoutForm:
        purchase = self._held(form_id)
        if "delivery" not in purchase.form:
            raise ValueError(f"the buyer of {form_id} has not filled in the delivery yet: advance it first")
        return purchase

    def tick(self) -> datetime:
        """Now, in whole milliseconds, and no two events at the same one."""
        now = self._now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self._last is not None and now <= self._last:
            now = self._last + timedelta(milliseconds=1)
        self._last = now
        return now

    def change(self, purchase: CheckoutForm, kind: str | None, *, moves: bool = True) -> None:
        """A new revision, reported by an event of `kind`. Some changes are silent, some leave the time as it
        was."""
        at = self.tick()
        self._revision += 1
        purchase.touch(f"{self._revision:08x}", at if moves else None)
        if kind is not None:
            named = kind != "BOUGHT" or self._people.random.random() < 0.8
            self._journal.emit(kind, purchase.form, at, named=named)

    # What buyers and the seller do

    def buy(
        self, count: int = 1, ready: bool = True, paid: bool | None = None, cod: bool = False, **shape: Any
    ) -> list[str]:
        """Buy `count` times; `ready` means filled in and paid, else it stays BOUGHT. Returns the ids.

        `paid` is short for a payment online, `cod` for one on delivery; not `paid` ends with the form filled in.
        """
        if cod or paid is not None:
            shape["payment"] = "CASH_ON_DELIVERY" if cod else "ONLINE"
        wanted = msgspec.convert(shape, PurchaseTraits)
        unpaid = paid is False and not cod
        bought = [self._buy(wanted, ready and not unpaid) for _ in range(count)]
        if ready and unpaid:
            for one in bought:
                self.advance(one)
        return bought

    def _buy(self, shape: PurchaseTraits, ready: bool) -> str:
        at = self.tick()
        parts = self._people.purchase(shape, at)
        purchase = CheckoutForm(parts.form, parts.filled, parts.buyer, at)
        self.purchases[purchase.id] = purchase
        for line in purchase.form["lineItems"]:
            self._sold(line["offer"]["id"], line["quantity"])
        self.change(purchase, "BOUGHT")
        if ready:
            self.advance(purchase.id)
            if purchase.status != "READY_FOR_PROCESSING":
                self.advance(purchase.id)
        return purchase.id

    def advance(self, id: str) -> str:
        """The buyer's next step: the delivery form, then the payment. Cash on delivery needs no second one."""
        purchase = self._held(id)
        if purchase.status == "BOUGHT":
            purchase.form.update(purchase.filled)
            purchase.form["status"] = "FILLED_IN"
            self.change(purchase, "FILLED_IN")
            if purchase.form["payment"]["type"] == "CASH_ON_DELIVERY":
                self._complete(purchase)
        elif purchase.status == "FILLED_IN":
            self.pay(id)
        else:
            raise ValueError(f"{purchase.status} is the end of the way")
        return purchase.status

    def announce(self, id: str) -> None:
        """Report that the purchase is ready while its form does not show it yet; `advance` lets the form follow."""
        purchase = self._held(id)
        self._journal.emit("READY_FOR_PROCESSING", purchase.form, self.tick())

    def pay(self, id: str) -> None:
        """The payment arrives in full."""
        purchase = self._held(id)
        if purchase.status != "FILLED_IN":
            raise ValueError(f"nothing to pay while {purchase.status}")
        purchase.form["payment"]["paidAmount"] = purchase.form["summary"]["totalToPay"]
        self._complete(purchase)

    def _complete(self, purchase: CheckoutForm) -> None:
        purchase.form["status"] = "READY_FOR_PROCESSING"
        # Cash on delivery has it as well: the form is finished, whatever was paid.
        purchase.form["payment"]["finishedAt"] = stamp(self.tick())
        self.change(purchase, "READY_FOR_PROCESSING")

    def merge(self, ids: Sequence[str], ready: bool = True) -> str:
        """The buyer of the first pays unpaid purchases together: a new form, the old ones are gone."""
        old = [self._held(one) for one in dict.fromkeys(ids)]
        if len(old) < 2:
            raise ValueError("two purchases or more can be merged")
        if any(one.status not in ("BOUGHT", "FILLED_IN") for one in old):
            raise ValueError("only what is not paid yet can be merged")
        first = old[0]
        form: Json = msgspec.json.decode(msgspec.json.encode(first.form))
        form["id"] = self._people.uuid()
        form["lineItems"] = [line for one in old for line in one.form["lineItems"]]
        form["status"] = "BOUGHT"
        for key in first.filled:
            form.pop(key, None)
        purchase = CheckoutForm(form, first.filled, first.buyer, max(one.bought for one in old))
        for one in old:
            one.merged = True
        self.purchases[purchase.id] = purchase
        self.change(purchase, None)
        self.advance(purchase.id)
        if ready and purchase.status == "FILLED_IN":
            self.pay(purchase.id)
        return purchase.id

    def cancel(self, id: str, by: str = "buyer") -> None:
        """By the buyer or "auto", at any stage: the purchase. By the "seller": his status alone."""
        purchase = self._held(id)
        if by == "seller":
            self.fulfil(id, "CANCELLED")
            return
        kinds = {"buyer": "BUYER_CANCELLED", "auto": "AUTO_CANCELLED"}
        if by not in kinds:
            raise ValueError(f"nobody called {by!r} can cancel: buyer, auto or seller")
        purchase.form["status"] = "CANCELLED"
        self.change(purchase, kinds[by])

    def change_address(self, id: str) -> None:
        """The buyer has it sent elsewhere."""
        purchase = self._filled(id)
        address = self._people.address(purchase.form["buyer"])
        purchase.form["delivery"]["address"] = address | {"modifiedAt": stamp(self.tick())}
        self.change(purchase, "BUYER_MODIFIED")

    def surcharge(self, id: str, amount: str = "5.00") -> None:
        """The buyer chose a dearer delivery and paid the difference; the order is announced as ready once more."""
        purchase = self._filled(id)
        cost = purchase.form["delivery"]["cost"]
        try:
            extra = Decimal(amount)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is no amount") from None
        purchase.form["delivery"]["cost"] = money(_amount(cost) + extra, cost["currency"])
        payment = {
            "id": self._people.uuid(),
            "type": "ONLINE",
            "provider": "PAYU",
            "finishedAt": stamp(self.tick()),
            "paidAmount": money(extra, cost["currency"]),
            "features": [],
        }
        purchase.form["surcharges"].append(payment)
        self.change(purchase, "READY_FOR_PROCESSING")

    def set_status(self, id: str, status: str) -> None:
        """The purchase has a status, even one that Allegro has not invented yet."""
        purchase = self._held(id)
        purchase.form["status"] = status
        self.change(purchase, "BUYER_MODIFIED")

    def corrupt(self, id: str) -> None:
        """The form is sent in a way that cannot be understood."""
        purchase = self._held(id)
        purchase.form["lineItems"][0]["boughtAt"] = "yesterday"
        self.change(purchase, "BUYER_MODIFIED")

    def decorate(self, id: str) -> None:
        """Fields of the form that no order needs are sent in another shape."""
        purchase = self._held(id)
        purchase.form["messageToSeller"] = {"text": "?"}
        purchase.form["lineItems"][0]["offer"]["productSet"] = "none"
        self.change(purchase, "BUYER_MODIFIED")

    def fulfil(self, id: str, status: str, silent: bool = False) -> None:
        """The seller's status; `silent`, as it may go in his own panel: no event, and the time of change stays."""
        purchase = self._held(id)
        purchase.form["fulfillment"]["status"] = status
        self.change(purchase, None if silent else "FULFILLMENT_STATUS_CHANGED", moves=not silent)

    def ship(self, id: str) -> None:
        """The seller sends it, in his own panel."""
        self.fulfil(id, "SENT")

    def attach(self, purchase: CheckoutForm, parcel: Json) -> None:
        """A parcel is registered; by the seller's setting that may make the order SENT."""
        purchase.shipments.append(parcel)
        lines = {line["id"] for line in purchase.form["lineItems"]}
        sent = {line["id"] for one in purchase.shipments for line in one["lineItems"]}
        purchase.form["fulfillment"]["shipmentSummary"] = {"lineItemsSent": "ALL" if lines <= sent else "SOME"}
        if self.sent_on_shipment:
            self.fulfil(purchase.id, "SENT")
        else:
            self.change(purchase, None)

    # Books

    def books(self) -> list[BookedOrder]:
        return [_entry(one) for one in self.purchases.values()]


def _entry(purchase: CheckoutForm) -> BookedOrder:
    form = purchase.form
    cancelled = "CANCELLED" in (purchase.status, purchase.seller_status)
    own = form["fulfillment"]["provider"]["id"] == "SELLER"
    total = _money(form["summary"]["totalToPay"])
    payments = [form["payment"], *form["surcharges"]] if "payment" in form else form["surcharges"]
    paid = sum((_amount(one["paidAmount"]) for one in payments if "paidAmount" in one), Decimal(0))
    return BookedOrder(
        external_id=purchase.id,
        total=total,
        status="MERGED" if purchase.merged else purchase.status,
        due=purchase.status == "READY_FOR_PROCESSING" and own and not cancelled and not purchase.merged,
        cancelled=cancelled,
        paid=paid >= total.amount,
        placed_at=purchase.bought,
        fulfilment=purchase.seller_status,
        shipments=[one["waybill"] for one in purchase.shipments],
        lines=[
            BookedLine(id=one["id"], quantity=one["quantity"], sku=(one["offer"].get("external") or {}).get("id"))
            for one in form["lineItems"]
        ],
        recipient=_recipient(form),
        buyer=form["buyer"]["login"],
        parcels=[
            BookedParcel(
                waybill=one["waybill"],
                carrier=one.get("carrierName") or one["carrierId"],
                lines=[line["id"] for line in one["lineItems"]],
            )
            for one in purchase.shipments
        ],
    )


def _recipient(form: Json) -> Address | None:
    """Where the buyer wants it, as far as the form is filled in."""
    row = (form.get("delivery") or {}).get("address")
    if not row or not row.get("street"):
        return None
    return Address(
        first_name=row.get("firstName"),
        last_name=row.get("lastName"),
        company=row.get("companyName"),
        street=row["street"],
        postcode=row.get("zipCode"),
        city=row.get("city"),
        country=row.get("countryCode"),
    )


def _money(price: Json) -> Money:
    return Money(_amount(price), price["currency"])
