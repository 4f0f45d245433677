"""Why an offer shows what it shows: each term of what may be sold with its cause, each offer with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.decide.stock.sellable import Sellable, StockReading, Term, sellable, terms
from olhubd.engine.levels.wanted import rule_of
from olhubd.model import Link, Reservation
from olhubd.store import Reader, levels, offers, reservations, stock_items
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = ["ExplainedItem", "ExplainedOffer", "explain", "explain_items"]


class ExplainedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of an item. `level` is None where nothing is kept for it."""

    link: Link
    listed: StoredOffer
    level: OfferLevel | None


class ExplainedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A stock item with the terms of its sellable number, and its offers. `rule` is None where nobody sells it."""

    item: StockItem
    rule: StockRule | None
    sellable: Sellable
    terms: Sequence[Term]
    offers: Sequence[ExplainedOffer]


async def explain(reader: Reader, text: str, rules: Sequence[StockRule]) -> list[ExplainedItem]:
    """The items with this mark of the seller or this number at their master, all read at one moment."""

    async def work(one: Reader) -> list[ExplainedItem]:
        return await explain_items(one, await stock_items.find(one, text), rules)

    return await reader.together(work)


async def explain_items(
    reader: Reader, items: Sequence[StockItem], rules: Sequence[StockRule]
) -> list[ExplainedItem]:
    """These items, in their order."""
    ids = [item.id for item in items]
    links = await offers.of_items(reader, ids)
    listed = await offers.read(reader, {link.offer for link in links})
    rows = await levels.of_offers(reader, list(listed))
    reserved = await reservations.of_items(reader, ids)
    sold: dict[int, list[ExplainedOffer]] = {}
    for link in links:
        if link.offer in listed:
            one = ExplainedOffer(link=link, listed=listed[link.offer], level=rows.get(link.offer))
            sold.setdefault(link.item, []).append(one)
    for some in sold.values():
        some.sort(key=lambda one: (one.listed.account, one.listed.offer.external_id))
    return [_item(item, sold.get(item.id, ()), reserved.get(item.id, ()), rules) for item in items]


def _item(
    item: StockItem, sold: Sequence[ExplainedOffer], reserved: Sequence[Reservation], rules: Sequence[StockRule]
) -> ExplainedItem:
    channels = [one.listed.account for one in sold] or [name for rule in rules for name in rule.channels]
    found = (rule_of(rules, item.account, channel) for channel in channels)
    rule = next((one for one in found if one is not None), None)
    buffer = (rule or StockRule(master=item.account, channels=frozenset())).buffer
    reading = StockReading(level=item.level, after=item.read_after)
    return ExplainedItem(
        item=item,
        rule=rule,
        sellable=sellable(reading, sum(row.unseen(item.read_after) for row in reserved), buffer),
        terms=terms(reading, reserved, buffer),
        offers=sold,
    )
