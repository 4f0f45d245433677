"""An order of ours as the body of POST /orders. Pure.

Every row of the body (line, charge, shipping) is a `DraftRow`: what is sent to the shop, and the
`PricedPart` that prices it. A row is priced once all rows are known, since a grosz may move between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.model import Address, Charge, Line, Order, PaymentType, Reason, TaxId
from olhubd.model.money import Money, allocate
from olhubd.plugin import UNLINKED, Push, Rejected
from olhubd_woocommerce import emails
from olhubd_woocommerce.mapping import LINE, REFERENCE
from olhubd_woocommerce.pricing import PricedPart, PriceKind, PricingResult, Rate, price
from olhubd_woocommerce.products import IndexedProduct
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.taxes import TaxAddress, TaxRules

__all__ = ["EMAIL", "SECTIONS", "DraftRow", "OrderDraft", "addresses", "initial_status", "payment_method", "sketch"]

CREATED_VIA = "olhubd"
COD = "cod"
"""WooCommerce's own cash on delivery: the one method with which "processing" does not count as paid."""
OTHER = "other"
"""WooCommerce's own word for a method it has no module for."""
EMAIL = "_olhubd_email"
"""The order meta with the buyer's address, where it is not in the billing."""
SET = "set"
"""Where a line of several products says which: "3 x p1, 1 x p2"."""
_PAID = ("processing", "completed")
_VAT = {"PL": ("PL_NIP",), "CZ": ("CZ_DIC",), "SK": ("SK_IC_DPH",), "HU": ("HU_ADOSZAM",)}
"""The kinds of numbers under which a country knows a payer of VAT; register numbers are others."""

SECTIONS: Mapping[PriceKind, str] = {
    PriceKind.LINE: "line_items",
    PriceKind.FEE: "fee_lines",
    PriceKind.SHIPPING: "shipping_lines",
}


class DraftRow(msgspec.Struct, frozen=True):
    """One row. `line` is set for what was bought, `goods` where the shop has it."""

    body: dict[str, Any]
    part: PricedPart
    line: Line | None = None
    goods: IndexedProduct | None = None

    @property
    def way_class(self) -> str | None:
        """The tax class that the delivery may take over from this row: some goods lend it without bearing it."""
        return self.goods.way_class if self.goods is not None else self.part.tax_class


class OrderDraft(msgspec.Struct, frozen=True):
    """The rows of an order and the place whose taxes they bear."""

    entries: list[DraftRow]
    book: TaxRules
    place: TaxAddress

    def priced(self) -> PricingResult:
        """Raises Rejected when no net amounts give the buyer's total."""
        names = {e.part.tax_class for e in self.entries if e.part.tax_class is not None}
        classes = {name: self.book.rates_at(self.place, name) for name in names}
        found = price([e.part for e in self.entries], self.book.rules, classes)
        if found is None:
            raise Rejected(Reason("olhubd_woocommerce:taxes"), field="total")
        return found

    def rows(self, priced: PricingResult) -> dict[str, list[dict[str, Any]]]:
        """The sections of the body with net amounts filled in."""
        sections: dict[str, list[dict[str, Any]]] = {"line_items": [], "shipping_lines": [], "fee_lines": []}
        for entry, net in zip(self.entries, priced.nets, strict=True):
            amount = f"{net:f}"
            row = {**entry.body, "total": amount}
            if entry.part.kind is PriceKind.LINE:
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
    goods: Sequence[IndexedProduct | None],
    book: TaxRules,
    billing: Mapping[str, str],
    shipping: Mapping[str, str],
    why: Sequence[str | None] = (),
) -> OrderDraft:
    """The rows of an order. `goods` are the shop's products for its lines; `why` says of a line without one what
    rules out the product that bears its code. Raises Rejected."""
    order = push.order
    if order.expected_total() != order.total:
        raise Rejected(Reason("olhubd_woocommerce:sum"), field="total")
    method, _, instance = (push.shipping_method or OTHER).partition(":")
    place = book.place(_place(shipping), _place(billing), method)
    entries: list[DraftRow] = []
    charges: list[DraftRow] = []
    for i, (line, found) in enumerate(zip(order.lines, goods, strict=True)):
        if found is None and not push.free_lines:
            reason = why[i] if i < len(why) else None
            lacking = Reason("olhubd_woocommerce:no-product", line=line.external_id, sku=line.sku)
            if reason:
                lacking = Reason("olhubd_woocommerce:no-product-for", lacking=lacking, why=reason)
            raise Rejected(lacking, field="line_items", code=UNLINKED)
        tax_class = found.tax_class if found is not None else _class_of(line, book, place)
        part = _part(book, place, PriceKind.LINE, line.price * line.quantity, tax_class)
        entries.append(DraftRow(_line(push, line, found, tax_class), part, line, found))
        charges += [_charge(book, place, charge, line) for charge in line.charges]
    if order.shipping.cost is not None or order.shipping.method is not None:
        body = {"method_id": method, "method_title": order.shipping.method or method}
        if instance:
            body["instance_id"] = instance
        taxed = [name for e in entries if (name := e.way_class) is not None]
        cost = order.shipping.cost or Money(Decimal(0), order.total.currency)
        entries.append(DraftRow(body, _part(book, place, PriceKind.SHIPPING, cost, book.way_class(taxed))))
    entries += charges
    entries += [_charge(book, place, charge, None) for charge in order.charges]
    for discount in order.discounts:
        if discount.amount is not None and discount.amount.amount:
            body = {"name": discount.name or discount.kind}
            entries.append(DraftRow(body, PricedPart(PriceKind.FEE, -discount.amount.amount)))
    return OrderDraft(_with_tax(order, entries), book, place)


