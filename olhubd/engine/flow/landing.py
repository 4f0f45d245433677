"""Landing: the records of a page come into the database batch by batch, the last of them with the feed's cursor.

What becomes of a record is decided in `olhubd.engine.flow.orders`; here is when it is written, what is done when
one record breaks something, and who is woken by it. Nothing here talks to the outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.route import Route
from olhubd.engine.flow.orders import Batch, Result
from olhubd.engine.flow.prepared import Candidate, fault, prepare
from olhubd.engine.flow.records import sorted_out
from olhubd.engine.lineage import Lineage
from olhubd.engine.replay.recording import InputDraft
from olhubd.model import Kind, OrderId, Run
from olhubd.plugin import Clock, Gone, Later, Log, Record, Unreadable
from olhubd.store import TROUBLE, Database, LeaseLost, Transaction, feeds, runs

__all__ = ["Landing"]

BATCH = 500
"""Records a transaction: enough to make the commit and the ways to the database's thread cheap, few enough not to
keep other writers waiting for long."""


class Landing:
    """Lands pages of any account. `routes` gives the routes in force."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        routes: Callable[[], Sequence[Route]],
        wake: Callable[[Iterable[str]], None],
        log: Log | None = None,
        lineage: Lineage | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._routes = routes
        self._wake = wake
        self._log = log
        self._lineage = lineage
        self._newest: dict[str, datetime] = {}
        """When the youngest order was placed that an account told of, by its own time."""

    async def land(
        self,
        account: str,
        records: Sequence[Record],
        *,
        run: Run,
        position: feeds.FeedPosition | None = None,
        start: datetime | None = None,
        kinds: Collection[Kind] = (Kind.ORDER,),
    ) -> Result:
        """Store the records of a page, and with the last of them the feed's new position and the run's counts.

        `kinds` is what the feed's records are about. What no flow carries is kept aside, for the cursor moves on.
        Orders placed before `start` are not imported; those that are held already are kept up to date.
        """
        result = Result()
        ordered, others = sorted_out(records, kinds)
        writing: asyncio.Future[Result] | None = None
        try:
            for i in range(0, len(ordered) or 1, BATCH):
                # One batch is prepared here while the one before it is written elsewhere.
                batch = await prepare(ordered[i : i + BATCH])
                if writing is not None:
                    result.add(await writing)
                    await asyncio.sleep(0)
                last = i + BATCH >= len(ordered)
                writing = asyncio.ensure_future(
                    self._batch(account, batch, others if last else (), run, position if last else None, start)
                )
                await asyncio.sleep(0)
            if writing is not None:
                result.add(await writing)
        except BaseException:
            if writing is not None:
                # Nobody would hear of it any more, and it would still write while the daemon ends.
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
            raise
        return result

    async def _batch(
        self,
        account: str,
        batch: Sequence[Candidate],
        others: Sequence[Unreadable | Gone | Later],
        run: Run,
        position: feeds.FeedPosition | None,
        start: datetime | None,
    ) -> Result:
        try:
            return await self._write(account, batch, others, run, position, start)
        except (*TROUBLE, LeaseLost):
            raise
        except Exception:
            if not batch:
                raise
        # One of them breaks something in here that no check foresaw. It must not hold up its neighbours for ever.
        result = Result()
        for candidate in batch:
            try:
                result.add(await self._write(account, [candidate], (), run, None, start))
            except (*TROUBLE, LeaseLost):
                raise
            except Exception as error:
                if self._log is not None:
                    self._log.error("an order cannot be stored", account=account, exc_info=True)
                broken = msgspec.structs.replace(candidate, fault=fault(error))
                result.add(await self._write(account, [broken], (), run, None, start))
        result.add(await self._write(account, (), others, run, position, start))
        return result

    async def _write(
        self,
        account: str,
        batch: Sequence[Candidate],
        others: Sequence[Unreadable | Gone | Later],
        run: Run,
        position: feeds.FeedPosition | None,
        start: datetime | None,
    ) -> Result:
        now = self._clock.now()
        doubt = self._lineage.doubt(account) if self._lineage is not None else None
        draft = await InputDraft.begin(self._database, account, batch, others, run, position, start, doubt)

        async def work(tx: Transaction) -> Result:
            upcoming = tx.upcoming()
            landing = Batch(tx, account, run, now, self._routes(), doubt)
            result = await landing.land_orders(batch, run.feed, start)
            result.count(seen=len(batch) + len(others))
            await landing.land_others(others, run.feed, result)
            if landing.recorder.events or result.counts.quarantined:
                await runs.put(tx, [run.plus(result.counts)])
            if position is not None:
                await feeds.put(tx, position)
            await landing.recorder.write(tx)
            await draft.end(tx, now, upcoming, landing.touched)
            result.targets = landing.recorder.targets
            if self._lineage is not None:
                # Before anybody can claim what these orders owe.
                self._lineage.otherwise(account, result.besides)
            result.later = landing.later
            return result

        result = await self._database.write(work)
        placed = [c.order.placed_at for c in batch if c.fault is None and c.objection is None]
        if placed:
            self._newest[account] = max([*placed, self._newest.get(account, placed[0])])
        if result.targets:
            self._wake(result.targets)
        return result

    async def reached(self, account: str) -> None:
        """The account's feed was read to its end, and all it told has landed: what comes now is new."""
        lineage = self._lineage
        if lineage is None or lineage.settled(account):
            return
        last = await self._database.write(_last)
        lineage.reached(account, last, self._newest.get(account))


async def _last(tx: Transaction) -> OrderId:
    """The newest order there is."""
    return OrderId(tx.upcoming()[0] - 1)
