"""Feeds that lose, hide or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from olhubd.model import Order
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    ContractBroken,
    Cursor,
    Forbidden,
    Gone,
    NotFound,
    Page,
    RateLimited,
    Record,
    Temporary,
    Unavailable,
    Unreadable,
)
from tests.kit.broken.good import GoodFeed, breaks


@breaks("FEED-05", "FEED-06", "FEED-14")
class LosesThePageBorder(GoodFeed):
    """Goes on one place too far after each full page."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        return replace(page, cursor=Cursor(str(int(page.cursor) + 1))) if page.more else page


@breaks("FEED-05", "FEED-06", "SWEEP-03", "FEED-14", "SWEEP-06", "SWEEP-07")
class ReadsOnePage(GoodFeed):
    """Takes the first page for the whole."""

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        page = await super()._page(path, query)
        if page.more:
            end = str(await self.http.get("/position", int))
            return replace(page, more=False, cursor=Cursor(end))
        return page


@breaks("FEED-07", "FEED-08")
class MovesTheCursorEarly(GoodFeed):
    """Reads each order by itself and goes on when that fails."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        records: list[Record] = []
        for told in page.records:
            try:
                records.append(await self.read_order(told.external_id))
            except Temporary:
                self.log.warning("order skipped", order=told.external_id)
        return replace(page, records=records)


@breaks("FEED-03", "FEED-12")
class NeverRests(GoodFeed):
    """Gives a new cursor though nothing happened."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        return page if page.records else replace(page, cursor=Cursor(f"0{page.cursor}"))


@breaks("FEED-02")
class BeginsWithTheFlood(GoodFeed):
    """Brings all old orders where only new ones were asked for."""

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")


@breaks("FEED-04", "FEED-07", "FEED-08")
class RemembersWhatItTold(GoodFeed):
    """Never tells the same twice: what a crash lost is lost for ever."""

    told: frozenset[str] = frozenset()

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        fresh = [record for record in page.records if f"{record}" not in self.told]
        self.told |= {f"{record}" for record in page.records}
        return replace(page, records=fresh)


@breaks("FEED-09", "SWEEP-05", "ORDER-09", "FEED-13", "FEED-16", "FEED-18", "MERGE-02", "ORDER-13")
class TellsOnlyOpenOrders(GoodFeed):
    """Leaves out whatever is not ready, so a cancelling is never seen."""

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        page = await super()._page(path, query)
        kept: Sequence[Record] = [
            record
            for record in page.records
            if isinstance(record, Unreadable) or getattr(record, "external_stage", "ready") == "ready"
        ]
        return replace(page, records=kept)


class Changed(msgspec.Struct):
    changed: datetime


@breaks("FEED-18")
class KnowsTheLastInstantByNumbers(GoodFeed):
    """Keeps in its cursor which orders changed at the last instant, and not what they were then."""

    async def pull(self, cursor: Cursor) -> Page:
        place, _, told = cursor.partition("|")
        page = await super().pull(Cursor(place))
        if not page.records:
            return replace(page, cursor=cursor)
        times = {
            one.external_id: (await self.http.get(f"/orders/{one.external_id}", Changed)).changed
            for one in page.records
        }
        fresh = [
            one for one in page.records if f"{one.external_id}@{times[one.external_id]}" not in told.split(",")
        ]
        last = max(times.values())
        ids = ",".join(f"{id_}@{at}" for id_, at in times.items() if at == last)
        return replace(page, records=fresh, cursor=Cursor(f"{page.cursor}|{ids}"))


@breaks("FEED-10")
class FallsOverOneBadOrder(GoodFeed):
    """Lets one unreadable order stop the whole feed."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        if any(isinstance(record, Unreadable) for record in page.records):
            raise ContractBroken("an order cannot be read")
        return page


@breaks("SWEEP-02")
class SweepsWithTheJournal(GoodFeed):
    """Its second pass asks the same source as the first."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._page("/journal", {"after": cursor or "0"})


@breaks("FAIL-01")
class SwallowsTheRefusal(GoodFeed):
    """Takes a refused key for "no orders"."""

    async def pull(self, cursor: Cursor) -> Page:
        try:
            return await super().pull(cursor)
        except AuthLost:
            return Page(records=(), cursor=cursor)


