"""Finding one order by a mark in its meta, in a shop that cannot filter by meta.

All orders of the time are read, of any origin: a filter by origin would hide the order in a shop that did not take
our mark for it. What was read is remembered for a while, so that of many searches after an outage only the first
reads far back; what is young is read again each time, since an order may still be on its way into the list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from olhubd.model import Reason
from olhubd.plugin import Clock, ListPage, Unavailable, by_offset, require_order
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop
from olhubd_woocommerce.feed import gmt
from olhubd_woocommerce.wire import NO_ORDERS, meta_value

__all__ = ["MetaSearch"]

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_MARGIN = timedelta(minutes=5)
"""How far the clocks of a shop's servers may differ, and how long an order may take to show up."""
_SLACK = timedelta(minutes=1)
_KEPT_FOR = 600.0
_KEPT = 100_000


class MetaSearch:
    """Searches one shop by the meta field `key`."""

    def __init__(self, shop: Shop, key: str, clock: Clock) -> None:
        self._shop = shop
        self._key = key
        self._clock = clock
        self._known: dict[str, int] = {}
        self._from: datetime | None = None
        """From when on all orders up to `_until` are known, both by the shop's own clock."""
        self._until: datetime | None = None
        self._best_before = 0.0

    async def find(self, value: str, age: timedelta | None) -> int | None:
        """The id of the order with this mark, not older than `age`; None when there surely is none."""
        low, known = self._unknown_from(await self._since(age)), self._known
        found: dict[str, int] = {}
        until: datetime | None = None
        for status in ("any", "trash"):
            query: dict[str, str | int] = {"status": status}
            if low > _BEGINNING:
                query |= {"after": gmt(low), "dates_are_gmt": "true"}
            async for rows, said in self._scan(query):
                until = said if until is None or (said is not None and said < until) else until
                for row in rows:
                    mark = meta_value(row.meta_data, self._key)
                    if mark is None or row.status in NO_ORDERS:
                        continue
                    if status == "trash":
                        # What lies in the bin counts only where no other order carries the mark.
                        found.setdefault(mark, row.id)
                    else:
                        # Read from the newest back: of a pair the older one stays, which was made first.
                        found[mark] = row.id
        self._learn(found, low, until)
        return found.get(value, known.get(value))

    def forget(self) -> None:
        """What was remembered proved wrong, or is too old."""
        self._known = {}  # a search under way keeps the one it began with
        self._from = self._until = None

    async def _since(self, age: timedelta | None) -> datetime:
        """When an order of that age was made by the shop's own clock, or before; never by ours."""
        if age is None:
            return _BEGINNING
        if self._shop.earliest is None:
            asked: Query = {"per_page": 1, "_fields": "id,meta_data"}
            await self._shop.fetch("/wc/v3/orders", asked, list[wire.OrderMark])
        now = self._shop.earliest
        if now is None:
            return _BEGINNING  # a shop that gives no time is searched from its first order on
        return max(now - min(age + _MARGIN, now - _BEGINNING), _BEGINNING)

    def _unknown_from(self, low: datetime) -> datetime:
        """From when on to read so that all since `low` is known afterwards."""
        if self._clock.monotonic() > self._best_before or len(self._known) > _KEPT:
            self.forget()
        if self._from is None or self._until is None or low < self._from:
            # A little earlier, since the next search may be for a second more, by what the shop's answers say.
            return max(low - _SLACK, _BEGINNING)
        return max(low, self._until - 2 * _MARGIN)

    def _learn(self, found: Mapping[str, int], low: datetime, until: datetime | None) -> None:
        if until is None:
            return
        if self._from is None or self._until is None or low < self._from:
            self._known, self._from = dict(found), low
            self._best_before = self._clock.monotonic() + _KEPT_FOR
        elif low <= self._until:
            self._known.update(found)
        else:
            return  # there is a gap between what was known and this
        self._until = until

    async def _scan(self, query: Query) -> AsyncIterator[tuple[Sequence[wire.OrderMark], datetime | None]]:
        """All rows page by page, the newest first, to the end without a gap, each page with the shop's time.

        Raises Unavailable when fewer rows came than the shop counts: then nobody knows what is there.
        """
        said: datetime | None = None
        asked = {**query, "orderby": "id", "order": "desc", "_fields": "id,status,meta_data"}

        async def fetch(offset: int) -> ListPage[wire.OrderMark]:
            nonlocal said
            part, answer = await self._shop.listed("/wc/v3/orders", asked, wire.OrderMark, offset)
            require_order((row.id for row in part.rows), "id", descending=True)
            said = answer.dated
            return part

        complete = False
        async for portion in by_offset(fetch, lambda row: str(row.id)):
            yield portion.rows, said
            complete = portion.complete
        if not complete:
            raise Unavailable(Reason("olhubd_woocommerce:fewer-shown"))
