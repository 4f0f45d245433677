"""Which stock item an offer sells: by the seller's own mark, where that says one thing alone.

A mark that several items of the masters bear says nothing: a variant without its own mark reports its parent's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from olhubd.decide.route import Route
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.reserving import reserve_orders
from olhubd.model import Link, LinkOrigin, OfferState
from olhubd.store import Transaction, levels, offers, reservations, stock_items
from olhubd.store.offers import StoredOffer

__all__ = ["link_by_sku", "masters_of", "shown"]


def masters_of(rules: Sequence[StockRule], channel: str) -> list[str]:
    """The masters whose stock is sold on an account."""
    return sorted({rule.master for rule in rules if channel in rule.channels})


def shown(listed: StoredOffer) -> int:
    """How many pieces buyers can still buy of an offer."""
    return (listed.offer.quantity or 0) if listed.offer.state is OfferState.ACTIVE else 0


async def link_by_sku(
    tx: Transaction,
    skus: Collection[str],
    after: int,
    now: datetime,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> list[Link]:
    """Link the offers that sell nothing known and bear one of these marks, each to the one item that bears it."""
    wanted = sorted({sku for sku in skus if sku})
    channels = sorted({channel for rule in rules for channel in rule.channels})
    if not wanted or not channels:
        return []
    loose = await offers.unlinked(tx, channels, wanted)
    if not loose:
        return []
    items = await stock_items.by_codes(tx, sorted({rule.master for rule in rules}), sorted(loose))
    links: list[Link] = []
    rows: list[OfferLevel] = []
    for sku, some in loose.items():
        for listed in some:
            masters = masters_of(rules, listed.account)
            bearers = [item for item in items.get(sku, ()) if item.account in masters]
            if len(bearers) != 1:
                continue
            links.append(Link(offer=listed.id, item=bearers[0].id, origin=LinkOrigin.SKU, linked_at=now))
            rows.append(
                OfferLevel(
                    offer=listed.id,
                    account=listed.account,
                    external_id=listed.offer.external_id,
                    confirmed=shown(listed),
                    confirmed_after=listed.read_after,
                    active=listed.offer.state is OfferState.ACTIVE,
                )
            )
    if not links:
        return []
    touched = {link.item for link in links}
    await stock_items.lock(tx, touched)
    await offers.link(tx, links)
    await levels.put(tx, rows)
    # What was bought before the link was there is sold all the same.
    by_account: dict[str, list[str]] = {}
    for row in rows:
        by_account.setdefault(row.account, []).append(row.external_id)
    for account, names in by_account.items():
        selling = await reservations.selling(tx, account, names)
        await reserve_orders(tx, selling, after, now, routes, rules, past=True)
    await stock_items.mark(tx, touched, after)
    return links
