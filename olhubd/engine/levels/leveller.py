"""The quantities of one channel at work: one leveller an account, so that a slow channel holds back nobody else.

A turn follows the marks of changed stock (`wanted`), settles what was sent and reads back what has settled
(`settlement`), and sends what is to be shown otherwise (`submission`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from olhubd.decide.stock.exposure import forgotten
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.levels.channel import FIRST_PAUSE, LAST_PAUSE, SalesChannel
from olhubd.engine.levels.renewing import renew
from olhubd.engine.levels.settlement import LevelSettlement
from olhubd.engine.levels.submission import LevelSubmission
from olhubd.engine.levels.terms import Terms
from olhubd.model import OfferTerms
from olhubd.plugin import AccountBlocked, AuthLost, PluginError, Temporary
from olhubd.runtime.backoff import delay
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Transaction, levels, stock_items

__all__ = ["Leveller"]

_LONGEST_SLEEP = 30.0
_MARKS = 500


class Leveller:
    """Keeps the offers of one account at what they must show. `wake` it when that may have changed."""

    def __init__(
        self,
        channel: SalesChannel,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
        make_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        terms: Terms | None = None,
    ) -> None:
        self._channel = channel
        self._settlement = LevelSettlement(channel)
        self._terms = terms or Terms(channel)
        self._submission = LevelSubmission(channel, self._settlement, self._terms, make_id)
        self._lost = lost
        self._news = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._failures = 0
        self._not_before = 0.0

    @property
    def waiting(self) -> bool:
        """Whether a raise waits until the orders were read."""
        return self._submission.waiting

    @property
    def resumes(self) -> bool:
        """Whether the channel can bring back an offer that has ended."""
        return self._channel.sink.resumes

    async def terms_of(self, row: OfferLevel) -> OfferTerms:
        """By which terms an offer is listed now. Raises what the connector raises."""
        return await self._terms.read_one(row)

    def wake(self) -> None:
        self._news.set()

    def orders_read(self) -> None:
        """More is known of what was sold. That is news where something is not as it should be, and nowhere else: it
        comes with each pull of each account."""
        if not self._submission.idle:
            self.wake()

    def pause(self) -> None:
        """Send nothing more until `resume`."""
        self._open.clear()

    def resume(self) -> None:
        self._failures, self._not_before = 0, 0.0
        self._open.set()
        self.wake()

    async def run(self, pulse: Heartbeat) -> None:
        """Work for ever."""
        await self.begin()
        while True:
            if not self._open.is_set():
                pulse.rest()
                await self._open.wait()
            pulse.beat(_LONGEST_SLEEP * 4 + 120)
            self._news.clear()
            pause = await self.turn()
            pulse.well()
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        try:
            async with asyncio.timeout(max(0.01, min(pause, _LONGEST_SLEEP))):
                await self._news.wait()
        except TimeoutError:
            pass

    async def begin(self) -> None:
        """Compute all rows again, since rules may be others now. What an earlier process sent is looked up."""
        # What orders took is known by their marks alone.
        await self._follow()
        last = 0
        while True:

            async def work(tx: Transaction, after: int = last) -> list[int]:
                # From now on no mark is forgotten that this leveller has not followed.
                await stock_items.followed(
                    tx, self._channel.account, await stock_items.follow(tx, self._channel.account)
                )
                ids = await levels.numbers(tx, self._channel.account, after, _MARKS)
                await renew(tx, self._channel.account, ids, self._channel.rules(), self._channel.clock.now())
                rows = await levels.of_offers(tx, ids)
                # This file may be older than what was sent: an earlier process knew more.
                await levels.put(tx, [forgotten(row) for row in rows.values() if row.allocated])
                return ids

            ids = await self._channel.database.write(work)
            if len(ids) < _MARKS:
                self._channel.begin()
                return
            last = ids[-1]

    async def turn(self) -> float:
        """Do what is due. Gives for how many seconds nothing is to be done unless something happens."""
        await self._follow()
        if (left := self._not_before - self._channel.clock.monotonic()) > 0:
            return left
        try:
            due = await self._settlement.settle()
            due += await self._submission.send()
            if (more := await self._terms.learn()) is not None:
                due.append(more)
        except PluginError as error:
            return await self._failed(error)
        self._failures = 0
        now = self._channel.clock.now()
        return min(((at - now).total_seconds() for at in due), default=_LONGEST_SLEEP)

    async def _failed(self, error: PluginError) -> float:
        if isinstance(error, AuthLost | AccountBlocked):
            self.pause()
            await self._lost(error)
            return _LONGEST_SLEEP
        self._failures += 1
        if self._failures == 1:
            channel = self._channel
            channel.log.warning(
                "cannot keep levels", account=channel.account, of=channel.kind.value, reason=str(error)
            )
        pause = delay(self._failures, FIRST_PAUSE, LAST_PAUSE)
        if isinstance(error, Temporary) and error.retry_after is not None:
            pause = error.retry_after
        self._not_before = self._channel.clock.monotonic() + pause
        return pause

    async def _follow(self) -> None:
        if not await stock_items.behind(self._channel.database.reader, self._channel.account):
            return

        while not await self._channel.database.write(self._channel.follow):
            pass
