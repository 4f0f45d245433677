"""Why an offer costs what it costs: the prices of the lists, the rule, and what was wanted, sent and read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.prices.wanted import Priced, offer_prices
from olhubd.model import LevelKind
from olhubd.store import Reader, levels, list_prices, offers, stock_items
from olhubd.store.list_prices import StoredPrice
from olhubd.store.stock_items import StockItem

__all__ = ["PricedItem", "PricedOffer", "explain_prices"]


class PricedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of an item. `level` is None where no price was ever wanted for it."""

    priced: Priced
    level: OfferLevel | None


class PricedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A stock item with its prices in all lists of its master, and its offers."""

    item: StockItem
    listed: Sequence[StoredPrice]
    offers: Sequence[PricedOffer]


async def explain_prices(reader: Reader, text: str, rules: Sequence[PriceRule], now: datetime) -> list[PricedItem]:
    """The items with this mark of the seller or this number at their master, all read at one moment."""

    async def work(one: Reader) -> list[PricedItem]:
        items = await stock_items.find(one, text)
        prices = await list_prices.of_stock_items(one, [item.id for item in items])
        links = await offers.of_items(one, [item.id for item in items])
        listed = await offers.read(one, {link.offer for link in links})
        rows = await levels.of_offers(one, list(listed), LevelKind.PRICE)
        priced: dict[int, Priced] = {}
        for account in sorted({offer.account for offer in listed.values()}):
            mine = [id_ for id_, offer in listed.items() if offer.account == account]
            priced |= await offer_prices(one, account, mine, rules, now)
        return [
            PricedItem(
                item=item,
                listed=prices.get(item.id, ()),
                offers=[
                    PricedOffer(priced=priced[link.offer], level=rows.get(link.offer))
                    for link in links
                    if link.item == item.id and link.offer in priced
                ],
            )
            for item in items
        ]

    return await reader.together(work)
