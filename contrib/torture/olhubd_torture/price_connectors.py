"""What the connectors in memory do about prices: the shop has lists, marketplaces take what an offer costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from olhubd.model import Money
from olhubd.plugin import (
    Accepted,
    Conflict,
    Cursor,
    OutcomeUnknown,
    Page,
    PriceCall,
    PriceSink,
    PriceWish,
    ProductFeed,
    RowOutcome,
    ShownPrice,
)
from olhubd_torture.listings import QuantityCommand
from olhubd_torture.price_tags import PriceTags

if TYPE_CHECKING:
    from olhubd_torture.memory_connectors import MarketConnector, ShopConnector

__all__ = ["MarketPrices", "ShopPrices"]

_SETTLE = 30.0
"""Seconds until a price that was written is shown, whatever became of the answer."""
_WITHIN = 25.0
"""Seconds after a lost answer within which a price is written, if it is at all."""
_PAGE = 2
_SOON = 2.0
_MOST = 2
"""Offers in one call."""
_CURRENCY = "PLN"


class ShopPrices(ProductFeed):
    """The shop's items with what they cost."""

    def __init__(self, door: ShopConnector) -> None:
        self.door = door

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        def ask() -> Page:
            lists = self.door.shop.prices
            found = lists.changes(int(cursor), _PAGE)
            records = [record for _, sku in found for record in lists.told(sku)]
            after = Cursor(str(found[-1][0])) if found else cursor
            return Page(records=records, cursor=after, more=len(found) == _PAGE)

        return await self.door.call("prices", ask)


class MarketPrices(PriceSink):
    """The prices of one account there, by commands that are reported on or by calls that answer at once."""

    price_settle = timedelta(seconds=_SETTLE)
    price_late = timedelta(seconds=_SETTLE)

    def __init__(self, door: MarketConnector) -> None:
        self.door = door

    @property
    def _tags(self) -> PriceTags:
        tags = self.door.market.tags
        assert tags is not None
        return tags

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        by_price: dict[Money, list[str]] = {}
        for wish in wishes:
            by_price.setdefault(wish.price, []).append(wish.offer)
        return [
            PriceCall(action="set", price=price, offers=tuple(some[at : at + _MOST]))
            for price, some in by_price.items()
            for at in range(0, len(some), _MOST)
        ]

    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        tags = self._tags
        tags.watch.called(command, call.offers, call.price)
        write = lambda: tags.write(command, call.offers, call.price)  # noqa: E731
        try:
            done: QuantityCommand = await self.door.call("price", write, writes=True, within=_WITHIN)
        except Conflict as error:
            raise OutcomeUnknown(str(error)) from error
        return Accepted(after=_SOON) if self.door.market.offered.reports else _outcomes(done)

    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        done: QuantityCommand | None = await self.door.call("priced", lambda: self._tags.report(command))
        return _outcomes(done) if done is not None else None

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        costs = await self.door.call("costs", lambda: self._tags.read(offers))
        return [ShownPrice(offer=id_, price=Money(amount, _CURRENCY)) for id_, amount in costs.items()]


def _outcomes(done: QuantityCommand) -> list[RowOutcome]:
    return [RowOutcome(offer=offer, done=why is None, error=why) for offer, why in done.outcomes.items()]
