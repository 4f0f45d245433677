"""One feed of an account: its cursor, its runs, and what is done when it fails.

Whose turn it is the poller decides; a feed that fails backs off by itself and is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.engine.calls import PluginFault
from olhubd.engine.feed.caught_up import caught_up
from olhubd.engine.feed.reading import OFF, PAGES, ReadingContext
from olhubd.engine.feed.reread import Rereader
from olhubd.engine.feed.run_log import words
from olhubd.engine.feed.schedule import jitter
from olhubd.engine.feed.sweeper import Sweeper
from olhubd.engine.flow.flow import UNASKED, Result
from olhubd.model import Reason, Run
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    ContractBroken,
    Cursor,
    Feed,
    Lane,
    OrderLookup,
    Page,
    Permanent,
    PluginError,
    Record,
    Temporary,
    sweep_of,
)
from olhubd.runtime.backoff import delay
from olhubd.store import FAILURES, LeaseLost, Transaction, feeds

__all__ = ["FeedFailure", "FeedReader"]


_WANTED = 10.0
"""Seconds between two readings of orders because something waits for them."""


class FeedFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Since when something cannot be read, and what was said of it last."""

    since: datetime
    reason: str


class FeedReader:
    """Reads one feed. The account's feed of orders `leads`: it is read to its end in one turn, any other page by
    page. `lookup` reads single orders again; those that another feed asks for the `leader` does."""

    def __init__(
        self,
        reading: ReadingContext,
        feed: Feed,
        lookup: OrderLookup | None = None,
        *,
        leads: bool = False,
        leader: FeedReader | None = None,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = feed.name
        self.kinds = feed.kinds
        self.lane = Lane.of(feed.kinds)
        self._leads, self._leader, self._heard = leads, leader, heard
        self._pace = reading.pace if leads else None
        self.trouble: FeedFailure | None = None
        """What keeps it from being read; None while it is."""
        self._reading = reading
        self._feed = feed
        self._clock = reading.clock
        self._acknowledges = type(feed).landed is not Feed.landed
        self._acknowledged: Cursor | None = None
        self._since = reading.started_at
        self._failures = 0
        self._next_pull = self._not_before = 0.0
        self._wanted_at = -_WANTED
        """When it was read last because something waited for it."""
        self._cursor: Cursor | None = None
        self._unfinished = False
        """Whether it has more to read at once."""
        self._soon = False
        """Whether something has happened that it is likely to report."""
        self._run: Run | None = None
        self._asked = UNASKED
        """When the page under way was asked for."""
        self._seen: set[Cursor] | None = None
        """The run under way and its cursors, between two turns."""
        sweep = sweep_of(feed)
        store = partial(self._store_beside, False)
        asked = lambda: self._asked  # noqa: E731
        self._sweeper = Sweeper(reading, feed.name, sweep, self._page, store, asked) if sweep is not None else None
        self._again = Rereader(reading, lookup, partial(self._store_beside, True))

    @property
    def _dated(self) -> bool:
        """Whether a person has set from when on orders are taken, perhaps after reading had begun."""
        return self._leads and self._reading.schedule.start_by_person

    @property
    def since(self) -> datetime:
        """Orders placed before are not imported."""
        return self._since

    @property
    def next_pull(self) -> datetime:
        """When it is read next."""
        left = self._next_pull - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=max(0.0, left))

    @property
    def shut(self) -> bool:
        """Whether the system asked to be left alone, and the time is not over."""
        return self._not_before > self._clock.monotonic()

    def look_up(self) -> None:
        """Somebody asked for single orders to be read again."""
        self._again.waiting = True

    def soon(self) -> None:
        """Something has happened that the feed is likely to report: it is read now, beside its timer."""
        self._soon = True

    def until(self) -> float:
        """Seconds until it is its turn."""
        now = self._clock.monotonic()
        if self._not_before > now:
            return self._not_before - now
        until_pull = self._next_pull - now
        if until_pull <= 0 or self._failures or (self._sweeper is not None and self._sweeper.put_off):
            return until_pull
        if self._unfinished or self._soon:
            return 0.0
        return until_pull if self._sweeper is None else min(until_pull, self._sweeper.until())

    # Its turn

    async def turn(
        self, trigger: str = "timer", ended: Callable[[Run], None] = lambda run: None, *, now: bool = False
    ) -> None:
        """Do what is due: the feed, then what is to be read again, then one page of a sweep; of a feed without
        orders one page at most. With `now` the feed is due. `ended` gets the run of the feed that ended well."""
        cursor = self._cursor if self._cursor is not None else await self._begin()
        if now or self._unfinished or self._soon or self._clock.monotonic() >= self._next_pull:
            try:
                await self._journal(cursor, trigger, ended)
            except (Temporary, AuthLost, AccountBlocked, LeaseLost, *FAILURES):
                raise
            except Exception:
                # A journal that is broken for good is what the sweep is there for.
                await self._sweep_page()
                raise
            if not self._leads:
                return
        await self._sweep_page()

    async def _journal(self, cursor: Cursor, trigger: str, ended: Callable[[Run], None]) -> None:
        beside = self._soon and not self._unfinished and self._clock.monotonic() < self._next_pull
        self._soon = False
        run = await self._pull(cursor, trigger)
        if run is not None:
            ended(run)
        if not self._unfinished:
            if trigger == "timer":
                if not beside:
                    self._plan()
            elif run is not None and run.added:
                # By hand does not move the timer, unless it brought orders, so that others are expected.
                self.expect_orders()
            # What the journal has not reported yet is no order that it missed.
            if self._leads and self._sweeper is not None and self._reading.divided():
                self._sweeper.want()
        await self._again.read()

    def worked(self) -> None:
        """Its turn went well."""
        if self._failures:
            self._reading.log.info("works again", account=self._reading.account, feed=self.name)
        self._failures, self.trouble = 0, None

    def failed(self, error: PluginError) -> None:
        """Its turn did not; it comes again when the system asked for it, else after a growing pause."""
        self._failures += 1
        if self._pace is not None:
            self._pace.rest()
        since = self.trouble.since if self.trouble is not None else self._clock.now()
        self.trouble = FeedFailure(since=since, reason=str(error))
        if isinstance(error, AuthLost | AccountBlocked):
            return  # a person must act
        interval = self._reading.schedule.interval.total_seconds()
        backoff = delay(self._failures + 1, 2.0, interval)
        if isinstance(error, Permanent) and not isinstance(error, PluginFault):
            backoff = interval
        self._next_pull = self._not_before if self._heed(error) else self._clock.monotonic() + jitter(backoff)
        if self._failures == 1:
            self._reading.log.warning(
                "cannot fetch", account=self._reading.account, feed=self.name, reason=str(error)
            )

    def break_off(self, reason: str) -> None:
        """There will be no reading that a person waits for."""

    def begin_anew(self) -> None:
        """What it failed by may be mended: it is its turn at once."""
        self._failures, self.trouble = 0, None
        self._next_pull = self._not_before = 0.0

    # The feed

    async def _begin(self, *, again: bool = False) -> Cursor:
        """Find where to go on, or where to begin; with `again` it begins in any case."""
        reading, sweeper = self._reading, self._sweeper
        known = await feeds.of_account(reading.database.reader, reading.account)
        position = known.get(self.name)
        if sweeper is not None:
            sweeper.resume(known.get(sweeper.name))
        if (
            position is not None
            and position.cursor is not None
            and not again
            and not (self._dated and position.since != reading.schedule.start)
        ):
            self._cursor, self._since = Cursor(position.cursor), position.since or reading.started_at
            return self._cursor
        start, began = reading.schedule.start, self._clock.monotonic()
        try:
            cursor: Cursor = await reading.calls.read(
                "start", partial(self._feed.start, start), str, limit=reading.patience()
            )
        except (AuthLost, AccountBlocked):
            raise  # which parks it, and that is reported
        except Exception as error:
            # An account that never worked would else have nothing to show for it.
            await reading.runs.end(await reading.runs.begin(reading.account, self.name, "timer"), words(error))
            raise
        now = self._clock.now()
        since = start if self._dated else None
        if start is None and (there := reading.there()) is not None:
            # By the source's own clock, where it says so: ours and its may be apart.
            since = min(reading.started_at, there - timedelta(seconds=self._clock.monotonic() - began))
        self._since = since or reading.started_at
        position = feeds.FeedPosition(
            account=reading.account, feed=self.name, cursor=cursor, moved_at=now, since=since
        )
        first = sweeper.first(start) if sweeper is not None else None

        async def work(tx: Transaction) -> None:
            await feeds.put(tx, position)
            if first is not None:
                await feeds.put(tx, first)

        await reading.database.write(work)
        self._cursor = cursor
        if sweeper is not None:
            sweeper.resume(first)
        reading.log.info(
            "begins", account=reading.account, feed=self.name, since=start.isoformat() if start else "now"
        )
        return cursor

    def _plan(self) -> None:
        wait = self._pace.after_pull() if self._pace is not None else None
        if not self._leads and self._reading.schedule.others is not None:
            wait = self._reading.schedule.others.total_seconds()
        self._next_pull = self._reading.schedule.pull_after(self._clock.monotonic(), wait)

    def want(self) -> None:
        """Something waits for what it reads: its turn comes at once where no interval is set, and so seldom."""
        if self._pace is None or self._failures or self.shut:
            return
        at = max(self._clock.monotonic(), self._wanted_at + _WANTED)
        if at < self._next_pull:
            self._next_pull = self._wanted_at = at

    def expect_orders(self) -> None:
        """Another pace may hold: its turn may come sooner than was planned, and never later."""
        if self._pace is not None and not self._failures and not self.shut:
            before = self._next_pull
            self._plan()
            self._next_pull = min(before, self._next_pull)

    async def _pull(self, cursor: Cursor, trigger: str) -> Run | None:
        """Read on from `cursor`; returns the run once it has ended."""
        reading = self._reading
        run = self._run or await reading.runs.begin(reading.account, self.name, trigger)
        seen = self._seen or {cursor}
        self._run, self._seen = None, None
        # News of orders are not put off: a feed that waited in vain is still read.
        places, pages = (reading.pulls, PAGES) if self._leads else (reading.sweeps, 1)
        self._unfinished = True
        try:
            await self._acknowledge(cursor)
            while self._unfinished and pages > 0:
                async with places.one() as mine:
                    if not mine and not self._leads:
                        break
                    page = await self._page("pull", partial(self._feed.pull, cursor), cursor)
                    run = await self._land(page, run)
                if page.records:
                    self._acknowledged = None  # the same cursor may cover more by now
                self._cursor = cursor = page.cursor
                await self._acknowledge(cursor)
                if page.failure is not None:
                    raise page.failure
                if page.more and cursor in seen:
                    raise ContractBroken(Reason("feed.circle", call="pull"))
                seen.add(cursor)
                self._unfinished = page.more
                pages -= 1
            if self._leads and not self._unfinished:
                await caught_up(reading.database, reading.lineage, reading.account)
                # Orders of before are not in the journal: none is known until the first sweep has brought them.
                importing = self._sweeper is not None and self._sweeper.importing
                if reading.horizon is not None and not self._again.waiting and not importing:
                    reading.horizon.reached(reading.account, self._asked)
                    if self._sweeper is None:
                        reading.horizon.swept(reading.account, self._asked)
            if not self._unfinished:
                run = await self._ending(run)
        except Exception as error:
            self._unfinished = False
            await reading.runs.end(run, words(error))
            raise
        if self._unfinished and not self._leads:
            self._run, self._seen = run, seen
            return None
        # Outside: all has landed, and an end that cannot be stored now is no failure of the run.
        return await reading.runs.end(run)

    async def _ending(self, run: Run) -> Run:
        """The run with what follows from having read to the end."""
        return run

    async def _page(self, what: str, call: Callable[[], Awaitable[Page]], before: Cursor | None) -> Page:
        """A page whose promises can be relied on."""
        if self._reading.horizon is not None:
            self._asked = await self._reading.horizon.asked(self._reading.account)
        try:
            page = await self._reading.calls.page(what, call, before, limit=self._reading.patience())
        except Temporary as error:
            self._heed(error)
            raise
        self._heed(page.failure)
        return page

    def _heed(self, failure: PluginError | None) -> bool:
        """Whether it asks to be left alone. That is remembered at once: a full disk may break off what follows."""
        if not isinstance(failure, Temporary) or failure.retry_after is None:
            return False
        least = min(1.0, self._reading.schedule.interval.total_seconds())
        self._not_before = self._clock.monotonic() + max(failure.retry_after, least)
        return True

    async def _acknowledge(self, cursor: Cursor) -> None:
        """Report to the feed what is stored, where it wants that: once a cursor, and once more at start."""
        if self._acknowledges and self._acknowledged != cursor:
            # Twice is once, so a call that hangs is no reason to send nothing more to the account.
            landed = partial(self._feed.landed, cursor)
            await self._reading.calls.read("landed", landed, limit=self._reading.patience())
            self._acknowledged = cursor

    async def _land(self, page: Page, run: Run) -> Run:
        position = self._moved(page)
        if not page.records and position is None:
            return run
        return run.plus((await self._store(True, page.records, run, position)).counts)

    def _moved(self, page: Page) -> feeds.FeedPosition | None:
        if page.cursor == self._cursor:
            return None
        reading = self._reading
        there = reading.schedule.start is None and self._since != reading.started_at
        since = self._since if there or self._dated else None
        return feeds.FeedPosition(
            account=reading.account, feed=self.name, cursor=page.cursor, moved_at=self._clock.now(), since=since
        )

    async def _store(
        self, told: bool, records: Sequence[Record], run: Run, position: feeds.FeedPosition | None = None
    ) -> Result:
        """Land them. What the feed itself `told` is new by its own mark, so no clock may talk it away lightly."""
        reading = self._reading
        start = self._since - OFF if told and reading.schedule.start is None else self._since
        unread, self._again.waiting = self._again.waiting, True  # as it is when the landing fails halfway
        result = await reading.landing.land(
            reading.account,
            records,
            kinds=self._feed.kinds,
            run=run,
            position=position,
            start=start,
            asked=self._asked,
        )
        self._again.waiting = unread or result.later > 0
        if result.later and self._leader is not None:
            self._leader.look_up()
        if self._leads:
            self._tell(result)
        return result

    async def _store_beside(
        self, told: bool, records: Sequence[Record], run: Run, position: feeds.FeedPosition | None = None
    ) -> Result:
        """Land what was not read in the journal's turn, so that the next one may come sooner for it."""
        result = await self._store(told, records, run, position)
        if self._leads and result.counts.added:
            self.expect_orders()
        return result

    def _tell(self, result: Result) -> None:
        """Orders that are new say the same by whichever way they came: a sweep is often before the journal."""
        if self._sweeper is not None and self._sweeper.importing:
            return  # of long ago
        if result.counts.added and self._pace is not None:
            self._pace.came()
        if result.counts.added or result.counts.changed:
            self._heard()

    async def _sweep_page(self) -> None:
        if self._sweeper is None:
            return
        since, horizon = await self._sweeper.page(), self._reading.horizon
        if self._leads and horizon is not None and self._sweeper.whole is not None and not self._again.waiting:
            horizon.swept(self._reading.account, self._sweeper.whole)
        if since is not None:
            await self._again.look_back(since)
