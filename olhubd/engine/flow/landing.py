"""Landing: the records of a page come into the database batch by batch, the last of them with the feed's cursor.

What becomes of a record the flow of its kind decides (`olhubd.engine.flow.flow`); here is when it is written, what
is done when one record breaks something, and who is woken by it. Nothing here knows a kind of record by name, and
nothing talks to the outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner
from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.flow import batch
from olhubd.engine.flow.batch import Batch, BatchPart
from olhubd.engine.flow.flow import UNASKED, Asked, FlowContext, Result
from olhubd.engine.flow.prepared import fault
from olhubd.engine.flow.records import sorted_out
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.lineage import Lineage
from olhubd.engine.replay.draft import InputDraft
from olhubd.model import Kind, Run
from olhubd.plugin import Clock, Log, Record
from olhubd.store import TROUBLE, Database, LeaseLost, Transaction, feeds, runs

__all__ = ["Landing"]

BATCH = 500
"""Records a transaction: enough to make the commit and the ways to the database's thread cheap, few enough not to
keep other writers waiting for long."""


class Landing:
    """Lands pages of any account. `routes` gives the routes in force, `rules` whose stock is sold where, `statuses`
    the seller's own list; `levelled` hears when another number may be sold."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        routes: Callable[[], Sequence[Route]],
        wake: Callable[[Iterable[str]], None],
        log: Log | None = None,
        lineage: Lineage | None = None,
        *,
        flows: Flows = FLOWS,
        planners: Sequence[Planner[Any]] = PLANNERS,
        rules: Callable[[], Sequence[StockRule]] = tuple,
        statuses: Callable[[], OwnStatuses] = OwnStatuses,
        levelled: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._routes = routes
        self._wake = wake
        self._log = log
        self._lineage = lineage
        self._flows = flows
        self._planners = planners
        self._rules = rules
        self._statuses = statuses
        self._levelled = levelled

    async def land(
        self,
        account: str,
        records: Sequence[Record],
        *,
        run: Run,
        position: feeds.FeedPosition | None = None,
        start: datetime | None = None,
        kinds: Collection[Kind] | None = None,
        asked: Asked = UNASKED,
    ) -> Result:
        """Store the records of a page, and with the last of them the feed's new position and the run's counts.

        `kinds` is what the feed's records are about; None means all that a flow carries. What no flow carries is
        kept aside, for the cursor moves on. Records made before `start` are not imported; those that are held
        already are kept up to date. `asked` says when they were asked for.
        """
        result = Result()
        promised = [flow.kind for flow in self._flows] if kinds is None else kinds
        carried, others = sorted_out(records, promised, self._flows)
        writing: asyncio.Future[Result] | None = None
        try:
            portions = list(batch.portions(carried, BATCH))
            for number, portion in enumerate(portions, 1):
                # One batch is prepared here while the one before it is written elsewhere.
                parts = [
                    BatchPart(flow, await flow.prepare(portion[flow.kind]))
                    for flow in self._flows
                    if flow.kind in portion
                ]
                if writing is not None:
                    result.add(await writing)
                    await asyncio.sleep(0)
                last = number == len(portions)
                some = Batch(parts, others if last else ())
                where = position if last else None
                writing = asyncio.ensure_future(self._batch(account, some, run, where, start, asked))
                await asyncio.sleep(0)
            if writing is not None:
                result.add(await writing)
        except BaseException:
            if writing is not None:
                # Its outcome would be lost, and it would still write while the daemon ends.
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
            raise
        return result

    async def _batch(
        self,
        account: str,
        some: Batch,
        run: Run,
        position: feeds.FeedPosition | None,
        start: datetime | None,
        asked: Asked,
    ) -> Result:
        try:
            return await self._write(account, some, run, position, start, asked)
        except (*TROUBLE, LeaseLost):
            raise
        except Exception:
            if not some.parts:
                raise
            if self._log is not None:
                # The only word of it where each of them lands by itself.
                self._log.error("records cannot be stored together", account=account, exc_info=True)
        # One of them breaks something in here that no check foresaw. It must not hold up its neighbours for ever.
        result = Result()
        for flow, candidate in some.singly():
            alone = Batch([BatchPart(flow, [candidate])])
            try:
                result.add(await self._write(account, alone, run, None, start, asked))
            except (*TROUBLE, LeaseLost):
                raise
            except Exception as error:
                if self._log is not None:
                    kind = flow.kind.value
                    self._log.error("a record cannot be stored", account=account, kind=kind, exc_info=True)
                broken = msgspec.structs.replace(candidate, fault=fault(error))
                alone = Batch([BatchPart(flow, [broken])])
                result.add(await self._write(account, alone, run, None, start, asked))
        result.add(await self._write(account, Batch(others=some.others), run, position, start, asked))
        return result

    async def _write(
        self,
        account: str,
        some: Batch,
        run: Run,
        position: feeds.FeedPosition | None,
        start: datetime | None,
        asked: Asked,
    ) -> Result:
        now = self._clock.now()
        doubt = self._lineage.doubt(account) if self._lineage is not None else None
        draft = await InputDraft.begin(self._database, account, some, run, position, start, doubt)

        async def work(tx: Transaction) -> Result:
            context = FlowContext(
                tx,
                account,
                run,
                now,
                self._routes(),
                doubt=doubt,
                start=start,
                planners=self._planners,
                rules=self._rules(),
                asked=asked,
                statuses=self._statuses(),
            )
            result = await batch.land(context, some, self._flows)
            if context.recorder.events or result.counts.quarantined:
                await runs.put(tx, [run.plus(result.counts)])
            if position is not None:
                await feeds.put(tx, position)
            await context.recorder.write(tx)
            await draft.end(tx, now, context.recorder.events, context.touched)
            result.targets = context.recorder.targets
            if self._lineage is not None:
                # Before anybody can claim the deliveries of these orders.
                self._lineage.otherwise(account, result.besides)
            return result

        result = await self._database.write(work)
        if self._lineage is not None and result.newest is not None:
            self._lineage.reported(account, result.newest)
        if result.targets:
            self._wake(result.targets)
        if result.counts.added or result.counts.changed:
            self._levelled()
        return result