def _with_tax(order: Order, entries: list[DraftRow]) -> list[DraftRow]:
    """Gross amounts for an order whose source gave net ones: its tax is spread as its rates would have it."""
    if order.tax is None or order.prices_include_tax:
        return entries
    weights = [max(Decimal(0), e.part.gross) * _weight(e) for e in entries]
    shares = allocate(order.tax, weights)
    return [
        msgspec.structs.replace(e, part=msgspec.structs.replace(e.part, gross=e.part.gross + share.amount))
        for e, share in zip(entries, shares, strict=True)
    ]


def _weight(entry: DraftRow) -> Decimal:
    if entry.line is not None and entry.line.tax is not None and entry.line.tax.rate is not None:
        return entry.line.tax.rate
    return sum((rate.percent for rate in entry.part.rates), Decimal(0))


def _part(book: TaxRules, place: TaxAddress, kind: PriceKind, gross: Money, tax_class: str | None) -> PricedPart:
    rates: tuple[Rate, ...] = ()
    if tax_class is not None:
        rates = book.rates_at(place, tax_class, shipping=kind is PriceKind.SHIPPING)
    return PricedPart(kind, gross.amount, rates, tax_class)


def _class_of(line: Line, book: TaxRules, place: TaxAddress) -> str:
    """The shop's class whose rate is the one that the marketplace gave; else the standard one."""
    if line.tax is not None and line.tax.rate is not None:
        for name in book.classes:
            rates = book.rates_at(place, name)
            if len(rates) == 1 and rates[0].percent == line.tax.rate:
                return name
    return ""


def _line(push: Push, line: Line, goods: IndexedProduct | None, tax_class: str | None) -> dict[str, Any]:
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


def _charge(book: TaxRules, place: TaxAddress, charge: Charge, line: Line | None) -> DraftRow:
    name = charge.name or charge.kind
    if line is not None:
        name = f"{name}: {line.name}"
    body: dict[str, Any] = {"name": name}
    gross = charge.price * charge.quantity
    if "deposit" in charge.kind.lower():
        # A returnable deposit is no turnover, so it bears no tax.
        body["tax_status"] = "none"
        return DraftRow(body, _part(book, place, PriceKind.FEE, gross, None))
    body["tax_class"] = ""
    return DraftRow(body, _part(book, place, PriceKind.FEE, gross, ""))


def _place(address: Mapping[str, str]) -> TaxAddress:
    return TaxAddress(address["country"], address["state"], address["postcode"], address["city"])


def addresses(order: Order) -> tuple[dict[str, str], dict[str, str]]:
    """Billing and shipping. Every field is text: one null makes the shop refuse the whole order, and so does an
    e-mail that it takes for none, which is therefore left out."""
    buyer = order.buyer
    recipient = _recipient(order)
    home = buyer.address if buyer.address is not None and buyer.address.reachable else recipient
    billing = _address(_owner(order, home))
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
    if buyer.email and emails.taken(buyer.email):
        billing["email"] = buyer.email
    return billing, shipping


def _recipient(order: Order) -> Address | None:
    """Where it goes. A point in another country than the buyer's home is where the goods change hands, so its
    address is used there, with the buyer's name: taxes and labels go by the country."""
    recipient, point = order.recipient, order.shipping.pickup_point
    there = point.address if point is not None else None
    if there is None or recipient is None or not (there.country and recipient.country):
        return recipient
    if there.country == recipient.country or not there.reachable:
        return recipient
    return msgspec.structs.replace(
        there,
        first_name=recipient.first_name,
        last_name=recipient.last_name,
        company=recipient.company,
        phone=recipient.phone,
    )


def _owner(order: Order, home: Address | None) -> Address | None:
    """To whom it is billed: the invoice's party, with the buyer's street where the invoice has none."""
    told = order.invoice.address if order.invoice is not None else None
    if told is None or not (told.street or told.city or told.postcode or told.company or told.last_name):
        return home
    if told.street or told.city or told.postcode or home is None:
        return told
    return msgspec.structs.replace(
        told,
        street=home.street,
        city=home.city,
        postcode=home.postcode,
        region=home.region,
        country=told.country or home.country,
    )


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
        ids = order.invoice.tax_ids
        meta[settings.tax_id_key] = _vat_number(ids, order.invoice.address.country).value
        if len(ids) > 1:
            meta["_olhubd_tax_ids"] = ", ".join(f"{one.kind} {one.value}" for one in ids)
    if order.buyer.email and not (settings.notify_buyer and emails.taken(order.buyer.email)):
        meta[EMAIL] = order.buyer.email
    sets = [f"{line.name}: {line.extra[SET]}" for line in order.lines if line.extra.get(SET)]
    if sets:
        meta["_olhubd_sets"] = "\n".join(sets)
    return meta


def _vat_number(ids: Sequence[TaxId], country: str | None) -> TaxId:
    """The number under which the party pays VAT, else the first one given."""
    for kinds in (_VAT.get(country or "", ()), *_VAT.values(), ("VAT_EU",)):
        if (found := next((one for one in ids if one.kind in kinds), None)) is not None:
            return found
    return ids[0]
