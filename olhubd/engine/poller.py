"""One account's reading: its journal by interval, what is to be read again, and the sweep that trusts nobody.

A single task does all three in turn, so that nothing of one account ever runs twice at one time. The journal goes
first, since a buyer's new order is worth more than a check of old ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.engine.again import Again
from olhubd.engine.batch import Result
from olhubd.engine.byhand import ByHand, Limited
from olhubd.engine.calls import Broken, Calls
from olhubd.engine.landing import Landing
from olhubd.engine.runlog import RunLog, counted, words
from olhubd.engine.schedule import Schedule, jitter
from olhubd.engine.turns import Turns
from olhubd.model import Order, Run
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    Clock,
    ContractBroken,
    Cursor,
    Log,
    OrderFeed,
    Page,
    Permanent,
    PluginError,
    Record,
    Temporary,
)
from olhubd.runtime.backoff import delay
from olhubd.runtime.supervisor import Pulse
from olhubd.store import FAILURES, Database, Transaction, feeds

__all__ = ["Limited", "Poller", "Trouble"]

JOURNAL = "orders"
SWEEP = "orders.sweep"
_LATE = timedelta(minutes=5)
"""What a sweep finds younger than this and an interval the journal may still tell."""
_BROKEN_OFF = "fetching was broken off"
_OFF = timedelta(minutes=5)
"""How far the clocks of two systems may be apart."""
_PAGES = 500
"""Pages in a row, after which other work of the account has its turn."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Since when an account cannot be read, and what was said of it last."""

    since: datetime
    reason: str


