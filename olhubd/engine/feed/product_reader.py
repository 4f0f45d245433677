"""Reading an account's products: what was changed, or all of it; by a timer, once a day, or when a person asks.

A reading of all begins the feed again, and what it does not have is gone. That is concluded at its end alone, by
the process that read all of it, and not where most of the catalogue would be gone: a source that answers with a
short list, or none, has not lost its products. A person who knows that it has says so.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from olhubd.decide.product_import import ImportRule, ProductImport, uses_the_day
from olhubd.engine.errors import NotPossible
from olhubd.engine.feed.manual import FetchRefused
from olhubd.engine.feed.reader import FeedFailure, FeedReader
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.flow.flow import Result
from olhubd.model import Kind, Product, Reason, Run, code_of
from olhubd.plugin import (
    ContractBroken,
    Cursor,
    Feed,
    Gone,
    Page,
    Permanent,
    PluginError,
    Record,
    Temporary,
    Unreadable,
)
from olhubd.plugin.guarded import UNNAMED
from olhubd.store import feeds, products, runs

__all__ = ["ImportStanding", "ProductReader"]

_ALL_EVERY = timedelta(days=1)
"""After which time all is read again where changes are read all the time."""
_ALL = "products.all"
"""The name under which it is stored when all was read last."""
_TOO_MANY = "products.too-many-gone"
_SHARE = 0.5
"""Of what is known, at most so much is taken for gone without a person's word."""
_FEW = 10
"""So few may be gone at once in any catalogue."""
_TRIES = 5
"""So often a reading of all that broke off goes on at one place, before it begins again."""
_STILL = 1800.0
"""Seconds without a page after which an import that is under way is reminded of like one that is not."""
_PAGE = 1000
_LANDED = 500


class ImportStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How the import of an account stands."""

    run: Run | None
    """The one under way, as far as it has come; None also before its first page."""
    under_way: bool
    due_since: datetime | None
    """When the day began on which none has gone well yet; None where one has."""
    remind_since: datetime | None
    """Since when a person is to be reminded of it; None where nobody is."""
    possible_at: datetime | None
    """When a person may ask for the next one; None for now."""
    all_read_at: datetime | None
    """When all was read last."""
    disbelieved: str | None
    """Why a reading of all waits for a person to say that so much is gone."""


class _Request(msgspec.Struct):
    """What a person asked for, and waits for."""

    full: bool
    accept_gone: bool
    answer: asyncio.Future[Run]


class _Listing:
    """Which products a reading of all has had so far."""

    def __init__(self) -> None:
        self._had = array("q")
        self.sure = True
        """Off where something came that could not be read so far as to know which product it is, and where the
        source counts more than came."""
        self.tries = 0
        """How often in a row it broke off where it stands."""

    def saw(self, records: Iterable[Record]) -> None:
        for one in records:
            if isinstance(one, Product) or (isinstance(one, Unreadable) and one.kind == Kind.PRODUCT):
                self._had.append(hash(one.external_id))
                self.sure = self.sure and not one.external_id.startswith(UNNAMED)

    def had(self) -> frozenset[int]:
        return frozenset(self._had)


class ProductReader(FeedReader):
    """Reads the feed of products of one account. `rule` says when; `request` is for people."""

    def __init__(
        self,
        reading: ReadingContext,
        feed: Feed,
        rule: Callable[[], ImportRule],
        *,
        leader: FeedReader | None,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(reading, feed, leader=leader)
        self._rule = rule
        self._wake = wake
        self._loaded = False
        self._request: _Request | None = None
        self._used: date | None = None
        """The last day on which no import is due any more."""
        self._all_at: datetime | None = None
        """When all was read last."""
        self._listing: _Listing | None = None
        self._landed_at: float | None = None
        """When the last page of an import landed, by the clock that never jumps."""
        self._broken_off = False
        """Whether the reading of all broke off by what passes, and goes on."""
        self._disbelieved: FeedFailure | None = None
        """Since when a reading of all waits for a person to say that so much is gone."""

    # Whose turn it is

    def until(self) -> float:
        """Seconds until it is its turn; never more than an interval, so that its task is known to live."""
        now, most = self._clock.monotonic(), self._reading.schedule.interval.total_seconds()
        if self._not_before > now:
            return self._not_before - now
        rule = self._rule()
        if self._failures and self._request is None:
            # Nobody but a person begins an import there, and who asked for the one that failed has heard it.
            return most if rule.mode is ProductImport.BY_HAND else max(0.0, self._next_pull - now)
        if self._unfinished or self._request is not None or not self._loaded:
            return 0.0
        if rule.mode is ProductImport.ALWAYS:
            return max(0.0, self._next_pull - now)
        if rule.mode is ProductImport.DAILY and self._used != rule.day(self._clock.now()):
            return 0.0
        return most

    async def turn(self, trigger: str = "timer", ended: object = None, *, now: bool = False) -> None:
        """Read a page of the import that is due or under way."""
        rule = self._rule()
        await self._load(rule)
        if not self._unfinished:
            if self._request is None and self.until() > 0:
                return
            await self._begin_import(rule)
        cursor = self._cursor if self._cursor is not None else await self._begin()
        run = await self._pull(cursor, self._trigger(rule))
        if run is not None:
            await self._ended(run, rule)

    def _trigger(self, rule: ImportRule) -> str:
        if self._request is not None:
            return "manual"
        return "daily" if rule.mode is ProductImport.DAILY else "timer"

    async def _begin_import(self, rule: ImportRule) -> None:
        """Begin with all of it, where that is wanted, or where nothing was read before."""
        now = self._clock.now()
        asked = self._request is not None and self._request.full
        timed = self._request is None and rule.mode is ProductImport.DAILY
        old = rule.mode is ProductImport.ALWAYS and (self._all_at is None or now - self._all_at >= _ALL_EVERY)
        broken_off, self._broken_off = self._broken_off, False
        if broken_off and self._request is None and self._cursor is not None:
            return
        self._listing = None
        if self._cursor is None:
            position = await feeds.get(self._reading.database.reader, self._reading.account, self.name)
            if position is not None and position.cursor is not None:
                self._cursor = Cursor(position.cursor)
        if asked or timed or old or self._cursor is None:
            self._listing = _Listing()
            self._cursor = None
            await self._begin(again=True)

    async def _ended(self, run: Run, rule: ImportRule) -> None:
        self._note(run, rule)
        self._next_pull = self._reading.schedule.pull_after(self._clock.monotonic())
        if self._request is not None and not self._request.answer.done():
            self._request.answer.set_result(run)
        self._request = None

    def _note(self, run: Run, rule: ImportRule) -> None:
        if uses_the_day(run, rule):
            day = rule.day(run.started_at)
            self._used = max(day, self._used or day)

    def failed(self, error: PluginError) -> None:
        super().failed(error)
        rule = self._rule()
        listing = self._listing
        if listing is not None:
            listing.tries += 1
        # What a person asked for is over: the next one who asks gets a reading of his own. A place at which it
        # breaks off again and again may be none any more.
        self._broken_off = (
            listing is not None
            and self._request is None
            and isinstance(error, Temporary)
            and listing.tries < _TRIES
        )
        if isinstance(error, Permanent) and rule.mode is ProductImport.DAILY:
            # It would fail the same way again, after a reading of all.
            self._used = rule.day(self._clock.now())
        self.break_off(str(error))

    def worked(self) -> None:
        super().worked()
        self.trouble = self._disbelieved

    def break_off(self, reason: str) -> None:
        if self._request is not None and not self._request.answer.done():
            self._request.answer.set_exception(PluginError(reason))
            self._request.answer.exception()  # the caller may have gone away
        self._request = None

    async def _load(self, rule: ImportRule) -> None:
        """Know what earlier processes did."""
        if self._loaded:
            return
        reader, account = self._reading.database.reader, self._reading.account
        begins = rule.begins(rule.day(self._clock.now()))
        for run in await runs.since(reader, account, self.name, begins):
            self._note(run, rule)
        position = await feeds.get(reader, account, _ALL)
        self._all_at = position.moved_at if position is not None else None
        if self._all_at is not None:
            for run in await runs.imports(reader, account=account):
                last = run.ended_at is not None and run.started_at <= self._all_at <= run.ended_at
                if last and run.error is not None and code_of(run.error) == _TOO_MANY:
                    self._disbelieved = FeedFailure(since=run.started_at, reason=run.error)
        self._loaded = True

    # What people ask for

    async def request(self, *, full: bool, accept_gone: bool) -> asyncio.Future[Run]:
        """What becomes of the import asked for; those who ask meanwhile wait for the same one. Raises FetchRefused
        where one was had on the same day and one is all that there may be."""
        rule = self._rule()
        await self._load(rule)
        if self._request is not None:
            return self._request.answer
        if self._unfinished:
            raise NotPossible(Reason("products.under-way", account=self._reading.account))
        self.possible()
        answer: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._request = _Request(full=full, accept_gone=accept_gone, answer=answer)
        self._wake()
        return answer

    def possible(self) -> None:
        """Raises FetchRefused where one more may not be asked for on this day."""
        rule, now = self._rule(), self._clock.now()
        if rule.once_a_day and self._used == rule.day(now):
            raise FetchRefused(
                rule.next_day(now), Reason("products.had-today", at=f"{rule.next_day(now):%Y-%m-%d %H:%M}")
            )

    async def standing(self) -> ImportStanding:
        """How it stands now."""
        rule, now = self._rule(), self._clock.now()
        await self._load(rule)
        day = rule.day(now)
        had, reminds = self._used == day, rule.reminds_from(day)
        under_way = self._unfinished or self._request is not None
        # A large catalogue may take hours: as long as pages come it is under way, and nobody need do anything.
        goes_on = under_way and self._landed_at is not None and self._clock.monotonic() - self._landed_at < _STILL
        return ImportStanding(
            run=self._run,
            under_way=under_way,
            due_since=None if had else rule.begins(day),
            remind_since=reminds if rule.remind and not had and reminds <= now and not goes_on else None,
            possible_at=rule.next_day(now) if had and rule.once_a_day else None,
            all_read_at=self._all_at,
            disbelieved=self._disbelieved.reason if self._disbelieved is not None else None,
        )

    # What a reading of all concludes

    async def _store(
        self, told: bool, records: Sequence[Record], run: Run, position: feeds.FeedPosition | None = None
    ) -> Result:
        if self._listing is not None:
            self._listing.saw(records)
        result = await super()._store(told, records, run, position)
        self._landed_at = self._clock.monotonic()
        return result

    async def _land(self, page: Page, run: Run) -> Run:
        listing = self._listing
        if listing is not None and not page.complete:
            listing.sure = False
            self._reading.log.warning(
                "the list ends before all came that its source counts: no product is taken for gone",
                account=self._reading.account,
                feed=self.name,
            )
        run = await super()._land(page, run)
        if listing is not None:
            listing.tries = 0
        return run

    async def _ending(self, run: Run) -> Run:
        """The run with what is gone, once all was read. Raises ContractBroken where that is not believed."""
        listing, self._listing = self._listing, None
        if listing is None:
            return run
        reading = self._reading
        known, gone = await self._missing(listing.had())
        accepted = self._request is not None and self._request.accept_gone
        if not listing.sure:
            gone = []
        if gone and not accepted and (len(gone) == known or len(gone) > max(_FEW, known * _SHARE)):
            why = Reason(_TOO_MANY, n=len(gone), known=known, account=reading.account)
            # It would be the same at once: changes are read on, and all of it again when it is due.
            await self._all_read()
            since = self._disbelieved.since if self._disbelieved is not None else self._clock.now()
            self._disbelieved = FeedFailure(since=since, reason=why)
            raise ContractBroken(why)
        for start in range(0, len(gone), _LANDED):
            some = [Gone(kind=Kind.PRODUCT, external_id=one) for one in gone[start : start + _LANDED]]
            run = run.plus((await super()._store(True, some, run)).counts)
        await self._all_read()
        self._disbelieved = None
        return run

    async def _all_read(self) -> None:
        """Remember that all was read now."""
        now, reading = self._clock.now(), self._reading
        position = feeds.FeedPosition(account=reading.account, feed=_ALL, cursor=None, moved_at=now)
        await reading.database.write(lambda tx: feeds.put(tx, position))
        self._all_at = now

    async def _missing(self, had: frozenset[int]) -> tuple[int, list[str]]:
        """How many products are known, and which of them were not listed."""
        known, last, gone = 0, 0, list[str]()
        while some := await products.numbers(self._reading.database.reader, self._reading.account, last, _PAGE):
            known, last = known + len(some), some[-1][0]
            gone += [external_id for _, external_id in some if hash(external_id) not in had]
        return known, gone
