"""The quantities of one channel at work: one leveller an account, so that a slow channel holds back nobody else.

A turn follows the marks of changed stock (`wanted`), settles what was sent and reads back what has settled
(`settlement`), and sends what is to be shown otherwise (`submission`). Each has pauses of its own. Where nothing
can be read, quantities are lowered all the same, each offer once: what showed too much when it was read last sells
too much as long as it waits, and one write of an offer at a time is unsettled, as ever.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from olhubd.decide.stock.exposure import forgotten
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.duty import Duty
from olhubd.engine.levels.renewing import renew
from olhubd.engine.levels.settlement import LevelSettlement
from olhubd.engine.levels.sold_products import SoldProducts
from olhubd.engine.levels.submission import LevelSubmission
from olhubd.engine.levels.terms import Terms
from olhubd.model import LevelKind, OfferTerms
from olhubd.plugin import AccountBlocked, AuthLost, PluginError
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
        products: SoldProducts | None = None,
    ) -> None:
        self._channel = channel
        self._settlement = LevelSettlement(channel)
        self._terms = terms or Terms(channel)
        self._submission = LevelSubmission(channel, self._settlement, self._terms, make_id)
        self._lost = lost
        self._news = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._products = products
        self._reading, self._writing, self._learning, self._asking = (
            Duty(name, channel.clock) for name in ("read", "write", "terms", "products")
        )

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
        for duty in (self._reading, self._writing, self._learning, self._asking):
            duty.well()
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
        due: list[float] = []
        try:
            written, read = False, await self._do(self._reading, self._settlement.settle, due)
            # A price that is lower sells no less.
            if read or self._channel.kind is LevelKind.QUANTITY:

                async def send() -> Sequence[datetime]:
                    return await self._submission.send(lower_only=not read, ask=read and not self._learning.left)

                written = await self._do(self._writing, send, due)
            if (read and written) or self._terms.trouble is not None:
                await self._do(self._learning, self._learn, due)
            if read and written and self._products is not None:
                await self._do(self._asking, self._ask, due)
        except (AuthLost, AccountBlocked) as error:
            self.pause()
            await self._lost(error)
            return _LONGEST_SLEEP
        return min(due, default=_LONGEST_SLEEP)

    async def _do(self, duty: Duty, work: Callable[[], Awaitable[Sequence[datetime]]], due: list[float]) -> bool:
        """Do one of them, unless it is left alone after a failure, and add to `due` when there is more of it. False
        while it fails. Raises AuthLost and AccountBlocked."""
        if duty.left:
            due.append(duty.left)
            return False
        try:
            found = await work()
        except (AuthLost, AccountBlocked):
            raise
        except PluginError as error:
            if not duty.failing:
                channel = self._channel
                channel.log.warning(
                    "cannot keep levels",
                    account=channel.account,
                    of=channel.kind.value,
                    doing=duty.name,
                    reason=str(error),
                )
            due.append(duty.failed(error))
            return False
        duty.well()
        now = self._channel.clock.now()
        due += [(at - now).total_seconds() for at in found]
        return True

    async def _learn(self) -> Sequence[datetime]:
        """Learn the terms of a few offers. Raises what kept those from being read that were to be raised."""
        if (trouble := self._terms.trouble) is not None:
            self._terms.trouble = None
            raise trouble
        more = await self._terms.learn()
        return [] if more is None else [more]

    async def _ask(self) -> Sequence[datetime]:
        """Learn what a few offers sell."""
        more = await self._products.learn() if self._products is not None else None
        return [] if more is None else [more]

    async def _follow(self) -> None:
        if not await stock_items.behind(self._channel.database.reader, self._channel.account):
            return

        while not await self._channel.database.write(self._channel.follow):
            pass