@breaks("FAIL-10")
class TakesItForABlock(GoodFeed):
    """Switches the account off by an answer that it does not know."""

    async def pull(self, cursor: Cursor) -> Page:
        try:
            return await super().pull(cursor)
        except Forbidden as error:
            raise AccountBlocked(str(error)) from None


@breaks("FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10", "FEED-08")
class SwallowsFailures(GoodFeed):
    """Takes a failing server for "no orders"."""

    async def pull(self, cursor: Cursor) -> Page:
        try:
            return await super().pull(cursor)
        except Temporary:
            return Page(records=(), cursor=cursor)


@breaks("FAIL-02")
class ForgetsRetryAfter(GoodFeed):
    """Throws away for how long the server asked to wait."""

    async def pull(self, cursor: Cursor) -> Page:
        try:
            return await super().pull(cursor)
        except RateLimited as error:
            raise RateLimited(str(error)) from None


@breaks(
    *("FEED-01", "FEED-02", "FEED-05", "FEED-06", "FEED-07", "FEED-08", "FEED-09", "FEED-10", "FEED-11"),
    *("ORDER-07", "ORDER-08", "ORDER-09", "READ-04", "FEED-12", "FEED-13", "FEED-14", "FEED-15", "FEED-16"),
    *("MERGE-01", "FEED-17"),
)
class SkipsTheNewest(GoodFeed):
    """Leaves the last order of each page for a next time that never comes."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        return replace(page, records=page.records[:-1])


@breaks("FEED-11")
class ForgetsWhereItBegan(GoodFeed):
    """Begins beyond the end when it shall begin in the past."""

    async def start(self, since: datetime | None) -> Cursor:
        cursor = await super().start(None)
        return cursor if since is None else Cursor(str(int(cursor) + 1000))


@breaks("SWEEP-01", "SWEEP-02", "SWEEP-03", "SWEEP-04", "SWEEP-05", "FEED-15", "MERGE-01", "SWEEP-06", "SWEEP-07")
class NeverSweeps(GoodFeed):
    """Calls, and then says that there was nothing."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().sweep(since, cursor)
        return replace(page, records=(), more=False)


@breaks("SWEEP-04", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10")
class SweepsUnderTheCarpet(GoodFeed):
    """Ends a sweep where it fails, as if it were done."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        try:
            return await super().sweep(since, cursor)
        except Temporary:
            return Page(records=(), cursor=cursor or Cursor("0"))


@breaks("FAIL-06")
class TakesHtmlForNothing(GoodFeed):
    """Reads a page for people as an empty one."""

    async def pull(self, cursor: Cursor) -> Page:
        try:
            return await super().pull(cursor)
        except Unavailable as error:
            if error.status != 200:
                raise
            return Page(records=(), cursor=cursor)


@breaks("FAIL-08")
class LooksAtTheBodyItself(GoodFeed):
    """Knows JSON by its first byte."""

    async def read_order(self, external_id: str) -> Record:
        answer = await self.http.request("GET", "/skus")
        if answer.body[:1] != b"[":
            raise Unavailable("a page instead of an answer")
        return await super().read_order(external_id)


@breaks("FAIL-07")
class TakesAPageForGone(GoodFeed):
    """Takes anybody's 404 for the shop's word about the order."""

    async def read_order(self, external_id: str) -> Record:
        try:
            return await super().read_order(external_id)
        except Unavailable as error:
            if error.status != 404:
                raise
            return Gone(external_id=external_id)


@breaks("READ-02")
class StumblesOverTheGone(GoodFeed):
    """Makes an error of an order that is not there."""

    async def read_order(self, external_id: str) -> Record:
        record = await super().read_order(external_id)
        if isinstance(record, Gone):
            raise NotFound("no such order")
        return record


@breaks("READ-03", "READ-04")
class ReadsInItsOwnWay(GoodFeed):
    """Tells less of an order that is looked up, and nothing of one that it cannot read."""

    async def read_order(self, external_id: str) -> Record:
        record = await super().read_order(external_id)
        if isinstance(record, Unreadable):
            raise ContractBroken(record.reason)
        return replace(record, buyer_note="?") if isinstance(record, Order) else record
