"""Orders as a marketplace would send them, for trying what a shop makes of them: one of each kind that matters.

All are built from `olhubd_kit.catalogue`, their parts sum up exactly to their total, and none of their numbers
survives rounding at a wrong place. Data of persons are invented and rare, so that they can be searched for in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    Discount,
    InvoiceParty,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipping,
    Stage,
    TaxId,
)
from olhubd_kit.catalogue import PRODUCTS

__all__ = ["PERSONAL", "SAMPLES", "sample"]

R = TypeVar("R", bound=msgspec.Struct)

PERSONAL = (
    "Świętosława",
    "Brzęczyszczykiewicz",
    "Zażółconej Gęśli 17/4",
    "swietoslawa.b@poczta.example",
    "+48 600 123 987",
)
"""What must never be seen in a log line or an error text once a sample has been pushed."""

_FIRST, _LAST, _STREET, _EMAIL, _PHONE = PERSONAL


def sample(kind: str, external_id: str, at: datetime) -> Order:
    """The order of one kind (a key of `SAMPLES`), bought at `at`; paid in full unless its kind says otherwise."""
    order = SAMPLES[kind](_order(external_id, at))
    order = _with(order, total=order.expected_total())
    payment = order.payment
    if payment is not None and payment.paid is None:
        order = _with(order, payment=_with(payment, paid=order.total, finished_at=at))
    return order


def _with(record: R, **changes: Any) -> R:
    return msgspec.structs.replace(record, **changes)


def _pln(amount: str) -> Money:
    return Money(Decimal(amount), "PLN")


def _line(number: int, position: int, quantity: int = 1, **more: Any) -> Line:
    product = PRODUCTS[position]
    return Line(
        external_id=f"line-{number}",
        name=product.name,
        quantity=quantity,
        price=more.pop("price", product.price),
        offer_id=f"offer-{position}",
        sku=product.sku,
        ean=product.ean,
        tax=product.tax,
        **more,
    )


def _order(external_id: str, at: datetime) -> Order:
    home = Address(
        first_name=_FIRST,
        last_name=_LAST,
        street=_STREET,
        postcode="31-042",
        city="Kraków",
        country="PL",
        phone=_PHONE,
    )
    return Order(
        external_id=external_id,
        placed_at=at,
        stage=Stage.CONFIRMED,
        external_stage="READY_FOR_PROCESSING",
        lines=(_line(1, 0), _line(2, 3)),
        total=_pln("0"),
        marketplace="allegro-pl",
        buyer=Buyer(
            external_id="44556677",
            login="swietka_b",
            email=_EMAIL,
            first_name=_FIRST,
            last_name=_LAST,
            phone=_PHONE,
            language="pl-PL",
            address=home,
        ),
        shipping=Shipping(method_id="courier-1", method="Kurier", cost=_pln("14.99"), address=home),
        payment=Payment(type=PaymentType.ONLINE, external_type="ONLINE", external_id="pay-1", provider="P24"),
        buyer_note="Proszę dzwonić domofonem dwa razy",
    )


def _plain(order: Order) -> Order:
    return order


def _bulk(order: Order) -> Order:
    """Many pieces at awkward prices: a net price rounded per piece is off by grosze here."""
    lines = (_line(1, 18, 7, price=_pln("299.99")), _line(2, 19, 133), _line(3, 12, 11), _line(4, 6, 3))
    return _with(order, lines=lines)


def _discounted(order: Order) -> Order:
    """One reduction already in the price of a line, one that counts in the sum."""
    line = _line(
        1,
        18,
        3,
        price=_pln("299.99"),
        original_price=_pln("333.33"),
        discounts=(Discount(kind="coupon", name="Rabat 10%"),),
    )
    return _with(
        order, lines=(line, _line(2, 4)), discounts=(Discount(kind="bundle", amount=_pln("7.77"), name="Zestaw"),)
    )


def _serviced(order: Order) -> Order:
    """Services and deposits on a line, and a charge of the whole order."""
    charges = (
        Charge(kind="service", name="Pakowanie na prezent", price=_pln("9.99"), quantity=2, external_id="srv-1"),
        Charge(kind="deposit", name="Kaucja", price=_pln("0.50"), quantity=6),
    )
    line = _line(1, 19, 6, charges=charges)
    return _with(order, lines=(line, _line(2, 1)), charges=(Charge(kind="surcharge", price=_pln("3.33")),))


def _on_delivery(order: Order) -> Order:
    payment = Payment(type=PaymentType.CASH_ON_DELIVERY, external_type="CASH_ON_DELIVERY", paid=_pln("0"))
    return _with(order, payment=payment)


def _unpaid(order: Order) -> Order:
    return _with(order, payment=Payment(type=PaymentType.TRANSFER, external_type="WIRE", paid=_pln("0")))


def _surcharged(order: Order) -> Order:
    """Paid in two parts."""
    rest = Payment(type=PaymentType.ONLINE, external_id="pay-2", paid=_pln("20.00"))
    first = order.expected_total() - _pln("20.00")
    payment = Payment(type=PaymentType.ONLINE, external_id="pay-1", paid=first)
    return _with(order, payment=payment, surcharges=(rest,))


def _company(order: Order) -> Order:
    office = Address(
        company="Gęś i Synowie sp. z o.o.", street="Krucza 5", postcode="00-548", city="Warszawa", country="PL"
    )
    number = TaxId(kind="PL_NIP", value="5260250274", valid=True)
    return _with(order, invoice=InvoiceParty(address=office, tax_ids=(number,)))


def _locker(order: Order) -> Order:
    """To a pick-up point; the recipient's own address is all that is empty."""
    point = PickupPoint(
        id="KRA01M",
        name="Paczkomat KRA01M",
        description="przy stacji paliw",
        address=Address(street="Pawia 9", postcode="31-154", city="Kraków", country="PL"),
    )
    way = Shipping(method_id="locker-1", method="Paczkomat", cost=_pln("0.00"), pickup_point=point)
    person = Address(first_name=_FIRST, last_name=_LAST, phone=_PHONE, country="PL")
    return _with(order, shipping=way, buyer=_with(order.buyer, address=person))


