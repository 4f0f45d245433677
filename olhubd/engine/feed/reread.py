"""Reading single orders again: those whose source sent something else than announced, or a person asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import words
from olhubd.engine.flow.flow import Result
from olhubd.model import Kind, Order, Reason, Run
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    Gone,
    Later,
    OrderLookup,
    PluginError,
    Record,
    Temporary,
    Unreadable,
)
from olhubd.store import Transaction, order_counts, reread_queue

__all__ = ["Rereader"]

_ASIDE = 900.0
"""Seconds until an order is asked for again that could not be read."""
_TRIES = 10
"""So often in vain, and an order is left to the journal and the sweep."""
_BACK, _SOME = timedelta(days=30), 20
"""How old orders may be that are looked at in turn, and how many after each sweep."""
_RECORD = (Order, Unreadable, Gone, Later)


class Rereader:
    """The orders of one account that wait to be read again. `store` lands what was read; no `lookup`: none is."""

    def __init__(
        self,
        reading: ReadingContext,
        lookup: OrderLookup | None,
        store: Callable[[Sequence[Record], Run], Awaitable[Result]],
    ) -> None:
        self._account = reading.account
        self._lookup = lookup
        self._calls = reading.calls
        self._patience = reading.patience
        self._store = store
        self._database = reading.database
        self._runs = reading.runs
        self._clock = reading.clock
        self._place: tuple[datetime, int] | None = None
        """Up to where unfinished orders were looked at in turn."""
        self.waiting = True
        """Whether some may wait."""

    async def look_back(self, until: datetime) -> None:
        """Let some of the unfinished orders placed before `until` be read again, in turn.

        Not every edit moves the date of change that feeds and sweeps go by.
        """
        if self._lookup is None:
            return
        oldest = (until - _BACK, 0)
        place = max(self._place or oldest, oldest)
        found = await order_counts.unfinished(self._database.reader, self._account, place, until, _SOME)
        self._place = found[-1][1] if len(found) == _SOME else None
        if not found:
            return
        now = self._clock.now()
        wishes = [
            reread_queue.RereadRequest(
                kind=Kind.ORDER, external_id=id_, due_at=now, reason=Reason("lookup.in-turn")
            )
            for id_, _ in found
        ]

        async def work(tx: Transaction) -> None:
            await reread_queue.put(tx, self._account, wishes)

        await self._database.write(work)
        self.waiting = True

    async def read(self) -> None:
        """Read what is due. Raises what keeps the account as a whole from being read."""
        if not self.waiting or self._lookup is None:
            return
        due = await reread_queue.due(self._database.reader, self._account, Kind.ORDER, self._clock.now())
        if not due:
            self.waiting = await reread_queue.waiting(self._database.reader, self._account, Kind.ORDER)
            return
        run = await self._runs.begin(self._account, "orders.again", "timer")
        records: list[Record] = []
        settled: list[reread_queue.RereadRequest] = []
        failure: PluginError | None = None
        for wish in due:
            try:
                ask = partial(self._lookup.read_order, wish.external_id)
                record: Record = await self._calls.read("read_order", ask, _RECORD, limit=self._patience())
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
            await reread_queue.forget(tx, self._account, settled)

        result = await self._store(records, run)
        await self._database.write(work)
        await self._runs.end(run.plus(result.counts), None if failure is None else words(failure))
        if failure is not None:
            raise failure
