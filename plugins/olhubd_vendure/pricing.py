"""What a variant costs: as its channel keeps it, with tax or without, and as a buyer pays it. Pure.

Vendure keeps whole units of its money strategy and makes the gross price of a net one by rounding, so not every
amount can be reached in a channel that keeps its prices without tax.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from olhubd.model import Money
from olhubd_vendure import wire_stock

__all__ = ["PriceTerms", "kept_for", "price_rule", "seller_price"]

_STRATEGY = "productVariantPriceCalculationStrategy"
"""The part of a server by which another program makes the price of a variant."""


class PriceTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel keeps its prices: in which currency, whether with tax, and with how many decimals."""

    currency: str
    includes_tax: bool
    decimals: int
    currencies: frozenset[str] = frozenset()
    """All currencies in which the channel may have a price."""

    @property
    def whole_coins(self) -> bool:
        """Whether the units in which the server counts are the smallest coins of the currency."""
        return Money.of_minor(1, self.currency).amount == Decimal(1).scaleb(-self.decimals)


def seller_price(row: wire_stock.StockVariant, terms: PriceTerms | None) -> Money | None:
    """What a buyer pays by the price that the seller has set, in the channel's own currency. None where there is
    none in this currency, or it is not known."""
    units = _gross(row, terms)
    return Money.of_minor(units, terms.currency) if units is not None and terms is not None else None


def price_rule(row: wire_stock.StockVariant, terms: PriceTerms | None) -> str | None:
    """What makes the price another one than the seller has set; None where nothing does."""
    units = _gross(row, terms)
    if units is None or row.price_with_tax is None or abs(units - row.price_with_tax) <= 1:
        return None  # the server rounds binary fractions, so one unit says nothing
    return _STRATEGY


def kept_for(price: Money, row: wire_stock.StockVariant, terms: PriceTerms) -> int | None:
    """What the channel must keep so that a buyer pays this. None where it comes to it with nothing, or where the
    tax is not known."""
    wanted = price.minor()
    if terms.includes_tax:
        return wanted
    if row.tax_rate_applied is None:
        return None
    rate = row.tax_rate_applied.value
    near = int((wanted / (1 + rate / 100)).quantize(Decimal(1), ROUND_HALF_UP))
    return next((net for net in (near, near - 1, near + 1) if _with_tax(net, rate) == wanted), None)


def _gross(row: wire_stock.StockVariant, terms: PriceTerms | None) -> int | None:
    if terms is None or not terms.whole_coins:
        return None
    kept = next((one.price for one in row.prices or () if one.currency_code == terms.currency), None)
    if kept is None or terms.includes_tax:
        return kept
    return _with_tax(kept, row.tax_rate_applied.value) if row.tax_rate_applied is not None else None


def _with_tax(net: int, rate: Decimal) -> int:
    return int((net * (100 + rate) / 100).quantize(Decimal(1), ROUND_HALF_UP))
