"""An order of ours as the body of POST /orders. Pure.

Every row of the body (line, charge, shipping) is an `Entry`: what the shop is told of it, and the `Part` by which
it is priced. A row is priced once all rows are known, since a grosz may move between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.model import Address, Charge, Line, Order, PaymentType
from olhubd.model.money import Money, allocate
from olhubd.plugin import UNLINKED, Push, Rejected
from olhubd_woocommerce.mapping import LINE, REFERENCE
from olhubd_woocommerce.pricing import Kind, Part, Priced, Rate, price
from olhubd_woocommerce.products import Goods
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.taxes import Book, Place

__all__ = ["SECTIONS", "Draft", "Entry", "addresses", "initial_status", "payment_method", "sketch"]

CREATED_VIA = "olhubd"
COD = "cod"
"""WooCommerce's own cash on delivery: the one method with which "processing" does not count as paid."""
OTHER = "other"
"""WooCommerce's own word for a method it has no module for."""
_PAID = ("processing", "completed")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

SECTIONS: Mapping[Kind, str] = {
    Kind.LINE: "line_items",
    Kind.FEE: "fee_lines",
    Kind.SHIPPING: "shipping_lines",
}


class Entry(msgspec.Struct, frozen=True):
    """One row. `line` is set for what was bought, `goods` where the shop has it."""

    body: dict[str, Any]
    part: Part
    line: Line | None = None
    goods: Goods | None = None


class Draft(msgspec.Struct, frozen=True):
    """The rows of an order and the place whose taxes they bear."""

    entries: list[Entry]
    book: Book
    place: Place

    def priced(self) -> Priced:
        """Raises Rejected when no net amounts give the buyer's total."""
        names = {e.part.tax_class for e in self.entries if e.part.tax_class is not None}
        classes = {name: self.book.rates_at(self.place, name) for name in names}
        found = price([e.part for e in self.entries], self.book.rules, classes)
        if found is None:
            raise Rejected("the shop's taxes and rounding cannot give the total the buyer paid", field="total")
        return found

    def rows(self, priced: Priced) -> dict[str, list[dict[str, Any]]]:
        """The sections of the body with net amounts filled in."""
        sections: dict[str, list[dict[str, Any]]] = {"line_items": [], "shipping_lines": [], "fee_lines": []}
        for entry, net in zip(self.entries, priced.nets, strict=True):
            amount = f"{net:f}"
            row = {**entry.body, "total": amount}
            if entry.part.kind is Kind.LINE:
                row["subtotal"] = amount
            sections[SECTIONS[entry.part.kind]].append(row)
        if priced.rounding:
            sections["fee_lines"].append(rounding(priced.rounding))
        return sections


def rounding(amount: Decimal) -> dict[str, Any]:
    """The row for a grosz that no taxed row can hold."""
    return {"name": "Rounding", "total": f"{amount:f}", "tax_status": "none"}


def sketch(
    push: Push,
    goods: Sequence[Goods | None],
    book: Book,
    billing: Mapping[str, str],
    shipping: Mapping[str, str],
    told: Sequence[str | None] | None = None,
) -> Draft:
    """The rows of an order. `goods` are the shop's products for its lines; `told` are the lines' tax classes, where
    the shop itself has named them. Raises Rejected."""
    order = push.order
    if order.expected_total() != order.total:
        raise Rejected("the order's parts do not sum up to its total", field="total")
    method, _, instance = (push.shipping_method or OTHER).partition(":")
    place = book.place(_place(shipping), _place(billing), method)
    entries: list[Entry] = []
    charges: list[Entry] = []
    for i, (line, found) in enumerate(zip(order.lines, goods, strict=True)):
        if found is None and not push.free_lines:
            raise Rejected(
                f"the shop has no product for line {line.external_id} (SKU {line.sku})",
                field="line_items",
                code=UNLINKED,
            )
        if told is not None:
            tax_class = told[i]
        else:
            tax_class = found.tax_class if found is not None else _class_of(line, book, place)
        part = _part(book, place, Kind.LINE, line.price * line.quantity, tax_class)
        entries.append(Entry(_line(push, line, found, tax_class), part, line, found))
        charges += [_charge(book, place, charge, line) for charge in line.charges]
    if order.shipping.cost is not None or order.shipping.method is not None:
        body = {"method_id": method, "method_title": order.shipping.method or method}
        if instance:
            body["instance_id"] = instance
        taxed = [e.part.tax_class for e in entries if e.part.tax_class is not None]
        cost = order.shipping.cost or Money(Decimal(0), order.total.currency)
        entries.append(Entry(body, _part(book, place, Kind.SHIPPING, cost, book.way_class(taxed))))
    entries += charges
    entries += [_charge(book, place, charge, None) for charge in order.charges]
    for discount in order.discounts:
        if discount.amount is not None and discount.amount.amount:
            body = {"name": discount.name or discount.kind}
            entries.append(Entry(body, Part(Kind.FEE, -discount.amount.amount)))
    return Draft(_with_tax(order, entries), book, place)


