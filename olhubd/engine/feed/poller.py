"""One account's reading: whose turn it is of its feeds, whether it may read at all, and who asked for it by hand.

A single task reads all feeds of an account, so that nothing of it ever runs twice at one time. Orders go first: a
buyer's new order is worth more than a list of anything else. So between two pages of another feed orders are read,
due or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from olhubd.engine.feed.manual import FetchRefused, ManualFetch
from olhubd.engine.feed.product_reader import ProductReader
from olhubd.engine.feed.reader import FeedFailure, FeedReader
from olhubd.engine.feed.reading import ReadingContext
from olhubd.model import Kind, Reason, Run
from olhubd.plugin import AccountBlocked, AuthLost, Feed, OrderLookup, PluginError, ProductFeed
from olhubd.plugin.budget import calling_for
from olhubd.runtime.supervisor import Heartbeat
from olhubd.runtime.wakeup import Wakeup
from olhubd.store import FAILURES, LeaseLost

__all__ = ["FeedFailure", "FetchRefused", "Poller"]

_BROKEN_OFF = Reason("fetch.broken-off")


class Poller:
    """Reads the feeds of one account. `fetch` reads its orders by hand; `pause` and `resume` are for people."""

    def __init__(
        self,
        reading: ReadingContext,
        feeds: Sequence[Feed],
        lookup: OrderLookup | None,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
        recovered: Callable[[], None],
        displaced: Callable[[], None],
    ) -> None:
        self.account = reading.account
        self._reading = reading
        self._lost = lost
        self._recovered = recovered
        self._displaced = displaced
        self._wakeup = Wakeup()
        first = next((feed for feed in feeds if Kind.ORDER in feed.kinds), None)
        self.orders = (
            FeedReader(reading, first, lookup, leads=True, heard=self._heard) if first is not None else None
        )
        """Who reads its orders; None where nobody does."""
        self.products: ProductReader | None = None
        """Who reads its products; None where nobody does."""
        self._others = [self._reader(feed) for feed in feeds if feed is not first]
        self._between = False
        """Whether a page of another feed was read since the last one of orders."""
        self._paused = False
        self._hand = ManualFetch(reading.clock, reading.schedule.manual_per_hour)
        self._begun = self._over = False

    def _reader(self, feed: Feed) -> FeedReader:
        if not isinstance(feed, ProductFeed):
            return FeedReader(self._reading, feed, leader=self.orders)
        rule, wake = self._reading.imports, self._wakeup.wake
        self.products = ProductReader(self._reading, feed, rule, leader=self.orders, wake=wake)
        return self.products

    @property
    def readers(self) -> Sequence[FeedReader]:
        """One for each feed, that of orders first."""
        return [*([self.orders] if self.orders is not None else []), *self._others]

    @property
    def next_run(self) -> datetime | None:
        """When its orders are read next; None before the first round, and where nobody reads them."""
        return self.orders.next_pull if self.orders is not None and self._begun else None

    @property
    def trouble(self) -> FeedFailure | None:
        """What keeps its orders from being read, else any other feed; None while all are."""
        for reader in self.readers:
            if (found := reader.trouble) is not None:
                if reader is self.orders:
                    return found
                return FeedFailure(since=found.since, reason=f"{reader.name}: {found.reason}")
        return None

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        for reader in self.readers:
            reader.begin_anew()  # what it was paused for may be mended
        self._paused = False
        self._wakeup.wake()

    def end(self) -> None:
        """Its task has ended for good: nobody shall wait for it any more."""
        self._over = True
        self._refuse(_BROKEN_OFF)

    def _refuse(self, reason: str) -> None:
        """Nobody must wait for what does not come."""
        self._hand.refuse(reason)
        if self.products is not None:
            self.products.break_off(reason)

    async def import_products(self, *, full: bool, accept_gone: bool) -> Run:
        """Read its products now, or join the import that somebody asked for. Raises FetchRefused."""
        if self._over or self.products is None:
            raise PluginError(_BROKEN_OFF)
        return await asyncio.shield(await self.products.request(full=full, accept_gone=accept_gone))

    def look_up(self) -> None:
        """Somebody asked for single orders to be read again."""
        if self.orders is not None:
            self.orders.look_up()
            self._wakeup.wake()

    def want_orders(self) -> None:
        """Something waits until its orders were read."""
        if self.orders is not None and self._begun:
            self.orders.want()
            self._wakeup.wake()

    def expect_orders(self) -> None:
        """More is known of when orders come."""
        if self.orders is not None and self._begun:
            self.orders.expect_orders()
            self._wakeup.wake()

    async def fetch(self) -> Run:
        """Pull now, or join the pull under way. Raises FetchRefused where the system limits that."""
        if self._over:
            raise PluginError(_BROKEN_OFF)
        asked = self._hand.ask()
        self._wakeup.wake()
        return await asyncio.shield(asked)

    def fetchable(self) -> None:
        """Raises FetchRefused where `fetch` would."""
        self._hand.possible()

    async def run(self, pulse: Heartbeat) -> None:
        """Poll for ever, or until another process has taken the account over, which is reported."""
        self._reading.pulse = pulse
        try:
            while True:
                if self._paused:
                    pulse.rest()
                    self._refuse(Reason("fetch.paused"))
                    while self._paused:
                        await self._wakeup.wait()
                self._reading.beat()
                await self._round()
                self._begun = True
                pause = min(reader.until() for reader in self.readers)
                if pause > 0 and self._hand.asked is None:
                    await self._wakeup.wait(pause)
        except LeaseLost:
            pulse.rest()
            self._refuse(Reason("account.taken-over"))
            self._displaced()
            await asyncio.Event().wait()  # until it is cancelled: restarted it would only fail again
        finally:
            # The caller must not wait for ever.
            self._refuse(_BROKEN_OFF)

    async def _round(self) -> None:
        """Read orders where they are due, then one page of another feed."""
        other = next((reader for reader in self._others if reader.until() <= 0), None)
        orders = self.orders
        if orders is not None:
            # One that fails has its own time, and the others are read without it.
            now = self._between and other is not None and orders.trouble is None and not orders.shut
            await self._orders(orders, now)
        if other is not None and not self._paused:
            self._between = True
            self._others.remove(other)
            self._others.append(other)  # the next one goes first then
            try:
                await self._turn(other, other.turn)
            except (*FAILURES, LeaseLost):
                raise
            except Exception as error:
                # No reason to restart the whole task, and later: orders would wait for it.
                self._reading.log.error(
                    "a feed cannot be landed", account=self.account, feed=other.name, exc_info=True
                )
                other.failed(PluginError(Reason("run.hub-failed", error=type(error).__name__)))

    async def _orders(self, orders: FeedReader, now: bool) -> None:
        asked = self._hand.asked
        if asked is None and not now and orders.until() > 0:
            return

        def ended(run: Run) -> None:
            self._between = False
            if asked is not None:
                self._hand.done(asked, run)

        trigger = "timer" if asked is None else "manual"
        await self._turn(orders, partial(orders.turn, trigger, ended, now=now or asked is not None))

    def _heard(self) -> None:
        """What was bought here, or given back, has moved the stock here, which channels sell too."""
        for reader in self._others:
            if Kind.STOCK in reader.kinds:
                reader.soon()

    async def _turn(self, reader: FeedReader, turn: Callable[[], Awaitable[None]]) -> None:
        try:
            with calling_for(reader.lane):
                await turn()
            reader.worked()
            if reader is self.orders or self.orders is None:
                self._recovered()
        except PluginError as error:
            reader.failed(error)
            if reader is self.orders:
                self._hand.refuse(str(error))
            if isinstance(error, AuthLost | AccountBlocked):
                self.pause()
                await self._lost(error)
