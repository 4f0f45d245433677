"""The sweep of one feed: a second pass over the recent past, page by page, that trusts no journal.

A start in the past is fetched by the first sweep: it is not a check then but the import itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from olhubd.engine.feed.reading import LATE, ReadingContext
from olhubd.engine.feed.run_log import words
from olhubd.engine.flow.flow import Asked, Result
from olhubd.model import Reason, Run
from olhubd.plugin import ContractBroken, Cursor, Page, Record, Sweep
from olhubd.store import feeds

__all__ = ["Sweeper"]


class Sweeper:
    """Sweeps one feed. `page` reads a page, and `asked` says when; `store` lands what was read, with the position
    after it."""

    def __init__(
        self,
        reading: ReadingContext,
        name: str,
        sweep: Sweep,
        page: Callable[[str, Callable[[], Awaitable[Page]], Cursor | None], Awaitable[Page]],
        store: Callable[[Sequence[Record], Run, feeds.FeedPosition], Awaitable[Result]],
        asked: Callable[[], Asked],
    ) -> None:
        self.name = f"{name}.sweep"
        self._reading = reading
        self._sweep = sweep
        self._page = page
        self._store = store
        self._asked = asked
        self._position: feeds.FeedPosition | None = None
        self._run: Run | None = None
        self._seen: frozenset[str] = frozenset()
        """The cursors of the sweep under way."""
        self.began: Asked | None = None
        """When the first page of the sweep under way was asked for; None where an earlier process began it."""
        self.whole: Asked | None = None
        """The same of one that has ended with this turn, and of which every record landed."""
        self._wanted: bool | None = None
        """Whether one is wanted at once; None where nobody has asked for one."""
        self.put_off = False
        """Whether it is due and found too many others at theirs; it is tried again after the next pull."""

    def resume(self, position: feeds.FeedPosition | None) -> None:
        """Go on where it is stored to be."""
        self._position = position

    def first(self, since: datetime | None) -> feeds.FeedPosition:
        """Where it begins. With a start in the past it fetches all since then, and is due at once."""
        now = self._reading.clock.now()
        due_at = now if since is not None else self._reading.schedule.sweep_after(now)
        return feeds.FeedPosition(
            account=self._reading.account, feed=self.name, cursor=None, moved_at=now, due_at=due_at, since=since
        )

    @property
    def importing(self) -> bool:
        """Whether what was there before the account began has not been read whole yet."""
        since = self._position.since if self._position is not None else None
        return since is not None and since == self._reading.schedule.start

    def want(self) -> None:
        """Have one begin at once, unless this process has begun one that was wanted."""
        if self._wanted is None:
            self._wanted = True

    def until(self) -> float:
        """Seconds until a page of it is due."""
        if self._wanted:
            return 0.0
        if self._position is not None and self._position.cursor is not None:
            return 0.0
        due_at = self._position.due_at if self._position is not None else None
        return self._reading.schedule.until_sweep(due_at, self._reading.clock.now())

    async def page(self) -> datetime | None:
        """Read one page, if one is due or under way, and not too many other accounts are at theirs.

        Returns since when a sweep looked that has ended with it.
        """
        self.whole = None
        if self.until() > 0:
            return None
        async with self._reading.sweeps.one() as mine:
            self.put_off = not mine
            return await self._read() if mine else None

    async def _read(self) -> datetime | None:
        reading, schedule, now = self._reading, self._reading.schedule, self._reading.clock.now()
        position = self._position or self.first(None)
        # As far back as wanted, and as it takes to leave no gap where the last one is long ago.
        recent = min(now - schedule.sweep_window, position.moved_at - schedule.sweep_interval)
        since = position.since or recent
        # The one from a start in the past is not a check but the import itself, also when it was interrupted.
        run = self._run or await reading.runs.begin(
            reading.account, self.name, "start" if self.importing else "timer"
        )
        try:
            before = Cursor(position.cursor) if position.cursor else None
            page = await self._page("sweep", partial(self._sweep.sweep, since, before), before)
            self._seen = self._seen | {str(before)} if before is not None else frozenset()
            if before is None:
                self.began, self._wanted = self._asked(), False if self._wanted else None
            circle = page.more and page.cursor in self._seen
            ends = circle or (not page.more and page.failure is None)
            after = feeds.FeedPosition(
                account=reading.account,
                feed=self.name,
                cursor=None if ends else page.cursor,
                moved_at=now,
                due_at=schedule.sweep_after(now),
                # A circle is an end from which nothing follows: the next sweep reads all of the same time again.
                since=None if ends and not circle else since,
            )
            result = await self._store(page.records, run, after)
            run = run.plus(result.counts)
            if run.trigger == "timer":
                run = msgspec.structs.replace(run, missed=run.missed + self._missed(result, now))
            self._position, self._run = after, run
            if page.failure is not None:
                raise page.failure
            if circle:
                raise ContractBroken(Reason("feed.circle", call="sweep"))
        except Exception as error:
            self._run = None
            await reading.runs.end(run, words(error))
            raise
        if not ends:
            return None
        self._run = None
        # What was put aside was sold all the same, and is not known to be.
        self.whole, self.began = None if circle or run.quarantined else self.began, None
        if run.missed:
            reading.log.warning("the journal missed orders", account=reading.account, orders=run.missed)
        await reading.runs.end(run)
        return since

    def _missed(self, result: Result, now: datetime) -> int:
        """How many of a page's records the journal should have reported by now and did not."""
        told = now - self._reading.schedule.interval - LATE
        return sum(changed_at < told for changed_at in result.fresh)
