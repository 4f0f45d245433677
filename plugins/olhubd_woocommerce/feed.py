"""The shop's list of orders, read so that no row is missed: as a feed and as a sweep.

Three traps are stepped over here. `modified_after` is exclusive, in whole seconds, in the shop's own time zone
unless `dates_are_gmt` is set, and a "Z" on top of that shifts it silently. Rows become visible out of order, so
each pull looks back. And rows move between pages while one reads, and pages hold what they like: so the end is
where the shop's own count, or a page on which nothing follows, says that it is (`olhubd.plugin.walk`).

Nor is a page that goes forward in time a place to go on from by itself: in the hour that comes twice each autumn a
shop that keeps its orders as posts has rows of the first hour behind some of the second. So the shop is asked how
many there are up to there.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from olhubd.model import Reason
from olhubd.plugin import (
    ContractBroken,
    Cursor,
    ListPage,
    ListPlace,
    Rejected,
    Response,
    Unavailable,
    by_offset,
    decode,
    require_order,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop, counted
from olhubd_woocommerce.wire import moment

__all__ = ["FeedCursor", "ListPart", "OrderList", "OrderRecord", "gmt"]

FIELDS = (
    "id,number,status,currency,total,total_tax,date_created_gmt,date_modified_gmt,date_paid_gmt,customer_id,"
    "customer_note,created_via,payment_method,payment_method_title,transaction_id,billing,shipping,line_items,"
    "shipping_lines,fee_lines,coupon_lines,tax_lines,refunds,meta_data"
)
_MARGIN = timedelta(minutes=5)
"""How far the shop's clock may be behind ours."""
_AUTUMN = timedelta(hours=1)
_BEGINNING = "1970-01-01T00:00:00"
"""Used as the time of a row that has none."""
_TAILS = 3
"""Pulls remembered: a pull that is repeated must see what it saw before."""


def gmt(at: datetime) -> str:
    """A time as the shop takes it together with `dates_are_gmt`: no suffix, whole seconds."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()


class OrderRecord(msgspec.Struct, frozen=True):
    """One order of a page, not decoded yet."""

    head: wire.Head
    raw: msgspec.Raw

    @property
    def mark(self) -> str:
        """Distinguishes two versions, also two of one second, which is the resolution of the shop's own time."""
        return f"{self.head.date_modified_gmt}#{zlib.crc32(self.raw):08x}"


class ListPart(msgspec.Struct, frozen=True):
    """Part of a reading: rows, its position after them, and whether there is more."""

    rows: Sequence[OrderRecord]
    cursor: Cursor
    more: bool
    failure: Unavailable | None = None


class _Id(msgspec.Struct):
    id: int


class FeedCursor(msgspec.Struct, frozen=True):
    """A cursor of the feed: all modified before `at`, and of that second those in `ids`, have landed.

    `running` says that there was more, so that the next pull goes on from here without looking back.
    """

    at: str
    ids: frozenset[int] = frozenset()
    running: bool = False

    def text(self) -> Cursor:
        ids = ",".join(str(i) for i in sorted(self.ids))
        return Cursor(f"{self.at}|{ids}{'|+' if self.running else ''}")

    @classmethod
    def of(cls, cursor: Cursor) -> FeedCursor:
        at, _, rest = cursor.partition("|")
        ids, _, sign = rest.partition("|")
        try:
            moment(at)
            return cls(at, frozenset(int(i) for i in ids.split(",") if i), sign == "+")
        except ValueError:
            raise ContractBroken(f"not a cursor of this feed: {cursor[:40]!r}") from None


class _Tail(msgspec.Struct):
    """What a pull saw. It serves only the cursor that this pull returned, and only saves work: without it the
    rows of the overlap are delivered once more."""

    seen: dict[int, str]
    floor: datetime | None


