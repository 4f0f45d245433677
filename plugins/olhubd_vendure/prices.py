"""Prices out, where the shop is a channel: what its variants cost in the channel's own currency.

A price is kept with tax or without, as the channel says; that is asked for again before writing, since no variant
changes when somebody changes it. What another program makes of a price is reported (`Offer.price_rule`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import Money, Offer, Reason
from olhubd.plugin import (
    Accepted,
    ContractBroken,
    PriceCall,
    PriceSink,
    PriceWish,
    Rejected,
    RowOutcome,
    ShownPrice,
    decode,
    done_when_shown,
)
from olhubd_vendure import queries, wire_stock
from olhubd_vendure.client import GraphQL
from olhubd_vendure.offers import Offers
from olhubd_vendure.pricing import PriceTerms, kept_for
from olhubd_vendure.updates import grouped, update_variants
from olhubd_vendure.variants import NOT_SHOWN, Variants

__all__ = ["Prices"]

_SET = "set"


class Prices(PriceSink):
    """The prices of one channel's offers."""

    price_settle = timedelta(seconds=5)

    def __init__(self, api: GraphQL, variants: Variants, offers: Offers, late: timedelta) -> None:
        self.price_late = late
        self._api = api
        self._variants = variants
        self._offers = offers

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        parts = grouped((wish.offer, wish.price, wish.refused) for wish in wishes)
        return [PriceCall(action=_SET, price=price, offers=offers) for price, offers in parts]

    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        terms = await self._terms(call.price)
        rows, unsure = await self._variants.named(call.offers, priced=True)
        changes: dict[str, Mapping[str, Any]] = {}
        failed: list[RowOutcome] = []
        for offer in call.offers:
            if offer in unsure:
                failed.append(RowOutcome(offer=offer, done=False, error=NOT_SHOWN))
                continue
            kept = _kept(rows[offer], call.price, terms) if offer in rows else Reason("olhubd_vendure:no-variant")
            if isinstance(kept, Reason):
                failed.append(RowOutcome(offer=offer, done=False, error=kept))
            else:
                changes[offer] = {"id": offer, "prices": [{"currencyCode": terms.currency, "price": kept}]}
        return [*await update_variants(self._api, self._variants, queries.SET_PRICES, changes), *failed]

    async def _terms(self, price: Money) -> PriceTerms:
        """How the channel keeps its prices. Raises Rejected where it cannot keep this one."""
        terms = await self._variants.pricing()
        if terms is None:
            raise ContractBroken("the shop does not say how its channel keeps prices", field="activeChannel")
        if price.currency != terms.currency:
            why = Reason("olhubd_vendure:price-currency", currency=price.currency, other=terms.currency)
            raise Rejected(why, field="defaultCurrencyCode")
        if not terms.whole_coins:
            why = Reason("olhubd_vendure:price-decimals", decimals=terms.decimals, currency=terms.currency)
            raise Rejected(why, field="moneyStrategyPrecision")
        return terms

    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        """A call has no number there: what became of one is seen of the variants."""
        wanted = call.price.rounded()
        shown = await self.read_prices(call.offers)
        return done_when_shown(call.offers, {one.offer for one in shown if one.price == wanted})

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        await self._variants.pricing()
        return [
            ShownPrice(offer=offer, price=found.price if isinstance(found, Offer) else None)
            for offer, found in (await self._offers.read(offers)).items()
        ]


def _kept(raw: bytes, price: Money, terms: PriceTerms) -> int | Reason:
    """What the channel must keep of one variant, or why it cannot."""
    try:
        row = decode(raw, wire_stock.StockVariant)
    except ContractBroken as error:
        return Reason("olhubd_vendure:unreadable", why=error)
    kept = kept_for(price, row, terms)
    if kept is not None:
        return kept
    code = "olhubd_vendure:price-tax" if row.tax_rate_applied is None else "olhubd_vendure:price-net"
    return Reason(code, field="price", price=price)
