"""What each offer of a channel must cost, computed from the list prices that were newly brought.

Only a mark, which is a price that has changed, makes a price wanted: neither a rule that is another now, nor the
same price read again, nor an offer that was just linked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.decide.pricing.rule import ListedPart, OfferPrice, PriceRule, offer_price, rule_of
from olhubd.decide.stock.level import OfferLevel, Phase
from olhubd.model import LevelKind, Link, PriceBasis, Reason
from olhubd.store import Reader, Transaction, events, levels, list_prices, offers, stock_items
from olhubd.store.list_prices import StoredPrice
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = ["Priced", "follow", "offer_prices", "want"]


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with its price by the lists, and by which rule; `rule` is None where none is for what it sells."""

    offer: StoredOffer
    links: Sequence[Link]
    rule: PriceRule | None
    listed: Mapping[int, StoredPrice]
    """By item, as it is in the list of the rule."""
    found: OfferPrice


async def follow(tx: Transaction, account: str, rules: Sequence[PriceRule], now: datetime, limit: int) -> int:
    """Follow up to `limit` marks more; gives how many there were."""
    found = await list_prices.marks(tx, await list_prices.following(tx, account), limit)
    if not found:
        return 0
    changed = await list_prices.read(tx, {mark.price for mark in found})
    items: set[int] = set()
    for rule in (one for one in rules if account in one.channels):
        names = [
            one.record.item
            for one in changed.values()
            if (one.account, one.record.price_list) == (rule.master, rule.price_list)
        ]
        items |= {item.id for item in (await stock_items.by_external(tx, rule.master, names)).values()}
    links = await offers.of_items(tx, items, account)
    await want(tx, account, {link.offer for link in links}, rules, now)
    await list_prices.followed(tx, account, found[-1].id)
    return len(found)


async def want(
    tx: Transaction, account: str, ids: Collection[int], rules: Sequence[PriceRule], now: datetime
) -> list[OfferLevel]:
    """Compute what these offers must cost, of those whose prices follow, and store it. Gives their rows."""
    if not ids:
        return []
    priced = await offer_prices(tx, account, ids, rules, now)
    rows = await levels.of_offers(tx, ids, LevelKind.PRICE)
    after = await events.head(tx)
    changed = [
        _wanted(one, rows.get(id_), account, after, now) for id_, one in priced.items() if one.offer.price_sync
    ]
    await levels.put(tx, changed)
    return changed


def _wanted(one: Priced, row: OfferLevel | None, account: str, after: int, now: datetime) -> OfferLevel:
    shown = one.offer.offer.price
    if row is None:
        row = OfferLevel(
            offer=one.offer.id,
            account=account,
            external_id=one.offer.offer.external_id,
            kind=LevelKind.PRICE,
            confirmed=shown.minor() if shown is not None else None,
            confirmed_after=one.offer.read_after,
            currency=shown.currency if shown is not None else None,
        )
    price = one.found.price
    doubt = next((link.doubt for link in one.links if link.doubt is not None), None)
    if price is None or doubt is not None:
        return msgspec.structs.replace(
            row,
            wanted=None,
            wanted_after=after,
            wanted_at=None,
            held=doubt or one.found.why,
            reason=None,
            approved=None,
        )
    if row.phase is Phase.SETTLED and row.currency != price.currency and shown is not None:
        # It is sold in another currency by now, in which its price was read.
        row = msgspec.structs.replace(row, confirmed=shown.minor(), confirmed_after=one.offer.read_after)
    # Where the offer costs that already nothing is to come: what somebody else makes of it later is his.
    right = row.phase is Phase.SETTLED and row.active and row.confirmed == price.minor()
    pending = row.wanted == price.minor() and row.currency == price.currency and not row.even
    return msgspec.structs.replace(
        row,
        wanted=price.minor(),
        currency=price.currency,
        wanted_after=after,
        wanted_at=None if right else now,
        confirmed_at=one.offer.read_at if right and row.confirmed_at is None else row.confirmed_at,
        # A person approved one price once, and not each that is like it later.
        approved=row.approved if pending else None,
        basis_after=max((some.read_after for some in one.listed.values()), default=0),
        tries=0,
        due_at=row.due_at if row.command is not None else None,
        reason=None,
        held=None,
    )


async def offer_prices(
    reader: Reader, account: str, ids: Collection[int], rules: Sequence[PriceRule], now: datetime
) -> dict[int, Priced]:
    """The prices of these offers by the lists as they are now, by offer."""
    listed = await offers.read(reader, ids)
    links = await offers.links_of(reader, ids)
    items = await stock_items.read(reader, {link.item for some in links.values() for link in some})
    prices = await list_prices.of_stock_items(reader, items)
    return {
        id_: _priced(one, links.get(id_, ()), items, prices, rules, account, now) for id_, one in listed.items()
    }


def _priced(
    offer: StoredOffer,
    links: Sequence[Link],
    items: Mapping[int, StockItem],
    prices: Mapping[int, Sequence[StoredPrice]],
    rules: Sequence[PriceRule],
    account: str,
    now: datetime,
) -> Priced:
    found = [rule_of(rules, items[link.item].account, account) if link.item in items else None for link in links]
    rule = found[0] if found and all(one == found[0] for one in found) else None
    if rule is None:
        why = Reason("pricing.no-rule") if links else Reason("pricing.unlinked")
        return Priced(offer=offer, links=links, rule=None, listed={}, found=OfferPrice(why=why))
    here = {
        link.item: one
        for link in links
        for one in prices.get(link.item, ())
        if one.record.price_list == rule.price_list
    }
    parts = [_part(link, here.get(link.item), now) for link in links]
    currency = offer.offer.price.currency if offer.offer.price is not None else None
    return Priced(offer=offer, links=links, rule=rule, listed=here, found=offer_price(rule, parts, currency))


def _part(link: Link, price: StoredPrice | None, now: datetime) -> ListedPart:
    if price is None:
        return ListedPart(units=link.units, price=None, gross=True)
    tax = price.record.tax
    free = Decimal(0) if tax is not None and tax.exemption is not None else None
    return ListedPart(
        units=link.units,
        price=price.record.at(now),
        gross=price.record.basis is PriceBasis.GROSS,
        tax=tax.rate if tax is not None and tax.rate is not None else free,
    )