class OrderList:
    """The list of orders of one shop."""

    def __init__(self, shop: Shop, overlap: timedelta) -> None:
        self._shop = shop
        self._overlap = overlap
        self._tails: dict[Cursor, _Tail] = {}

    async def newest(self) -> FeedCursor:
        """The mark after everything there is, by the shop's own clock."""
        query: Query = {**_ALL, "orderby": "modified", "order": "desc", "_fields": "id,date_modified_gmt"}
        part, _ = await self._shop.listed("/wc/v3/orders", query, wire.Head)
        if not part.rows:
            if part.total:
                raise Unavailable(Reason("olhubd_woocommerce:none-shown"))
            return FeedCursor(_BEGINNING)
        last = max(head.date_modified_gmt for head in part.rows)
        ids = frozenset(head.id for head in part.rows if head.date_modified_gmt == last)
        return FeedCursor(last, ids, running=True)

    async def pull(self, cursor: Cursor) -> ListPart:
        """The rows after `cursor`."""
        mark = FeedCursor.of(cursor)
        tail = self._tails.get(cursor)
        seen = dict(tail.seen) if tail is not None else {}
        since = moment(mark.at) - (timedelta(seconds=1) if mark.running else self._overlap)
        if tail is not None and tail.floor is not None:
            since = max(since, tail.floor)
        query = {**_changed(since), "orderby": "modified", "order": "asc"}
        answers: list[Response] = []

        async def fetch(offset: int) -> ListPage[OrderRecord]:
            part, answer = await self._page(query, offset)
            answers[:] = [answer]
            return part

        held: dict[int, OrderRecord] = {}
        ordered = True
        async for portion in by_offset(fetch, _version):
            for row in portion.page:
                held.pop(row.head.id, None)  # a version that is newer comes after all
                held[row.head.id] = row
            rows = list(held.values())
            fresh = [r for r in rows if not _known(r, seen, mark)]
            if portion.end:
                # A plugin of the shop may take rows out of a page after they were counted.
                told = answers[0].dated if portion.complete else None
                return self._done(mark, cursor, rows, fresh, seen, told)
            times = [row.head.date_modified_gmt for row in portion.page if row.head.date_modified_gmt != _BEGINNING]
            ordered = _forward(times) and (ordered or portion.again)
            if fresh and times and times[-1] != times[0] and times[-1] == max(times):
                # Go on from the last second, whose rows may continue on the next page.
                last = times[-1]
                if not await self._all_came(since, last, rows, ordered):
                    continue
                ids = frozenset(r.head.id for r in rows if r.head.date_modified_gmt == last)
                self._remember(text := FeedCursor(last, ids, running=True).text(), rows, seen, last, None)
                return ListPart(fresh, text, more=True)
        raise Unavailable(Reason("olhubd_woocommerce:too-fast"))

    async def _all_came(self, since: datetime, last: str, rows: list[OrderRecord], ordered: bool) -> bool:
        """Whether `rows` are all that changed after `since` and not after `last`; `ordered` where nobody counts."""
        bounds = {**_changed(since), "modified_before": gmt(moment(last) + timedelta(seconds=1))}
        _, answer = await self._shop.fetch(
            "/wc/v3/orders", {**_ALL, **bounds, "per_page": 1, "_fields": "id"}, list[msgspec.Raw]
        )
        total = counted(answer)
        if total is None:
            return ordered
        return sum(row.head.date_modified_gmt <= last for row in rows) >= total

    def _done(
        self,
        mark: FeedCursor,
        cursor: Cursor,
        rows: list[OrderRecord],
        fresh: list[OrderRecord],
        seen: dict[int, str],
        told: datetime | None,
    ) -> ListPart:
        """`told` is the moment up to which this answer has surely brought everything, None when it has not."""
        last = max((r.head.date_modified_gmt for r in rows), default=mark.at)
        if last > mark.at:
            ids = frozenset(r.head.id for r in rows if r.head.date_modified_gmt == last)
            mark = FeedCursor(last, ids)
        else:
            mark = FeedCursor(mark.at, mark.ids | {r.head.id for r in rows if r.head.date_modified_gmt == mark.at})
        # Without news the cursor stays what it was, to the letter.
        text = mark.text() if fresh or FeedCursor.of(cursor).running is False else cursor
        floor = told - self._overlap if told is not None else None
        self._remember(text, rows, seen, mark.at, floor)
        return ListPart(fresh, text, more=False)

    def _remember(
        self, cursor: Cursor, rows: list[OrderRecord], seen: dict[int, str], at: str, floor: datetime | None
    ) -> None:
        low = gmt(moment(at) - self._overlap)
        seen = seen | {r.head.id: r.mark for r in rows}
        self._tails.pop(cursor, None)
        self._tails[cursor] = _Tail({i: when for i, when in seen.items() if when >= low}, floor)
        while len(self._tails) > _TAILS:
            del self._tails[next(iter(self._tails))]

    async def sweep(self, since: datetime, cursor: Cursor | None) -> ListPart:
        """All orders made since `since`, then all older ones changed since, by id.

        The first half does not lean on the date of change, which plugins that write past WooCommerce leave alone.
        The cursor is the half and the place in it. Where the list moves too fast, all starts again after a pause.
        """
        half, place = _swept(cursor)
        low = since - _MARGIN
        query = {"after": gmt(low), "dates_are_gmt": "true"} if half == "made" else _changed(low)
        part, _ = await self._page({**query, "orderby": "id", "order": "asc"}, place.offset)
        require_order((row.head.id if row.head.id > 0 else None for row in part.rows), "id")
        try:
            rows, then, complete = place.after(part, lambda row: str(row.head.id))
        except Unavailable as error:
            # Nothing goes on from this place, and a stored one that only fails would bar the sweep for good.
            return ListPart((), Cursor(""), more=False, failure=error)
        if half != "made":
            rows = [r for r in rows if (r.head.date_created_gmt or "") <= gmt(low)]
        if then is not None:
            return ListPart(rows, _swept_to(half, then), more=True)
        if not complete:
            self._shop.disagrees("/wc/v3/orders", place.rows + len(rows), part.total)
        if half == "made":
            return ListPart(rows, _swept_to("changed", ListPlace()), more=True)
        return ListPart(rows, Cursor(cursor or ""), more=False)

    async def count(self, since: datetime, until: datetime) -> int:
        """How many orders were made in that time, by the header that counts all pages."""
        drafts = 0
        with contextlib.suppress(Rejected):  # a shop without such drafts knows no such status
            drafts = await self._count(since, until, "checkout-draft")
        return await self._count(since, until, "any") - drafts

    async def _count(self, since: datetime, until: datetime, status: str) -> int:
        # Both bounds are left out by the shop, which keeps whole seconds.
        bounds = {"after": gmt(since - timedelta(seconds=1)), "before": gmt(until), "dates_are_gmt": "true"}
        _, answer = await self._shop.fetch(
            "/wc/v3/orders", {"status": status, **bounds, "per_page": 1, "_fields": "id"}, list[msgspec.Raw]
        )
        total = counted(answer)
        if total is None:
            raise ContractBroken("the answer does not tell how many orders there are", field="X-WP-Total")
        return total

    async def _page(self, query: Query, offset: int) -> tuple[ListPage[OrderRecord], Response]:
        asked = {**_ALL, **query, "_fields": FIELDS}
        part, answer = await self._shop.listed("/wc/v3/orders", asked, msgspec.Raw, offset)
        rows = [OrderRecord(_head(bytes(raw)), raw) for raw in part.rows]
        return ListPage(rows=rows, asked=part.asked, total=part.total), answer


