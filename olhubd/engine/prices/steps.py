"""What is to be done with the price of each offer of a channel, by how its switch, links and rule stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from olhubd.decide.pricing.step import next_price_step
from olhubd.decide.stock.level import Move, NextMove, OfferLevel
from olhubd.engine.levels.terms import Terms
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.wanted import Priced, offer_prices, want
from olhubd.model import Reason, code_of
from olhubd.store import Reader, Transaction, levels

__all__ = ["PriceSteps"]

_OUTDATED = "pricing.outdated"
_SENT = frozenset({Move.LOWER, Move.RAISE})


class PriceSteps(Terms):
    """Decides for the rows of one channel. The terms by which an offer is listed concern no price."""

    def __init__(self, channel: PriceChannel) -> None:
        super().__init__(channel)
        self._prices = channel

    async def steps(self, rows: Sequence[OfferLevel], *, ask: bool = True) -> list[tuple[OfferLevel, NextMove]]:
        if not rows:
            return []
        channel, now = self._prices, self._prices.clock.now()
        found = await self._decided(channel.database.reader, rows, now)
        outdated = {row.offer for row, step in found if step.why is not None and code_of(step.why) == _OUTDATED}
        if outdated:
            # It was newly brought and has not gone: it goes by the terms as they are now.
            await channel.database.write(lambda tx: want(tx, channel.account, outdated, channel.priced(), now))
            fresh = await levels.of_offers(channel.database.reader, outdated, channel.kind)
            rows = [fresh.get(row.offer, row) for row in rows]
            found = await self._decided(channel.database.reader, rows, now)
        channel.prices.sold_in.update({row.external_id: row.currency for row in rows if row.currency is not None})
        return found

    async def permitted(self, tx: Transaction, rows: Mapping[int, OfferLevel]) -> Mapping[int, OfferLevel]:
        found = await self._decided(tx, list(rows.values()), self._prices.clock.now())
        return {row.offer: row for row, step in found if step.move in _SENT}

    async def _decided(
        self, reader: Reader, rows: Sequence[OfferLevel], now: datetime
    ) -> list[tuple[OfferLevel, NextMove]]:
        channel = self._prices
        priced = await offer_prices(reader, channel.account, [row.offer for row in rows], channel.priced(), now)
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
    if not one.offer.price_sync:
        return Reason("pricing.offer-off")
    if (doubt := next((link.doubt for link in one.links if link.doubt is not None), None)) is not None:
        return doubt if isinstance(doubt, Reason) else Reason(doubt)
    price = one.found.price
    if price is None:
        return one.found.why
    if row.wanted_at is not None and (price.minor(), price.currency) != (row.wanted, row.currency):
        # The rule, what the offer sells or what its parts cost is otherwise by now.
        return Reason(_OUTDATED)
    return None