class Poller:
    """Reads the orders of one account. `fetch` starts a round by hand; `pause` and `resume` are for people."""

    def __init__(
        self,
        account: str,
        feed: OrderFeed,
        schedule: Schedule,
        *,
        calls: Calls,
        database: Database,
        landing: Landing,
        log_of_runs: RunLog,
        sweeps: Turns,
        pulls: Turns,
        clock: Clock,
        log: Log,
        started_at: datetime,
        there: Callable[[], datetime | None],
        lost: Callable[[PluginError], Awaitable[None]],
        recovered: Callable[[], None],
    ) -> None:
        self.account = account
        self._feed = feed
        self._schedule = schedule
        self._calls = calls
        self._database = database
        self._landing = landing
        self._runs = log_of_runs
        self._sweeps = sweeps
        self._pulls = pulls
        self._clock = clock
        self._log = log
        self._started_at = self._since = started_at
        self._there = there
        self._lost = lost
        self._recovered = recovered
        self._open = asyncio.Event()
        self._open.set()
        self._hand = ByHand(clock, schedule.manual_per_hour)
        self._wanted = asyncio.Event()
        self._over = False
        self._failures = 0
        self._not_before = 0.0
        self._next_pull = 0.0
        self._sweep: feeds.Position | None = None
        self._sweep_run: Run | None = None
        self._swept: set[str] = set()
        """The cursors of the sweep under way."""
        self._put_off = False
        """Whether a sweep is due that found too many others at it; it is tried again after the next pull."""
        self._cursor: Cursor | None = None
        self._unfinished = False
        """Whether the journal has more to tell at once."""
        self._pulse: Pulse | None = None
        self._again = Again(
            account,
            feed,
            calls,
            self._patience,
            partial(self._store, told=True),
            database=database,
            log_of_runs=log_of_runs,
            clock=clock,
        )
        self.next_run: datetime | None = None
        self.trouble: Trouble | None = None
        """What keeps its orders from being read; None while they are."""

    def pause(self) -> None:
        self._open.clear()

    @property
    def since(self) -> datetime:
        """Orders placed before are not imported."""
        return self._since

    def resume(self) -> None:
        self._failures = 0
        self.trouble = None  # what it was paused for may be mended
        self._not_before = self._next_pull = 0.0
        self._open.set()
        self._wanted.set()

    def end(self) -> None:
        """Its task has ended for good: nobody shall wait for it any more."""
        self._over = True
        self._hand.refuse(_BROKEN_OFF)

    def look_up(self) -> None:
        """Somebody asked for single orders to be read again."""
        self._again.waiting = True
        self._wanted.set()

    async def fetch(self) -> Run:
        """Pull now, or join the pull under way. Raises Limited where the system allows only so many an hour."""
        if self._over:
            raise PluginError(_BROKEN_OFF)
        asked = self._hand.ask()
        self._wanted.set()
        return await asyncio.shield(asked)

    def fetchable(self) -> None:
        """Raises Limited where `fetch` would."""
        self._hand.possible()

    async def run(self, pulse: Pulse) -> None:
        """Poll for ever."""
        self._pulse = pulse
        try:
            while True:
                if not self._open.is_set():
                    pulse.rest()
                    self._hand.refuse("the account is paused")
                    await self._open.wait()
                self._beat()
                if (left := self._not_before - self._clock.monotonic()) > 0 and self._hand.asked is None:
                    await self._rest(left)
                    continue
                try:
                    await self._round()
                    if self._failures:
                        self._log.info("works again", account=self.account)
                        self._failures = 0
                    self.trouble = None
                    self._recovered()
                except PluginError as error:
                    await self._failed(error)
                pause = self._pause()
                if pause > 0:
                    await self._rest(pause)
        finally:
            # Whoever asked must not wait for ever.
            self._hand.refuse(_BROKEN_OFF)

    def _beat(self) -> None:
        if self._pulse is not None:
            self._pulse.beat(self._schedule.page_limit * 2 + self._schedule.interval.total_seconds())

    async def _rest(self, pause: float) -> None:
        self._wanted.clear()
        if self._hand.asked is not None:
            return
        # Thousands of these at a time: an alarm is cheaper than a time-out, which cancels and raises.
        alarm = asyncio.get_running_loop().call_later(pause, self._wanted.set)
        try:
            await self._wanted.wait()
        finally:
            alarm.cancel()

    def _pause(self) -> float:
        now = self._clock.monotonic()
        until_pull = self._next_pull - now
        self.next_run = self._clock.now() + timedelta(seconds=max(0.0, until_pull))
        if self._failures or self._put_off:
            return until_pull
        if self._unfinished:
            return 0.0
        if self._sweep is not None and self._sweep.cursor is not None:
            return 0.0
        due_at = self._sweep.due_at if self._sweep is not None else None
        return min(until_pull, self._schedule.until_sweep(due_at, self._clock.now()))

    async def _failed(self, error: PluginError) -> None:
        self._failures += 1
        since = self.trouble.since if self.trouble is not None else self._clock.now()
        self.trouble = Trouble(since=since, reason=str(error))
        self._hand.refuse(str(error))
        if isinstance(error, AuthLost | AccountBlocked):
            self.pause()
            await self._lost(error)
            return
        interval = self._schedule.interval.total_seconds()
        asked = error.retry_after if isinstance(error, Temporary) else None
        if asked is not None:
            asked = max(asked, min(1.0, interval))
        backoff = delay(self._failures + 1, 2.0, interval)
        if isinstance(error, Permanent) and not isinstance(error, Broken):
            backoff = interval
        self._next_pull = self._clock.monotonic() + (asked or jitter(backoff))
        if self._failures == 1:
            self._log.warning("cannot fetch", account=self.account, reason=str(error))

    async def _round(self) -> None:
        """Do what is due: the journal, then what is to be read again, then one page of a sweep."""
        cursor = self._cursor if self._cursor is not None else await self._begin()
        now = self._clock.monotonic()
        if self._hand.asked is not None or self._unfinished or now >= self._next_pull:
            try:
                await self._journal(cursor)
            except (Temporary, AuthLost, AccountBlocked, *FAILURES):
                raise
            except Exception:
                # A journal that is broken for good is what the sweep is there for.
                await self._sweep_page()
                raise
        await self._sweep_page()

    async def _journal(self, cursor: Cursor) -> None:
        asked = self._hand.asked
        run = await self._pull(cursor, "timer" if asked is None else "manual")
        if asked is not None:
            self._hand.done(asked, run)
        elif not self._unfinished:
            # By hand does not move the timer.
            interval = jitter(self._schedule.interval.total_seconds())
            self._next_pull = self._clock.monotonic() + interval
        await self._again.read()

    async def _begin(self) -> Cursor:
        """Find where to go on, or where to begin."""
        known = await feeds.of_account(self._database.reader, self.account)
        journal = known.get(JOURNAL)
        self._sweep = known.get(SWEEP)
        if journal is not None and journal.cursor is not None:
            self._cursor, self._since = Cursor(journal.cursor), journal.since or self._started_at
            return self._cursor
        start, began = self._schedule.start, self._clock.monotonic()
        try:
            cursor: Cursor = await self._calls.read(
                "start", partial(self._feed.start, start), str, limit=self._patience()
            )
        except (AuthLost, AccountBlocked):
            raise  # which parks it, and that is told
        except Exception as error:
            # An account that never worked would else have nothing to show for it.
            await self._runs.end(self._runs.begin(self.account, JOURNAL, "timer"), words(error))
            raise
        now = self._clock.now()
        since = None
        if start is None and (there := self._there()) is not None:
            # By the source's own clock, where it tells: ours and its may be apart.
            since = min(self._started_at, there - timedelta(seconds=self._clock.monotonic() - began))
        self._since = since or self._started_at
        journal = feeds.Position(account=self.account, feed=JOURNAL, cursor=cursor, moved_at=now, since=since)
        # With a start in the past the first sweep fetches all since then, and it is due at once.
        first = now if start is not None else self._schedule.sweep_after(now)
        sweep = feeds.Position(
            account=self.account, feed=SWEEP, cursor=None, moved_at=now, due_at=first, since=start
        )

        async def work(tx: Transaction) -> None:
            await feeds.put(tx, journal)
            await feeds.put(tx, sweep)

        await self._database.write(work)
        self._cursor, self._sweep = cursor, sweep
        self._log.info("begins", account=self.account, since=start.isoformat() if start else "now")
        return cursor

    async def _pull(self, cursor: Cursor, trigger: str) -> Run:
        run = self._runs.begin(self.account, JOURNAL, trigger)
        seen = {cursor}
        self._unfinished = True
        try:
            while self._unfinished and len(seen) <= _PAGES:
                # News are not put off: whoever waited in vain goes all the same.
                async with self._pulls.one():
                    page = await self._page("pull", partial(self._feed.pull, cursor), cursor)
                    run = await self._land(page, run, self._moved(page))
                self._cursor = cursor = page.cursor
                if page.failure is not None:
                    raise page.failure
                if page.more and cursor in seen:
                    raise ContractBroken("pull: more is promised, and the cursor goes round in a circle")
                seen.add(cursor)
                self._unfinished = page.more
            if not self._unfinished:
                await self._landing.reached(self.account)
        except Exception as error:
            self._unfinished = False
            await self._runs.end(run, words(error))
            raise
        # Outside: all has landed, and an end that cannot be stored now is no failure of the run.
        return await self._runs.end(run)

    def _moved(self, page: Page) -> feeds.Position | None:
        if page.cursor == self._cursor:
            return None
        since = self._since if self._schedule.start is None and self._since != self._started_at else None
        now = self._clock.now()
        return feeds.Position(account=self.account, feed=JOURNAL, cursor=page.cursor, moved_at=now, since=since)

    async def _land(self, page: Page, run: Run, position: feeds.Position | None) -> Run:
        if not page.records and position is None:
            return run
        return counted(run, await self._store(page.records, run, position, told=True))

    async def _store(
        self, records: Sequence[Record], run: Run, position: feeds.Position | None = None, *, told: bool
    ) -> Result:
        """Land them. What the feed itself `told` is new by its own mark, so no clock may talk it away lightly."""
        start = self._since - _OFF if told and self._schedule.start is None else self._since
        unread, self._again.waiting = self._again.waiting, True  # as it is when the landing fails halfway
        result = await self._landing.land(self.account, records, run=run, position=position, start=start)
        self._again.waiting = unread or result.later > 0
        return result

    async def _page(self, what: str, call: Callable[[], Awaitable[Page]], before: Cursor | None) -> Page:
        try:
            page = await self._calls.page(what, call, before, limit=self._patience())
        except Temporary as error:
            self._heed(error)
            raise
        self._heed(page.failure)
        return page

    def _heed(self, failure: PluginError | None) -> None:
        """Remember at once for how long it asks to be left alone: a full disk may break off what follows."""
        if isinstance(failure, Temporary) and failure.retry_after is not None:
            self._not_before = self._clock.monotonic() + failure.retry_after

    def _patience(self) -> float:
        """A hanging server must not stop the loop, nor many pages make it look stuck."""
        self._beat()
        return self._schedule.page_limit

    async def _sweep_page(self) -> None:
        """Read one page of the sweep, if one is due or under way, and not too many other accounts are at theirs."""
        position = self._sweep
        now = self._clock.now()
        if position is None:
            position = feeds.Position(account=self.account, feed=SWEEP, cursor=None, moved_at=now, due_at=now)
        if position.cursor is None and self._schedule.until_sweep(position.due_at, now) > 0:
            self._sweep = position
            return
        async with self._sweeps.one() as mine:
            self._put_off = not mine
            if mine:
                await self._sweep_from(position, self._clock.now())

    async def _sweep_from(self, position: feeds.Position, now: datetime) -> None:
        # As far back as wanted, and as it takes to leave no gap where the last one is long ago.
        recent = min(now - self._schedule.sweep_window, position.moved_at - self._schedule.sweep_interval)
        since = position.since or recent
        # The one from a start in the past is not a check but the import itself, also when it was interrupted.
        first = position.since is not None and position.since == self._schedule.start
        run = self._sweep_run or self._runs.begin(self.account, SWEEP, "start" if first else "timer")
        try:
            before = Cursor(position.cursor) if position.cursor else None
            page = await self._page("sweep", partial(self._feed.sweep, since, before), before)
            self._swept = {*self._swept, str(before)} if before is not None else set()
            circle = page.more and page.cursor in self._swept
            ends = circle or (not page.more and page.failure is None)
            after = feeds.Position(
                account=self.account,
                feed=SWEEP,
                cursor=None if ends else page.cursor,
                moved_at=now,
                due_at=self._schedule.sweep_after(now),
                # A circle is an end from which nothing follows: the next sweep reads all of the same time again.
                since=None if ends and not circle else since,
            )
            result = await self._store(page.records, run, after, told=False)
            run = counted(run, result)
            if run.trigger == "timer":
                run = msgspec.structs.replace(run, missed=run.missed + self._missed(page, result, now))
            self._sweep, self._sweep_run = after, run
            if page.failure is not None:
                raise page.failure
            if circle:
                raise ContractBroken("sweep: more is promised, and the cursor goes round in a circle")
        except Exception as error:
            self._sweep_run = None
            await self._runs.end(run, words(error))
            raise
        if ends:
            self._sweep_run = None
            if run.missed:
                self._log.warning("the journal missed orders", account=self.account, orders=run.missed)
            await self._runs.end(run)
            await self._again.look_back(since)

    def _missed(self, page: Page, result: Result, now: datetime) -> int:
        """How many of a page's orders the journal should have told by now and did not."""
        told = now - self._schedule.interval - _LATE
        return sum(
            1
            for record in page.records
            if isinstance(record, Order)
            and record.external_id in result.fresh
            and (record.updated_at or record.placed_at) < told
        )
