"""Feeds that trust their journal to be tidy, and orders to stay what they were."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from olhubd.model import Order
from olhubd.plugin import Cursor, Page, Record
from tests.kit.broken.good import GoodFeed, breaks
from tests.kit.broken.records import Retelling

OLD = timedelta(days=30)


@breaks("FEED-12")
class TakesARepeatForTheEnd(GoodFeed):
    """Thinks that a journal which tells an order twice has nothing new any more."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        kept: list[Record] = []
        for record in page.records:
            if record.external_id in [known.external_id for known in kept]:
                break
            kept.append(record)
        return replace(page, records=kept)


@breaks("FEED-13")
class TrustsTheOrder(GoodFeed):
    """Takes what was bought before its neighbour for old news."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        kept: list[Record] = []
        newest: datetime | None = None
        for record in page.records:
            if isinstance(record, Order):
                if newest is not None and record.placed_at < newest:
                    continue
                newest = record.placed_at
            kept.append(record)
        return replace(page, records=kept)


@breaks("FEED-14")
class TakesAShortPageForTheEnd(GoodFeed):
    """Goes to the end of the journal as soon as a page is not full."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        if page.more and len(page.records) < self.settings.page_size:
            end = str(await self.http.get("/position", int))
            return replace(page, more=False, cursor=Cursor(end))
        return page


@breaks("FEED-15")
class ForgetsTheOld(GoodFeed):
    """Looks back for a month, however far it is asked to."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await super().sweep(max(since, self.account.clock.now() - OLD), cursor)


@breaks("FEED-16")
class DropsOldNews(GoodFeed):
    """Takes what happened to an old order for a mistake."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        since = self.account.clock.now() - OLD
        kept = [record for record in page.records if not isinstance(record, Order) or record.placed_at > since]
        return replace(page, records=kept)


@breaks("MERGE-01", "ORDER-10")
class NumbersLinesByOrder(Retelling):
    """Makes the ids of lines of the order's own, so that a line is a new one after a merge."""

    def retell(self, order: Order) -> Order:
        lines = (replace(n, external_id=f"{order.external_id}-{i}") for i, n in enumerate(order.lines, start=1))
        return replace(order, lines=tuple(lines))