def _with_tax(order: Order, entries: list[Entry]) -> list[Entry]:
    """Gross amounts for an order whose source told net ones: its tax is spread as its rates would have it."""
    if order.tax is None or order.prices_include_tax:
        return entries
    weights = [max(Decimal(0), e.part.gross) * _weight(e) for e in entries]
    shares = allocate(order.tax, weights)
    return [
        msgspec.structs.replace(e, part=msgspec.structs.replace(e.part, gross=e.part.gross + share.amount))
        for e, share in zip(entries, shares, strict=True)
    ]


def _weight(entry: Entry) -> Decimal:
    if entry.line is not None and entry.line.tax is not None and entry.line.tax.rate is not None:
        return entry.line.tax.rate
    return sum((rate.percent for rate in entry.part.rates), Decimal(0))


def _part(book: Book, place: Place, kind: Kind, gross: Money, tax_class: str | None) -> Part:
    rates: tuple[Rate, ...] = ()
    if tax_class is not None:
        rates = book.rates_at(place, tax_class, shipping=kind is Kind.SHIPPING)
    return Part(kind, gross.amount, rates, tax_class)


def _class_of(line: Line, book: Book, place: Place) -> str:
    """The shop's class whose rate is the one that the marketplace told; else the standard one."""
    if line.tax is not None and line.tax.rate is not None:
        for name in book.classes:
            rates = book.rates_at(place, name)
            if len(rates) == 1 and rates[0].percent == line.tax.rate:
                return name
    return ""


def _line(push: Push, line: Line, goods: Goods | None, tax_class: str | None) -> dict[str, Any]:
    meta = [{"key": LINE, "value": line.external_id}]
    if push.include_offer_ids and line.offer_id:
        meta.append({"key": "offer_id", "value": line.offer_id})
    body: dict[str, Any] = {"name": line.name, "quantity": line.quantity, "meta_data": meta}
    if goods is None:
        body["tax_class"] = tax_class or ""
    else:
        body["product_id"] = goods.product_id
        if goods.variation_id:
            body["variation_id"] = goods.variation_id
    return body


def _charge(book: Book, place: Place, charge: Charge, line: Line | None) -> Entry:
    name = charge.name or charge.kind
    if line is not None:
        name = f"{name}: {line.name}"
    body: dict[str, Any] = {"name": name}
    gross = charge.price * charge.quantity
    if "deposit" in charge.kind.lower():
        # A returnable deposit is no turnover, so it bears no tax.
        body["tax_status"] = "none"
        return Entry(body, _part(book, place, Kind.FEE, gross, None))
    body["tax_class"] = ""
    return Entry(body, _part(book, place, Kind.FEE, gross, ""))


def _place(address: Mapping[str, str]) -> Place:
    return Place(address["country"], address["state"], address["postcode"], address["city"])


