"""What the readings of offers say of their prices, and which offers follow at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from olhubd.decide.pricing.switch import follows_when_resumed
from olhubd.decide.stock.level import OfferLevel, Phase, judge
from olhubd.engine.flow.flow import FlowContext
from olhubd.model import Kind, LevelKind, Money, OfferState, Subject
from olhubd.store import levels, offers
from olhubd.store.offers import StoredOffer

__all__ = ["read_prices"]


async def read_prices(
    context: FlowContext,
    renewed: Sequence[StoredOffer],
    known: Mapping[str, StoredOffer],
    after: int,
    since: datetime,
) -> None:
    """Store what these readings, there when `after` was the newest event, say of prices that nobody writes. The
    prices of the account follow since then."""
    rows = await levels.of_offers(context.tx, [one.id for one in renewed], LevelKind.PRICE)
    found: list[OfferLevel] = []
    for one in renewed:
        row, price = rows.get(one.id), one.offer.price
        if row is None or row.phase is not Phase.SETTLED or row.confirmed_after > context.after:
            continue
        if price is None or price.currency != row.currency:
            continue  # what it costs is not known, which is not zero
        read = judge(row, price.minor(), True, context.after, after, context.now).level
        found.append(read)
        if row.even and row.wanted is not None and not read.even and row.wanted_at is None:
            facts: dict[str, object] = {
                "offer": row.external_id,
                "wanted": str(Money.of_minor(row.wanted, row.currency)),
                "shown": str(price),
            }
            kind = "pricing.automatic-rule" if one.offer.price_rule is not None else "pricing.changed-elsewhere"
            await context.recorder.event(kind, context.account, Subject(Kind.OFFER, one.id), facts)
    await levels.put(context.tx, found)
    resumed = [one for one in renewed if not one.price_sync and _came_back(known.get(one.offer.external_id), one)]
    by_hand = await offers.unfollowed_by_hand(context.tx, [one.id for one in resumed])
    resumed = [one for one in resumed if one.id not in by_hand]
    links = await offers.links_of(context.tx, [one.id for one in resumed])
    on = {id_ for id_, some in links.items() if follows_when_resumed((link.linked_at for link in some), since)}
    await offers.follow_prices(context.tx, on, True)
    for one in resumed:
        if one.id in on:
            told: dict[str, object] = {"offer": one.offer.external_id}
            await context.recorder.event("pricing.followed", context.account, Subject(Kind.OFFER, one.id), told)


def _came_back(before: StoredOffer | None, now: StoredOffer) -> bool:
    ended = before is not None and before.offer.state is OfferState.ENDED
    return ended and now.offer.state is OfferState.ACTIVE
