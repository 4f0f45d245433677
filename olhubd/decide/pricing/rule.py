"""From the price of a list to the price of an offer, or why it has none. Pure.

Each step is exact: amounts are decimals, and they are rounded once, at the end. What would sell too cheaply is not
sent at all: a price of zero, one below the floor, one in another currency than the offer's, or a net one where the
tax is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from olhubd.model import Money, Reason
from olhubd.model.money import minor_unit

__all__ = ["LARGEST_STEP", "ListedPart", "OfferPrice", "PriceRule", "offer_price", "rule_of"]

LARGEST_STEP = Decimal("0.5")
"""Where a rule says nothing else, a price that changes by more than this part of itself waits for a person."""


class PriceRule(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a list of `master` go to the offers of `channels`. The checked form of a `[[prices]]` table.

    The price of an offer is that of the list times `multiply`, plus `add`, rounded to the nearest amount that is a
    multiple of `round_to` plus `ending`. Amounts are in the currency of the list, with tax. `floor` is the least
    that is ever sent, `step` the largest part of itself by which a price changes unasked. `tax` is the rate in per
    cent that makes a net price gross where the list does not say it. With `on_resume` an offer that comes back
    costs what the list says then; without, what it cost before.
    """

    master: str
    channels: frozenset[str]
    price_list: str
    multiply: Decimal = Decimal(1)
    add: Decimal = Decimal(0)
    round_to: Decimal | None = None
    ending: Decimal = Decimal(0)
    floor: Decimal | None = None
    step: Decimal | None = LARGEST_STEP
    tax: Decimal | None = None
    on_resume: bool = False


class ListedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the list says of one item that an offer sells: `units` of it in each piece of the offer.

    `price` is of one unit, None where the list has none. `gross` says whether the tax is in it, `tax` its rate in
    per cent; None is not known.
    """

    units: int
    price: Money | None
    gross: bool
    tax: Decimal | None = None


class OfferPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of an offer, or `why` it has none."""

    price: Money | None = None
    why: Reason | None = None


def rule_of(rules: Sequence[PriceRule], master: str, channel: str) -> PriceRule | None:
    """By which rule the prices of a master go to an account; None where they do not."""
    return next((rule for rule in rules if rule.master == master and channel in rule.channels), None)


def offer_price(rule: PriceRule, parts: Sequence[ListedPart], currency: str | None) -> OfferPrice:
    """What an offer that is sold in `currency` costs by the rule; None is a currency that is not known yet."""
    if not parts:
        return _none(Reason("pricing.unlinked"))
    whole = Decimal(0)
    listed: str | None = None
    for part in parts:
        if part.price is None:
            return _none(Reason("pricing.not-listed", price_list=rule.price_list))
        if listed not in (None, part.price.currency):
            return _none(Reason("pricing.two-currencies", currency=str(listed), other=part.price.currency))
        listed = part.price.currency
        if not part.price.exact or part.price.amount <= 0:
            return _none(Reason("pricing.zero", price=part.price))
        rate = part.tax if part.tax is not None else rule.tax
        if not part.gross and rate is None:
            return _none(Reason("pricing.net"))
        gross = part.price.amount if part.gross else part.price.amount * (100 + (rate or 0)) / 100
        whole += gross * part.units
    assert listed is not None
    if currency is None:
        return _none(Reason("pricing.not-read"))
    if listed != currency:
        return _none(Reason("pricing.currency", currency=listed, other=currency))
    amount = _rounded(whole * rule.multiply + rule.add, rule, minor_unit(currency))
    price = Money(amount, currency)
    if amount <= 0:
        return _none(Reason("pricing.zero", price=price))
    if rule.floor is not None and amount < rule.floor:
        return _none(Reason("pricing.floor", price=price, floor=Money(rule.floor, currency)))
    return OfferPrice(price=price)


def _rounded(amount: Decimal, rule: PriceRule, unit: Decimal) -> Decimal:
    """The nearest amount with the rule's ending, and never more exact than the currency's smallest coin."""
    step = rule.round_to or unit
    count = ((amount - rule.ending) / step).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return (count * step + rule.ending).quantize(unit, rounding=ROUND_HALF_UP)


def _none(why: Reason) -> OfferPrice:
    return OfferPrice(why=why)