def addresses(order: Order) -> tuple[dict[str, str], dict[str, str]]:
    """Billing and shipping. Every field is text: one null makes the shop refuse the whole order."""
    buyer = order.buyer
    recipient = order.recipient
    if order.invoice is not None:
        owner: Address | None = order.invoice.address
    else:
        owner = buyer.address if buyer.address is not None and buyer.address.reachable else recipient
    billing = _address(owner)
    shipping = _address(recipient)
    if not shipping["last_name"] and not shipping["company"]:
        shipping["first_name"], shipping["last_name"] = buyer.first_name or "", buyer.last_name or ""
    if not (billing["last_name"] or billing["company"]):
        billing["first_name"], billing["last_name"] = buyer.first_name or "", buyer.last_name or ""
    phones = [order.shipping.address.phone if order.shipping.address else None, buyer.phone, shipping["phone"]]
    shipping["phone"] = next((p for p in phones if p), "")
    billing["phone"] = buyer.phone or billing["phone"] or shipping["phone"]
    point = order.shipping.pickup_point
    if point is not None:
        shipping["address_2"] = point.name or point.id
    # The shop refuses an empty e-mail too, so one that is none is left out.
    if buyer.email and _EMAIL.fullmatch(buyer.email):
        billing["email"] = buyer.email
    return billing, shipping


def _address(address: Address | None) -> dict[str, str]:
    address = address or Address()
    return {
        "first_name": address.first_name or "",
        "last_name": address.last_name or "",
        "company": address.company or "",
        "address_1": address.street or "",
        "address_2": "",
        "city": address.city or "",
        "state": address.region or "",
        "postcode": address.postcode or "",
        "country": address.country or "",
        "phone": address.phone or "",
    }


def payment_method(push: Push) -> str:
    """The id of the payment method; cash on delivery is the shop's own unless mapped otherwise."""
    return push.payment_method or (COD if push.order.cash_on_delivery else OTHER)


def initial_status(push: Push) -> str:
    """The first status: the route's word, else by how it is paid.

    With any method but its own "cod" the shop dates a payment as soon as an order is processing.
    """
    if push.status is not None:
        return push.status
    if push.order.cash_on_delivery:
        return "processing" if push.include_payment and payment_method(push) == COD else "on-hold"
    return "processing" if push.order.fully_paid else "pending"


def head(push: Push, settings: WooCommerceSettings, status: str) -> dict[str, Any]:
    """All of the body but rows, addresses and customer."""
    order = push.order
    body: dict[str, Any] = {
        "status": status,
        "currency": order.total.currency,
        "created_via": CREATED_VIA,
        "meta_data": [{"key": key, "value": value} for key, value in _meta(push, settings).items()],
    }
    if push.include_note and order.buyer_note:
        body["customer_note"] = order.buyer_note
    if push.include_payment:
        payment = order.payment
        body["payment_method"] = payment_method(push)
        if payment is not None:
            words = (payment.provider, payment.external_type, payment.type.value)
            body["payment_method_title"] = next((w for w in words if w), OTHER)
            if payment.external_id:
                body["transaction_id"] = payment.external_id
        if order.fully_paid and status in _PAID:
            body["set_paid"] = True
    return body


def _meta(push: Push, settings: WooCommerceSettings) -> dict[str, str]:
    order = push.order
    meta = {
        REFERENCE: push.reference,
        "_olhubd_account": push.account,
        "_olhubd_marketplace": push.marketplace,
        "_olhubd_order_id": order.external_id,
        "_olhubd_placed_at": order.placed_at.isoformat(),
    }
    if order.number:
        meta["_olhubd_order_number"] = order.number
    if push.include_payment and order.payment is not None:
        meta["_olhubd_payment"] = order.payment.type.value
        if order.payment.type is not PaymentType.CASH_ON_DELIVERY:
            meta["_olhubd_paid"] = str(order.paid)
    if push.include_login and order.buyer.login:
        meta["olhubd_login"] = order.buyer.login
    point = order.shipping.pickup_point
    if point is not None:
        meta[settings.pickup_point_key] = point.id
    if order.invoice is not None and order.invoice.tax_ids:
        meta[settings.tax_id_key] = order.invoice.tax_ids[0].value
    return meta
