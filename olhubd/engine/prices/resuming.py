"""What an offer costs that comes back: the price of the list as it is then, where a rule says so.

The price goes before the activation, since an offer that can be bought is bought at the price it has. One that is
refused while the offer has ended goes after it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.pricing.switch import follows_when_resumed
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.prices.wanted import Priced, offer_prices, want
from olhubd.model import Cause, Kind, LevelKind, Subject
from olhubd.store import Database, Reader, Transaction, levels, offers, price_switches

__all__ = ["price_first"]

_REFUSALS = 2


async def price_first(
    database: Database, account: str, ids: Collection[int], rules: Sequence[PriceRule], now: datetime
) -> tuple[set[int], bool]:
    """Those of the offers that are to cost something else before they come back, and whether that was said just
    now.

    An offer whose own switch is off keeps its price; one that was linked after the account's went on is switched
    on.
    """
    if not any(rule.on_resume and account in rule.channels for rule in rules):
        return set(), False
    reader = database.reader
    on = await _follows_now(reader, account, ids)
    waits = await _otherwise(reader, account, ids, rules, now, on)
    new = [id_ for id_, row in waits.items() if row is None or row.wanted_at is None]
    if not on and not new:
        return set(waits), False

    async def work(tx: Transaction) -> set[int]:
        recorder = Recorder(tx, now, Cause("rule", "prices"))
        on = await _follows_now(tx, account, ids)
        await offers.follow_prices(tx, on, True)
        for one in (await offers.read(tx, on)).values() if on else ():
            facts: dict[str, object] = {"offer": one.offer.external_id}
            await recorder.event("pricing.followed", account, Subject(Kind.OFFER, one.id), facts)
        await want(tx, account, await _otherwise(tx, account, ids, rules, now, set()), rules, now)
        await recorder.write(tx)
        return set(await _otherwise(tx, account, ids, rules, now, set()))

    return await database.write(work), True


async def _follows_now(reader: Reader, account: str, ids: Collection[int]) -> set[int]:
    """Those whose own switch goes on as they come back."""
    off = [id_ for id_, one in (await offers.read(reader, ids)).items() if not one.price_sync]
    if not off:
        return set()
    by_hand = await offers.unfollowed_by_hand(reader, off)
    since = await price_switches.since(reader, account)
    links = await offers.links_of(reader, [id_ for id_ in off if id_ not in by_hand])
    return {id_ for id_, some in links.items() if follows_when_resumed((link.linked_at for link in some), since)}


async def _otherwise(
    reader: Reader,
    account: str,
    ids: Collection[int],
    rules: Sequence[PriceRule],
    now: datetime,
    on: Collection[int],
) -> dict[int, OfferLevel | None]:
    """Those that do not cost what the list says, with their rows; those of `on` follow it from now on."""
    priced = await offer_prices(reader, account, ids, rules, now)
    rows = await levels.of_offers(reader, ids, LevelKind.PRICE)
    return {
        id_: rows.get(id_)
        for id_, one in priced.items()
        if (one.offer.price_sync or id_ in on) and _differs(one, rows.get(id_))
    }


def _differs(one: Priced, row: OfferLevel | None) -> bool:
    price, shown = one.found.price, one.offer.offer.price
    if one.rule is None or not one.rule.on_resume or price is None or one.offer.offer.price_rule is not None:
        return False
    if any(link.doubt is not None for link in one.links):
        return False
    if row is None:
        return shown != price
    return not (row.even and row.confirmed == price.minor()) and row.tries < _REFUSALS
