"""Connectors that count wrongly."""

from __future__ import annotations

from datetime import datetime, timedelta

from olhubd.model import Order, Stage
from olhubd.plugin import Cursor, OrderCount, Temporary
from tests.kit.broken.good import GoodShop, breaks

__all__ = ["GoodCount"]


class GoodCount(GoodShop, OrderCount):
    """Declares its counting alone. A Tiny Shop counts by listing."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("OrderCount",)

    async def count_orders(self, since: datetime, until: datetime) -> int:
        return sum(self.fits(order, since, until) for order in await self.listed(since))

    async def listed(self, since: datetime) -> list[Order]:
        found: list[Order] = []
        cursor: Cursor | None = None
        while True:
            page = await self.sweep(since, cursor)
            found.extend(record for record in page.records if isinstance(record, Order))
            if not page.more:
                return found
            cursor = page.cursor

    def fits(self, order: Order, since: datetime, until: datetime) -> bool:
        return since <= order.placed_at < until


@breaks("COUNT-01")
class CountsOnePage(GoodCount):
    """Takes the length of the first page for the number of orders."""

    async def listed(self, since: datetime) -> list[Order]:
        page = await self.sweep(since, None)
        return [record for record in page.records if isinstance(record, Order)]


@breaks("COUNT-02")
class CountsTheBorderTwice(GoodCount):
    """An order of midnight belongs to both days."""

    def fits(self, order: Order, since: datetime, until: datetime) -> bool:
        return since <= order.placed_at <= until + timedelta(seconds=1)


@breaks("COUNT-03")
class CountsWhatIsStillOn(GoodCount):
    """Leaves out what was cancelled."""

    def fits(self, order: Order, since: datetime, until: datetime) -> bool:
        return super().fits(order, since, until) and order.stage is not Stage.CANCELLED


@breaks("COUNT-04", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10")
class CountsSilenceAsNothing(GoodCount):
    """No answer, so no orders."""

    async def count_orders(self, since: datetime, until: datetime) -> int:
        try:
            return await super().count_orders(since, until)
        except Temporary:
            return 0