def _version(row: OrderRecord) -> str:
    """What says where a row is in a list by its change: one that was saved again is elsewhere."""
    return f"{row.head.id}@{row.head.date_modified_gmt}"


def _forward(times: Sequence[str]) -> bool:
    """Whether the rows of a page come in the order of their change.

    A shop that keeps its orders as posts sorts by its local clock, which goes back by an hour each autumn. Such a
    page is read on from by its offset; one that goes back by more is in another order than was asked for.
    """
    latest, forward = _BEGINNING, True
    for at in times:
        if at < latest:
            forward = False
            if moment(latest) - moment(at) > _AUTUMN:
                require_order((latest, at), "date_modified_gmt")
        latest = max(latest, at)
    return forward


def _swept(cursor: Cursor | None) -> tuple[str, ListPlace]:
    """The half of a sweep, and the place in it."""
    half, _, rest = (cursor or "made|").partition("|")
    try:
        if rest.startswith("{"):
            return half, msgspec.json.decode(rest, type=ListPlace)
        offset, _, last = rest.partition("|")  # as it was written once
        return half, ListPlace(int(offset or 0), last or None)
    except (msgspec.MsgspecError, ValueError):
        raise ContractBroken(f"not a cursor of this sweep: {(cursor or '')[:40]!r}") from None


def _swept_to(half: str, place: ListPlace) -> Cursor:
    return Cursor(f"{half}|{msgspec.json.encode(place).decode()}")


def _head(raw: bytes) -> wire.Head:
    """What paging needs of a row. One without so much keeps its place by a number made up from its text, below all
    real ones, so that it is put aside by itself and its neighbours land."""
    try:
        head = decode(raw, wire.Head)
    except ContractBroken:
        try:
            return wire.Head(decode(raw, _Id).id)
        except ContractBroken:
            return wire.Head(-zlib.crc32(raw))
    try:
        moment(head.date_modified_gmt) - timedelta(days=365)  # as far as anybody looks back
    except (ValueError, OverflowError):
        return wire.Head(head.id, date_created_gmt=head.date_created_gmt)
    return head


def _known(row: OrderRecord, seen: Mapping[int, str], mark: FeedCursor) -> bool:
    """Whether this very version was delivered before.

    Of the cursor's own second only the numbers are stored, not the versions. Between two pages that must do. After
    a new start the rows of that second are delivered once more: one may have changed within it.
    """
    if (told := seen.get(row.head.id)) is not None:
        return told == row.mark
    return mark.running and row.head.id in mark.ids and row.head.date_modified_gmt == mark.at


_ALL: Mapping[str, Any] = {"status": "any"}
"""The defaults, said aloud: what a shop leaves out of its list by itself differs between releases."""


def _changed(since: datetime) -> Mapping[str, str]:
    return {"modified_after": gmt(since), "dates_are_gmt": "true"}
