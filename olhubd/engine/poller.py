"""One account's reading: its journal by interval, what is to be read again, and the sweep that trusts nobody.

A single task does all three in turn, so that nothing of one account ever runs twice at one time. The journal goes
first, since a buyer's new order is worth more than a check of old ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from olhubd.engine.batch import Result
from olhubd.engine.landing import Landing
from olhubd.engine.runlog import RunLog
from olhubd.engine.schedule import Schedule, jitter
from olhubd.engine.supervisor import Pulse
from olhubd.engine.turns import Turns
from olhubd.model import Order, Run
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    Clock,
    Cursor,
    Later,
    Log,
    OrderFeed,
    OrderLookup,
    Page,
    Permanent,
    PluginError,
    Record,
    Temporary,
)
from olhubd.store import FAILURES, TROUBLE, Database, Transaction, feeds, lookups

__all__ = ["Limited", "Poller"]

T = TypeVar("T")

JOURNAL = "orders"
SWEEP = "orders.sweep"
_LATE = timedelta(minutes=5)
"""What a sweep finds younger than this and an interval the journal may still tell."""
_ASIDE = 900.0
"""Seconds until an order is asked for again that could not be read."""
_TRIES = 10
"""So often in vain, and an order is left to the journal and the sweep."""
_BROKEN_OFF = "fetching was broken off"


class Limited(Exception):
    """Fetching by hand was used up; `again_at` is when it is possible again."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"fetching by hand is possible again at {again_at:%H:%M:%S} UTC")
        self.again_at = again_at