def _free(order: Order) -> Order:
    """One line that no shop has a product for."""
    line = Line(external_id="line-9", name="Niespodzianka", quantity=2, price=_pln("11.11"), offer_id="offer-x")
    strange = Line(
        external_id="line-10", name="Rzecz spoza katalogu", quantity=1, price=_pln("5.05"), sku="NO-SUCH"
    )
    return _with(order, lines=(_line(1, 5), line, strange))


def _gift(order: Order) -> Order:
    """A line for nothing beside one with a price, and delivery for nothing."""
    way = _with(order.shipping, cost=_pln("0.00"), subscription=True)
    return _with(order, lines=(_line(1, 7, 2), _line(2, 12, price=_pln("0.00"))), shipping=way)


def _foreign(order: Order) -> Order:
    """In another currency."""

    def euros(amount: str) -> Money:
        return Money(Decimal(amount), "EUR")

    return _with(
        order,
        lines=(_line(1, 2, 3, price=euros("9.35")),),
        total=euros("0"),
        shipping=_with(order.shipping, cost=euros("3.99")),
    )


def _net(order: Order) -> Order:
    """Prices without tax, and the tax on top of them."""
    lines = (_line(1, 2, 3, price=_pln("8.13")), _line(2, 5, price=_pln("17.07")))
    way = _with(order.shipping, cost=_pln("12.19"))
    return _with(order, lines=lines, shipping=way, prices_include_tax=False, tax=_pln("12.34"))


SAMPLES: Mapping[str, Callable[[Order], Order]] = {
    "plain": _plain,
    "bulk": _bulk,
    "discounted": _discounted,
    "serviced": _serviced,
    "cash-on-delivery": _on_delivery,
    "unpaid": _unpaid,
    "surcharged": _surcharged,
    "company": _company,
    "locker": _locker,
    "free-lines": _free,
    "gift": _gift,
    "foreign": _foreign,
    "net": _net,
}
"""Each kind and what makes it from a plain order."""
