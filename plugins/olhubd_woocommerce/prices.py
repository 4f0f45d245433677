"""A product's price in a shop: the regular one, the reduced one and when that holds; and what a buyer pays for it.

The shop's `price` is either of the two as a job of the shop set it last, some time after a reduction began or
ended. So it is not read: both prices and the dates are.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from olhubd.model import DEFAULT_LIST, ListPrice, Money, PriceBasis, Reduction, Tax
from olhubd.plugin import ContractBroken, decode
from olhubd_woocommerce import wire, wire_products
from olhubd_woocommerce.goods import moment
from olhubd_woocommerce.gross import gross_of
from olhubd_woocommerce.taxes import TaxRules

__all__ = ["buyers_price", "list_price", "percent_of", "tax_of"]

_NO_PRICE = frozenset({"variable", "grouped"})
"""Types whose price is that of something else."""
_SECOND = timedelta(seconds=1)


def list_price(raw: bytes, parent: wire.ProductHead, rules: TaxRules) -> ListPrice | None:
    """The price of a row; None for what is sold at no price of its own. Raises ContractBroken."""
    row = decode(raw, wire_products.PriceRow)
    if row.type in _NO_PRICE:
        return None
    regular = _money(row.regular_price, rules.currency, "regular_price")
    reduced = _money(row.sale_price, rules.currency, "sale_price")
    reduction = None
    if reduced is not None and regular is not None and reduced.amount < regular.amount:
        begin = _date(row.date_on_sale_from_gmt, "date_on_sale_from_gmt")
        last = _date(row.date_on_sale_to_gmt, "date_on_sale_to_gmt")
        # The shop still sells at it in the second that it names.
        end = last + _SECOND if last is not None else None
        if begin is None or end is None or begin < end:
            reduction = Reduction(price=reduced, valid_from=begin, valid_until=end)
    return ListPrice(
        item=str(row.id),
        price_list=DEFAULT_LIST,
        price=regular,
        basis=PriceBasis.GROSS if rules.prices_include_tax else PriceBasis.NET,
        tax=tax_of(row, parent, rules),
        reduction=reduction,
    )


def buyers_price(row: wire.OfferRow, parent: wire.ProductHead, rules: TaxRules) -> Money | None:
    """What a buyer pays for a piece when no reduction holds, with tax, as the shop shows it. None where it has no
    price, none that makes sense, or is without a tax that is not known."""
    price: Money | None = None
    with suppress(ContractBroken):  # what else is known of the offer counts all the same
        price = _money(row.regular_price, rules.currency, "regular_price")
    if price is None:
        return None
    if rules.prices_include_tax:
        return Money(price.amount.quantize(rules.rules.unit, ROUND_HALF_UP), rules.currency)
    percent = percent_of(row, parent, rules)
    return Money(gross_of(price.amount, percent, rules.rules), rules.currency) if percent is not None else None


def percent_of(row: wire.OfferRow, parent: wire.ProductHead, rules: TaxRules) -> Decimal | None:
    """The tax of a price at the shop's own place; None where it is not known, or consists of several."""
    tax = tax_of(row, parent, rules)
    if tax is None:
        return None
    return Decimal(0) if tax.exemption is not None else tax.rate


def _money(said: str | float | None, currency: str, field: str) -> Money | None:
    text = "" if said is None else str(said).strip()
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ContractBroken("the price is no number", field=field) from None
    if not amount.is_finite():
        raise ContractBroken("the price is no number", field=field)
    return Money(amount, currency)


def _date(text: str | None, field: str) -> datetime | None:
    if not text:
        return None
    try:
        return moment(text)
    except ValueError:
        raise ContractBroken("the date is none", field=field) from None


def tax_of(
    row: wire_products.PriceRow | wire_products.ProductRow | wire.OfferRow,
    parent: wire.ProductHead,
    rules: TaxRules,
) -> Tax | None:
    """The tax at the shop's own place; None where it is not known, or consists of several."""
    if not rules.rules.taxed:
        return None
    if row.tax_status != "taxable":
        return Tax(exemption=row.tax_status)
    tax_class = parent.tax_class if row.tax_class == "parent" else row.tax_class
    rates = rules.rates_at(rules.base, tax_class)
    return Tax(rate=rates[0].percent) if len(rates) == 1 else None
