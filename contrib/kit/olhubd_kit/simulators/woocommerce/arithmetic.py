"""WooCommerce's own sums: item taxes, order taxes, the total. In binary fractions, as PHP has them.

`round_` is PHP's rounding, which first brings a number to fifteen significant digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import msgspec

__all__ = ["OrderTotals", "PricedRow", "TaxScheme", "money", "sums"]


class TaxScheme(msgspec.Struct, kw_only=True):
    """The shop's tax settings and rates. A rate is a row of GET /taxes."""

    calc_taxes: bool = True
    prices_include_tax: bool = True
    at_subtotal: bool = False
    decimals: int = 2
    based_on: str = "shipping"
    shipping_class: str = "inherit"
    base: str = "PL"
    classes: tuple[str, ...] = ("", "reduced-rate", "super-reduced-rate", "zero-rate")
    rates: list[dict[str, Any]] = []
    memory: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def find(self, country: str, tax_class: str) -> list[dict[str, Any]]:
        """One rate per priority: that of the country before one for everywhere."""
        if (country, tax_class) not in self.memory:
            self.memory[country, tax_class] = self._find(country, tax_class)
        return self.memory[country, tax_class]

    def _find(self, country: str, tax_class: str) -> list[dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for row in sorted(self.rates, key=lambda r: (r["priority"], r["country"] == "", r["order"])):
            if row["class"] == (tax_class or "standard") and row["country"] in ("", country):
                found.setdefault(row["priority"], row)
        return list(found.values())


class PricedRow(msgspec.Struct, kw_only=True):
    """One row as the shop keeps it: `total` with all the decimals it was given."""

    kind: str
    total: float
    subtotal: float = 0.0
    tax_class: str = ""
    taxable: bool = True
    lends: bool = True
    """Whether the delivery may take its class over: also from goods whose tax status is "shipping only"."""
    taxes: dict[int, float] = {}
    subtotal_taxes: dict[int, float] = {}


class OrderTotals(msgspec.Struct, kw_only=True):
    """What the order as a whole comes to."""

    total: float
    cart_tax: float
    shipping_tax: float
    shipping_total: float
    discount: float
    lines: dict[int, tuple[float, float]]


@lru_cache(maxsize=1 << 16)
def round_(value: float, places: int, down: bool = False) -> float:
    exact = Decimal(f"{value:.15g}")
    return float(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_DOWN if down else ROUND_HALF_UP))


@lru_cache(maxsize=1 << 16)
def money(value: float, places: int) -> str:
    return f"{round_(value, places):.{places}f}"


def _calculate(price: float, rates: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    taxes = {r["id"]: 0.0 if r["compound"] else price * (float(r["rate"]) / 100) for r in rates}
    for rate in rates:
        if rate["compound"]:
            taxes[rate["id"]] = (price + sum(taxes.values())) * (float(rate["rate"]) / 100)
    return {i: round_(tax, 6) for i, tax in taxes.items()}


def _discount_taxes(
    fee: PricedRow, items: Sequence[PricedRow], scheme: TaxScheme, country: str
) -> dict[int, float]:
    """A negative fee is taxed in proportion to everything else."""
    costs: dict[str | None, float] = {}
    for item in items:
        if item.total >= 0:
            name = item.tax_class if item.taxable else None
            costs[name] = costs.get(name, 0.0) + item.total
    whole = sum(costs.values())
    taxes: dict[int, float] = {}
    for name, cost in costs.items():
        if name is not None and cost and whole:
            share = fee.total * (cost / whole)
            for rate_id, tax in _calculate(share, scheme.find(country, name)).items():
                taxes[rate_id] = taxes.get(rate_id, 0.0) + tax
    return taxes


def _shipping_class(items: Sequence[PricedRow], scheme: TaxScheme) -> str | None:
    if scheme.shipping_class != "inherit":
        return scheme.shipping_class
    of_goods = [i.tax_class for i in items if i.kind == "line" and i.lends]
    return next((name for name in scheme.classes if name in of_goods), None)


def sums(items: Sequence[PricedRow], scheme: TaxScheme, country: str) -> OrderTotals:
    """Recalculate: fills the taxes of `items` and returns the order's sums."""
    places, down = scheme.decimals, scheme.prices_include_tax
    way = _shipping_class(items, scheme)
    for item in items:
        if item.kind == "shipping":
            item.tax_class, item.taxable = way or "", way is not None
    for item in items:
        item.taxes, item.subtotal_taxes = {}, {}
        if not scheme.calc_taxes:
            continue
        if item.kind == "fee" and item.total < 0:
            item.taxes = _discount_taxes(item, items, scheme, country)
        elif item.taxable:
            rates = scheme.find(country, item.tax_class)
            if item.kind == "shipping":
                rates = [r for r in rates if r["shipping"]]
            item.taxes = _calculate(item.total, rates)
            item.subtotal_taxes = _calculate(item.subtotal, rates) if item.kind == "line" else {}
    cart = fees = shipping = subtotal = 0.0
    by_rate: dict[int, tuple[float, float]] = {}
    for item in items:
        if item.kind == "line":
            cart += item.total if scheme.at_subtotal else round_(item.total, places)
            subtotal += item.subtotal if scheme.at_subtotal else round_(item.subtotal, places)
        elif item.kind == "fee":
            fees += item.total
        else:
            shipping += round_(item.total, places)
        for rate_id, tax in item.taxes.items():
            amount = tax if scheme.at_subtotal else round_(tax, places, down)
            goods, way_tax = by_rate.get(rate_id, (0.0, 0.0))
            by_rate[rate_id] = (goods, way_tax + amount) if item.kind == "shipping" else (goods + amount, way_tax)
    cart_tax = sum(goods for goods, _ in by_rate.values())
    shipping_tax = sum(way_tax for _, way_tax in by_rate.values())
    return OrderTotals(
        total=round_(cart + fees + shipping + cart_tax + shipping_tax, places),
        cart_tax=cart_tax,
        shipping_tax=shipping_tax,
        shipping_total=shipping,
        discount=round_(subtotal - cart, places),
        lines=by_rate,
    )
