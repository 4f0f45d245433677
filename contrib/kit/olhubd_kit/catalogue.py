"""The small shop that simulators of both sides sell: twenty products, so that a sold SKU exists at the target.

Prices are gross zlotys and awkward on purpose (3.79, 333.33 at 23 %); a net price rounded per piece shows at once.
Plain data: what is bought, at which discount, is each simulator's affair.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from olhubd.model import Money, Tax

__all__ = ["PRODUCTS", "ShelfProduct", "wares"]


class ShelfProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product that simulators sell: `price` for one piece, gross, and how many pieces they begin with."""

    external_id: str
    name: str
    sku: str | None
    ean: str | None
    price: Money
    tax: Tax
    quantity: int


# SKU, EAN, name, gross price, tax rate in per cent
_ROWS = (
    ("KUB-BIA", "5900001234501", "Kubek ceramiczny biały 330 ml", "24.90", "23"),
    ("KUB-CZA", "5900001234570", "Kubek ceramiczny czarny 330 ml", "26.90", "23"),
    ("TAL-27", "5900001234648", "Talerz obiadowy 27 cm", "39.00", "23"),
    ("KAW-500", "5900001234716", "Kawa ziarnista Etiopia 500 g", "54.99", "23"),
    ("HER-100", "5900001234785", "Herbata zielona liściasta 100 g", "18.50", "23"),
    ("MIO-LIP", "5900001234853", "Miód lipowy 900 g", "42.00", "5"),
    ("MAK-PEL", "5900001234921", "Mąka pszenna pełnoziarnista 1 kg", "6.49", "5"),
    ("OLI-750", "5900001234990", "Oliwa z oliwek 750 ml", "47.80", "5"),
    ("KSI-SZY", "5900001235065", "Książka „Szycie od podstaw”", "59.90", "5"),
    ("MAP-TAT", "5900001235133", "Mapa turystyczna Tatry 1:25 000", "21.00", "5"),
    ("LEK-PLA", "5900001235201", "Plastry opatrunkowe, 100 szt.", "12.30", "8"),
    ("KRZ-FIK", "5900001235270", "Fikus w doniczce 17 cm", "89.00", "8"),
    ("SAD-LAW", "5900001235348", "Sadzonka lawendy", "9.99", "8"),
    ("LAM-BIU", "5900001235416", "Lampka biurkowa LED", "129.00", "23"),
    ("KAB-USB", "5900001235485", "Kabel USB-C 2 m", "34.99", "23"),
    ("POW-10K", "5900001235553", "Powerbank 10000 mAh", "149.99", "23"),
    ("ROW-DZW", "5900001235621", "Dzwonek rowerowy", "15.00", "23"),
    ("PLE-20L", "5900001235690", "Plecak miejski 20 l", "219.00", "23"),
    ("KOC-WEL", "5900001235768", "Koc wełniany 150 × 200", "333.33", "23"),
    ("WOD-1L", "5900001235836", "Woda mineralna 1 l, but. zwrotna", "3.79", "23"),
)

PRODUCTS: tuple[ShelfProduct, ...] = tuple(
    ShelfProduct(
        external_id=str(number),
        name=name,
        sku=sku,
        ean=ean,
        price=Money(Decimal(price), "PLN"),
        tax=Tax(rate=Decimal(rate)),
        quantity=100,
    )
    for number, (sku, ean, name, price, rate) in enumerate(_ROWS, start=1)
)


def wares(count: int, quantity: int = 100) -> tuple[ShelfProduct, ...]:
    """So many products: the shared twenty, then others like them with SKUs and EANs of their own."""
    made = []
    for number in range(len(PRODUCTS), count):
        model = PRODUCTS[number % len(PRODUCTS)]
        mark = {"external_id": str(number + 1), "sku": f"{model.sku}-{number + 1}", "ean": _ean(number + 1)}
        made.append(msgspec.structs.replace(model, name=f"{model.name}, {number + 1}", **mark))
    return tuple(msgspec.structs.replace(one, quantity=quantity) for one in (*PRODUCTS[:count], *made))


def _ean(number: int) -> str:
    digits = f"590{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
