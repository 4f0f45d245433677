"""The lowest price of each line of an order, by the rules that send prices to its account."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.decide.pricing.floor import below_floor
from olhubd.decide.pricing.rule import PriceRule, rule_of
from olhubd.model import Money, Reason
from olhubd.store import Reader, list_prices, reservations
from olhubd.store.orders import StoredOrder

__all__ = ["too_cheap"]


async def too_cheap(reader: Reader, stored: StoredOrder, rules: Sequence[PriceRule]) -> Reason | None:
    """Why an order is not sent on: it was bought below the floor of a rule. Without a floor nothing is asked."""
    if not any(rule.floor is not None and stored.account in rule.channels for rule in rules):
        return None
    sold = (await reservations.sold(reader, [stored.id])).get(stored.id, ())
    listed = await list_prices.of_stock_items(reader, {one.item for one in sold})
    bought = {line.external_id: line.price.currency for line in stored.order.lines}
    floors: dict[str, Money] = {}
    for one in sold:
        rule = rule_of(rules, one.master, stored.account)
        if rule is None or rule.floor is None or one.line not in bought:
            continue
        here = [price.record for price in listed.get(one.item, ()) if price.record.price_list == rule.price_list]
        # A floor is in the currency of its list. Of one that is not read yet it is taken to be the order's.
        currency = next((record.price.currency for record in here if record.price), bought[one.line])
        known = floors.get(one.line)
        if known is None or known.amount < rule.floor:
            floors[one.line] = Money(rule.floor, currency)
    return below_floor(stored.order, floors)
