"""A draft of an offer, filled from a product that was imported from a stock master."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.decide.offers.draft import filled, unsellable
from olhubd.decide.pricing.rule import ListedPart, PriceRule, offer_price, rule_of
from olhubd.engine.errors import NotPossible
from olhubd.model import Money, OfferDraft, PriceBasis, Reason
from olhubd.store import Reader, list_prices, products
from olhubd.store.products import StoredProduct

__all__ = ["from_product"]


async def from_product(
    reader: Reader,
    draft: OfferDraft,
    product: str,
    account: str,
    rules: Sequence[PriceRule],
    now: datetime,
) -> OfferDraft:
    """The draft with what the product says, which is named by its mark, its article number or its number. Its price
    is that of the price list whose prices go to the account. Raises NotPossible."""
    master, _, number = product.partition(":")
    found = list((await products.by_external(reader, master, [number])).values()) if number else []
    found = [one for one in found or await products.find(reader, product) if one.gone_at is None]
    if not found:
        raise NotPossible(Reason("making.no-such-product", product=product))
    if len(found) > 1:
        names = ", ".join(f"{one.account}:{one.external_id}" for one in found)
        raise NotPossible(Reason("making.which-product", product=product, names=names))
    (one,) = found
    if (why := unsellable(one.record)) is not None:
        raise NotPossible(why)
    draft = msgspec.structs.replace(draft, sku=draft.sku or one.record.sku or "")
    return filled(draft, one.record, await _price(reader, one, account, rules, now))


async def _price(
    reader: Reader, product: StoredProduct, account: str, rules: Sequence[PriceRule], now: datetime
) -> Money | None:
    """What the offer costs by the rule; None where there is no such rule, and where it gives no price."""
    rule = rule_of(rules, product.account, account)
    if rule is None:
        return None
    listed = await list_prices.of_items(reader, product.account, [product.external_id], rule.price_list)
    for price in listed:
        tax = price.record.tax
        free = Decimal(0) if tax is not None and tax.exemption is not None else None
        part = ListedPart(
            units=1,
            price=(amount := price.record.at(now)),
            gross=price.record.basis is PriceBasis.GROSS,
            tax=tax.rate if tax is not None and tax.rate is not None else free,
        )
        found = offer_price(rule, [part], amount.currency if amount is not None else None)
        if found.price is not None:
            return found.price
    return None
