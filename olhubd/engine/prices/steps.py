"""What is to be done with the price of each offer of a channel, by how its switch, links and rule stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from olhubd.decide.pricing.step import next_price_step
from olhubd.decide.stock.level import NextMove, OfferLevel
from olhubd.engine.levels.terms import Terms
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.wanted import Priced, offer_prices
from olhubd.model import Money, Reason

__all__ = ["PriceSteps"]


class PriceSteps(Terms):
    """Decides for the rows of one channel. The terms by which an offer is listed concern no price."""

    def __init__(self, channel: PriceChannel) -> None:
        super().__init__(channel)
        self._prices = channel

    async def steps(self, rows: Sequence[OfferLevel]) -> list[tuple[OfferLevel, NextMove]]:
        if not rows:
            return []
        channel, now = self._prices, self._prices.clock.now()
        priced = await offer_prices(
            channel.database.reader, channel.account, [row.offer for row in rows], channel.priced(), now
        )
        channel.prices.sold_in.update({row.external_id: row.currency for row in rows if row.currency is not None})
        return [(row, _step(row, priced[row.offer], now)) for row in rows if row.offer in priced]

    async def learn(self) -> datetime | None:
        return None


def _step(row: OfferLevel, one: Priced, now: datetime) -> NextMove:
    return next_price_step(
        row,
        now,
        step=one.rule.step if one.rule is not None else None,
        barred=_barred(row, one),
        automatic=one.offer.offer.price_rule is not None,
    )


def _barred(row: OfferLevel, one: Priced) -> Reason | None:
    """Why the price that was wanted is not sent any more."""
    shown = one.offer.offer.price
    if not one.offer.price_sync:
        return Reason("pricing.offer-off")
    if one.rule is None:
        return Reason("pricing.no-rule") if one.links else Reason("pricing.unlinked")
    if (doubt := next((link.doubt for link in one.links if link.doubt is not None), None)) is not None:
        return doubt if isinstance(doubt, Reason) else Reason(doubt)
    if row.currency is None or (shown is not None and shown.currency != row.currency):
        return Reason("pricing.currency", currency=str(row.currency), other=shown.currency if shown else "?")
    if row.wanted is not None and one.rule.floor is not None:
        floor = Money(one.rule.floor, row.currency)
        if row.wanted < floor.minor():
            return Reason("pricing.floor", price=Money.of_minor(row.wanted, row.currency), floor=floor)
    return None
