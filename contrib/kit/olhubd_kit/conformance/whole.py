"""Reading a feed of stock, offers or products whole, as the host does: what it reports, and its sweep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from olhubd.model import Kind
from olhubd.plugin import Cursor, Feed, Page, Record, Sweep, Unreadable, sweep_of
from olhubd_kit.aside import kind_of
from olhubd_kit.conformance.bench import AGE, Bench, FeedReading
from olhubd_kit.conformance.rule import NotApplicable, broken, check

__all__ = ["KindReading", "feed_of", "full_pass", "one_of"]

R = TypeVar("R")
Between = Callable[[Page], Awaitable[None]]


def feed_of(bench: Bench, kind: Kind) -> Feed:
    """The feed whose records are about such things."""
    feed = bench.connector.feed(kind)
    return feed if feed is not None else broken(f"it declares {kind.title()}Feed and has no feed of {kind}")


class KindReading:
    """What a feed has reported so far: the last record of each thing of one kind, by its id."""

    def __init__(self, bench: Bench, feed: Feed, kind: Kind, cursor: Cursor, more: Iterable[Kind] = ()) -> None:
        self._bench, self._feed, self._kind = bench, feed, kind
        self.cursor = cursor
        self.records: dict[str, Record] = {}
        self.others: dict[Kind, dict[str, Record]] = {one: {} for one in more}
        """The records of other kinds that the feed reports beside them."""

    @classmethod
    async def begun(cls, bench: Bench, kind: Kind, more: Iterable[Kind] = ()) -> KindReading:
        """At the start of the feed; nothing is read yet."""
        feed = feed_of(bench, kind)
        return cls(bench, feed, kind, await feed.start(None), more)

    async def go_on(self, between: Between | None = None) -> dict[str, Record]:
        """Read on to the feed's end; `between` comes after each page. What came this time."""
        self._bench.clock.advance(AGE.total_seconds())
        found = await self._bench.read(self._feed, self.cursor, between)
        self.cursor = found.cursor
        return self._keep(found.records)

    async def settle(self) -> None:
        """Read on, twice, and sweep where that is possible: by then all that happened must be known."""
        for _ in range(2):
            await self.go_on()
        if sweep_of(self._feed) is not None:
            self._keep((await full_pass(self._bench, self._feed)).records)

    def _keep(self, records: Sequence[Record]) -> dict[str, Record]:
        new = {one.external_id: one for one in records if kind_of(one, self._feed) == self._kind}
        self.records |= new
        for kind, known in self.others.items():
            known |= {one.external_id: one for one in records if kind_of(one, self._feed) == kind}
        return new


async def full_pass(bench: Bench, feed: Feed, between: Between | None = None) -> FeedReading:
    """One whole sweep of the feed."""
    sweep: Sweep | None = sweep_of(feed)
    if sweep is None:
        raise NotApplicable("what this feed reads cannot be swept", natural=True)
    begin, first = bench.long_ago, True

    async def pull(cursor: Cursor) -> Page:
        nonlocal first
        page = await sweep.sweep(begin, None if first else cursor)
        first = False
        if between is not None:
            await between(page)
        return page

    return await bench.walk(Cursor(""), pull)


def one_of(records: dict[str, Record], key: str, wanted: type[R]) -> R:
    """The record of this thing, which must have come as one that can be read."""
    found = records.get(key)
    check(found is not None, f"{wanted.__name__} {key} never came")
    said = f"as Unreadable: {found.reason}" if isinstance(found, Unreadable) else f"as {found!r:.80}"
    return found if isinstance(found, wanted) else broken(f"{wanted.__name__} {key} came {said}")
