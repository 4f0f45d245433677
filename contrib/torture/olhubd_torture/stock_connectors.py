"""What the connectors in memory do about stock: the shop counts, marketplaces list offers and take quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from olhubd.model import Offer, OfferState
from olhubd.plugin import (
    Accepted,
    Conflict,
    Cursor,
    LevelCall,
    LevelSink,
    LevelWish,
    OfferFeed,
    OutcomeUnknown,
    Page,
    RowOutcome,
    ShownLevel,
    StockFeed,
    Sweep,
)
from olhubd_torture.listings import Listings, QuantityCommand
from olhubd_torture.shelf import LOWERED_BY

if TYPE_CHECKING:
    from olhubd_torture.memory_connectors import MarketConnector, ShopConnector

__all__ = ["SETTLE", "MarketLevels", "MarketOffers", "ShopStock"]

SETTLE = 10.0
"""Seconds until a quantity that was written is shown, whatever became of the answer."""
_WITHIN = 7.0
"""Seconds after a lost answer within which a quantity is written, if it is at all."""
_PAGE = 2
_SOON = 2.0
_MOST = 2
"""Offers in one call."""


class ShopStock(StockFeed, Sweep):
    """What lies on the shop's shelf."""

    lowered_by = LOWERED_BY

    def __init__(self, door: ShopConnector) -> None:
        self.door = door

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        shelf = self.door.shop.stock
        found = await self.door.call("stock", lambda: shelf.changes(int(cursor), _PAGE))
        after = Cursor(str(found[-1][0])) if found else cursor
        return Page(records=[level for _, level in found], cursor=after, more=len(found) == _PAGE)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return Page(records=await self.door.call("stock", self.door.shop.stock.listing), cursor=Cursor("all"))


class MarketOffers(OfferFeed, Sweep):
    """The offers of one account there."""

    def __init__(self, door: MarketConnector) -> None:
        self.door = door

    @property
    def _listings(self) -> Listings:
        return self.door.market.offered

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        def ask() -> Page:
            found = self._listings.changed(int(cursor), _PAGE)
            after = Cursor(str(found[-1].change)) if found else cursor
            return Page(records=[self._listings.told(one) for one in found], cursor=after, more=len(found) == _PAGE)

        return await self._seen(ask)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        def ask() -> Page:
            offers = self._listings.offers.values()
            return Page(records=[self._listings.told(one) for one in offers], cursor=Cursor("all"))

        return await self._seen(ask)

    async def _seen(self, ask: Callable[[], Page]) -> Page:
        asked = self._listings.now()
        page: Page = await self.door.call("offers", ask)
        for offer in page.records:
            assert isinstance(offer, Offer)
            self._listings.watch.saw(offer.external_id, _shown(offer), asked)
        return page


def _shown(offer: Offer) -> int:
    return (offer.quantity or 0) if offer.state is OfferState.ACTIVE else 0


class MarketLevels(LevelSink):
    """The quantities of one account there, by commands or by calls that answer at once."""

    level_settle = timedelta(seconds=SETTLE)
    changes = True

    def __init__(self, door: MarketConnector) -> None:
        self.door = door

    @property
    def _listings(self) -> Listings:
        return self.door.market.offered

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        by_value: dict[tuple[bool, int], list[str]] = {}
        for wish in wishes:
            # Nothing for sale is a number that puts back nothing.
            changes = wish.change is not None and wish.value > 0
            number = (wish.change or 0) if changes else wish.value
            by_value.setdefault((changes, number), []).append(wish.offer)
        return [
            _call(changes, number, tuple(some[at : at + _MOST]))
            for (changes, number), some in sorted(by_value.items())
            for at in range(0, len(some), _MOST)
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        listings, value = self._listings, call.value or 0
        listings.watch.called(command, call.offers, value, call.change)
        write = lambda: listings.write(command, call.offers, value, call.change)  # noqa: E731
        try:
            done: QuantityCommand = await self.door.call("level", write, writes=True, within=_WITHIN)
        except Conflict as error:
            raise OutcomeUnknown(str(error)) from error
        return Accepted(after=_SOON) if listings.reports else _outcomes(done)

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        listings = self._listings
        done: QuantityCommand | None = await self.door.call("report", lambda: listings.report(command))
        if done is None or not listings.reports:
            return None
        return Accepted(after=_SOON) if done.ready > listings.now() else _outcomes(done)

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        listings = self._listings

        def ask() -> list[ShownLevel]:
            return [
                ShownLevel(offer=offer.id, quantity=shown, active=active)
                for offer, shown, active in listings.read(offers)
            ]

        asked = listings.now()
        shown: list[ShownLevel] = await self.door.call("shown", ask)
        for one in shown:
            listings.watch.saw(one.offer, (one.quantity or 0) if one.active else 0, asked)
        return shown


def _call(changes: bool, number: int, offers: tuple[str, ...]) -> LevelCall:
    if changes:
        return LevelCall(action="change", change=number, offers=offers)
    return LevelCall(action="set", value=number, offers=offers)


def _outcomes(done: QuantityCommand) -> list[RowOutcome]:
    return [RowOutcome(offer=offer, done=why is None, error=why) for offer, why in done.outcomes.items()]