class Poller:
    """Reads the orders of one account. `fetch` starts a round by hand; `pause` and `resume` are for people."""

    def __init__(
        self,
        account: str,
        feed: OrderFeed,
        schedule: Schedule,
        *,
        database: Database,
        landing: Landing,
        log_of_runs: RunLog,
        sweeps: Turns,
        pulls: Turns,
        clock: Clock,
        log: Log,
        started_at: datetime,
        lost: Callable[[PluginError], Awaitable[None]],
        recovered: Callable[[], None],
    ) -> None:
        self.account = account
        self._feed = feed
        self._schedule = schedule
        self._database = database
        self._landing = landing
        self._runs = log_of_runs
        self._sweeps = sweeps
        self._pulls = pulls
        self._clock = clock
        self._log = log
        self._started_at = started_at
        self._lost = lost
        self._recovered = recovered
        self._open = asyncio.Event()
        self._open.set()
        self._asked: asyncio.Future[Run] | None = None
        self._wanted = asyncio.Event()
        self._manual: deque[datetime] = deque()
        self._over = False
        self._failures = 0
        self._next_pull = 0.0
        self._sweep: feeds.Position | None = None
        self._sweep_run: Run | None = None
        self._put_off = False
        """Whether a sweep is due that found too many others at it; it is tried again after the next pull."""
        self._cursor: Cursor | None = None
        self._pulse: Pulse | None = None
        self._unread = True
        """Whether orders may wait to be read again; others say so by `look_up`."""
        self.next_run: datetime | None = None

    def pause(self) -> None:
        self._open.clear()

    @property
    def since(self) -> datetime:
        """Orders placed before are not imported."""
        return self._started_at

    def resume(self) -> None:
        self._failures = 0
        self._next_pull = 0.0
        self._open.set()
        self._wanted.set()

    def end(self) -> None:
        """Its task has ended for good: nobody shall wait for it any more."""
        self._over = True
        self._refuse(_BROKEN_OFF)

    def look_up(self) -> None:
        """Somebody asked for single orders to be read again."""
        self._unread = True
        self._wanted.set()

    async def fetch(self) -> Run:
        """Pull now, or join the pull under way. Raises Limited where the system allows only so many an hour."""
        if self._over:
            raise PluginError(_BROKEN_OFF)
        if self._asked is None:
            self.fetchable()
            if self._schedule.manual_per_hour is not None:
                self._manual.append(self._clock.now())
            self._asked = asyncio.get_running_loop().create_future()
            self._wanted.set()
        return await asyncio.shield(self._asked)

    def fetchable(self) -> None:
        """Raises Limited where `fetch` would."""
        limit = self._schedule.manual_per_hour
        if limit is None or self._asked is not None:
            return
        now = self._clock.now()
        while self._manual and now - self._manual[0] >= timedelta(hours=1):
            self._manual.popleft()
        if len(self._manual) >= limit:
            raise Limited(self._manual[0] + timedelta(hours=1))

    async def run(self, pulse: Pulse) -> None:
        """Poll for ever."""
        self._pulse = pulse
        try:
            while True:
                if not self._open.is_set():
                    pulse.rest()
                    self._refuse("the account is paused")
                    await self._open.wait()
                self._beat()
                try:
                    await self._round()
                    if self._failures:
                        self._log.info("works again", account=self.account)
                        self._failures = 0
                    self._recovered()
                except PluginError as error:
                    await self._failed(error)
                pause = self._pause()
                if pause > 0:
                    await self._rest(pause)
        finally:
            # Whoever asked must not wait for ever.
            self._refuse(_BROKEN_OFF)

    def _beat(self) -> None:
        if self._pulse is not None:
            self._pulse.beat(self._schedule.page_limit * 2 + self._schedule.interval.total_seconds())

    async def _rest(self, pause: float) -> None:
        self._wanted.clear()
        if self._asked is not None:
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
        if self._sweep is not None and self._sweep.cursor is not None:
            return 0.0
        due_at = self._sweep.due_at if self._sweep is not None else None
        return min(until_pull, self._schedule.until_sweep(due_at, self._clock.now()))

    async def _failed(self, error: PluginError) -> None:
        self._failures += 1
        self._refuse(str(error))
        if isinstance(error, AuthLost | AccountBlocked):
            self.pause()
            await self._lost(error)
            return
        interval = self._schedule.interval.total_seconds()
        asked = error.retry_after if isinstance(error, Temporary) else None
        backoff = min(interval, 2.0 * 2.0 ** min(self._failures, 10))
        if isinstance(error, Permanent):
            backoff = interval
        self._next_pull = self._clock.monotonic() + (asked or jitter(backoff))
        if self._failures == 1:
            self._log.warning("cannot fetch", account=self.account, reason=str(error))

    def _refuse(self, reason: str) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(PluginError(reason))
            # Whoever asked may have gone away.
            self._asked.exception()
        self._asked = None

    async def _round(self) -> None:
        """Do what is due: the journal, then what is to be read again, then one page of a sweep."""
        cursor = self._cursor if self._cursor is not None else await self._begin()
        now = self._clock.monotonic()
        if self._asked is not None or now >= self._next_pull:
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
        asked = self._asked
        run = await self._pull(cursor, "timer" if asked is None else "manual")
        if asked is not None:
            asked.set_result(run)
            self._asked = None
        else:
            # By hand does not move the timer.
            interval = jitter(self._schedule.interval.total_seconds())
            self._next_pull = self._clock.monotonic() + interval
        await self._read_again()

    async def _begin(self) -> Cursor:
        """Find where to go on, or where to begin."""
        known = await feeds.of_account(self._database.reader, self.account)
        journal = known.get(JOURNAL)
        self._sweep = known.get(SWEEP)
        if journal is not None and journal.cursor is not None:
            self._cursor = Cursor(journal.cursor)
            return self._cursor
        start = self._schedule.start
        cursor = await self._limited(self._feed.start(start))
        now = self._clock.now()
        journal = feeds.Position(account=self.account, feed=JOURNAL, cursor=cursor, moved_at=now)
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
        more = True
        try:
            while more:
                # News are not put off: whoever waited in vain goes all the same.
                async with self._pulls.one():
                    page = await self._limited(self._feed.pull(cursor))
                    run = await self._land(page, run, self._moved(page))
                self._cursor = cursor = page.cursor
                if page.failure is not None:
                    raise page.failure
                more = page.more
        except Exception as error:
            await self._runs.end(run, _words(error))
            raise
        # Outside: all has landed, and an end that cannot be stored now is no failure of the run.
        return await self._runs.end(run)

    def _moved(self, page: Page) -> feeds.Position | None:
        if page.cursor == self._cursor:
            return None
        return feeds.Position(account=self.account, feed=JOURNAL, cursor=page.cursor, moved_at=self._clock.now())

    async def _land(self, page: Page, run: Run, position: feeds.Position | None) -> Run:
        if not page.records and position is None:
            return run
        return _counted(run, await self._store(page.records, run, position))

    async def _store(self, records: Sequence[Record], run: Run, position: feeds.Position | None = None) -> Result:
        unread, self._unread = self._unread, True  # as it is when the landing fails halfway
        result = await self._landing.land(self.account, records, run=run, position=position, start=self._started_at)
        self._unread = unread or result.later > 0
        return result

    async def _limited(self, reading: Awaitable[T]) -> T:
        """A hanging server must not stop the loop, nor many pages make it look stuck."""
        self._beat()
        try:
            async with asyncio.timeout(self._schedule.page_limit):
                return await reading
        except TimeoutError:
            raise Temporary(f"no answer within {self._schedule.page_limit:g} s") from None

    async def _read_again(self) -> None:
        """Read single orders whose source said something else than it had announced."""
        if not self._unread or not isinstance(self._feed, OrderLookup):
            return
        waiting = await lookups.due(self._database.reader, self.account, self._clock.now())
        if not waiting:
            self._unread = await lookups.waiting(self._database.reader, self.account)
            return
        run = self._runs.begin(self.account, "orders.again", "timer")
        records: list[Record] = []
        settled: list[lookups.Lookup] = []
        failure: PluginError | None = None
        for wish in waiting:
            try:
                record = await self._limited(self._feed.read_order(wish.external_id))
            except (AuthLost, AccountBlocked) as error:
                failure = error
                break
            except PluginError as error:
                # Put off: one order that cannot be read must not be in the way of all behind it.
                record = Later(external_id=wish.external_id, seconds=_ASIDE, reason=str(error))
                failure = error if isinstance(error, Temporary) else None
            hopeless = isinstance(record, Later) and wish.tries >= _TRIES and failure is None
            if hopeless or not isinstance(record, Later):
                settled.append(wish)
            if not hopeless:
                records.append(record)
            if failure is not None:
                break

        async def work(tx: Transaction) -> None:
            await lookups.forget(tx, self.account, settled)

        result = await self._store(records, run)
        await self._database.write(work)
        await self._runs.end(_counted(run, result), None if failure is None else _words(failure))
        if failure is not None:
            raise failure

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
            page = await self._limited(
                self._feed.sweep(since, Cursor(position.cursor) if position.cursor else None)
            )
            ends = not page.more and page.failure is None
            after = feeds.Position(
                account=self.account,
                feed=SWEEP,
                cursor=None if ends else page.cursor,
                moved_at=now,
                due_at=self._schedule.sweep_after(now),
                since=None if ends else since,
            )
            result = await self._store(page.records, run, after)
            run = _counted(run, result)
            if run.trigger == "timer":
                run = msgspec.structs.replace(run, missed=run.missed + self._missed(page, result, now))
            self._sweep, self._sweep_run = after, run
            if page.failure is not None:
                raise page.failure
        except Exception as error:
            self._sweep_run = None
            await self._runs.end(run, _words(error))
            raise
        if ends:
            self._sweep_run = None
            if run.missed:
                self._log.warning("the journal missed orders", account=self.account, orders=run.missed)
            await self._runs.end(run)

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


def _counted(run: Run, result: Result) -> Run:
    return msgspec.structs.replace(
        run,
        seen=run.seen + result.seen,
        added=run.added + result.added,
        changed=run.changed + result.changed,
        quarantined=run.quarantined + result.quarantined,
    )


def _words(error: Exception) -> str:
    """What a person may read of a failure; only plugin errors promise to hold nothing secret."""
    if isinstance(error, TROUBLE):
        return f"the database cannot be used: {error}"
    return str(error) if isinstance(error, PluginError) else f"the connector failed: {type(error).__name__}"
