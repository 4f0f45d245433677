"""One account on which stock is sold, as the parts of its leveller share it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide.stock.exposure import refunded
from olhubd.decide.stock.level import SELDOM, TRIES, OfferLevel, Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.calls import Calls
from olhubd.engine.levels import wanted
from olhubd.engine.levels.horizon import Horizon
from olhubd.engine.levels.linking import masters_of
from olhubd.model import LevelKind
from olhubd.plugin import Clock, LevelSink, Log
from olhubd.runtime.backoff import delay
from olhubd.store import Database, Transaction, levels, offers, sales_stops, stock_items

__all__ = ["FIRST_PAUSE", "LAST_PAUSE", "MOMENT", "SalesChannel", "refused", "released"]

FIRST_PAUSE, LAST_PAUSE = 2.0, 300.0
"""Seconds between tries after failures."""
MOMENT = timedelta(seconds=2)
"""Until a command of which the answer was lost is looked up."""
_MARKS = 500
_ROWS = 1000


class SalesChannel:
    """`through` says up to which event the orders of accounts were read to their end. Without a `horizon` nothing
    that is allocated is raised. `before_resuming` says which offers must cost something else before they come
    back. `want_orders` has the orders of accounts read soon."""

    kind = LevelKind.QUANTITY
    """What of its offers is kept."""

    def __init__(
        self,
        account: str,
        sink: LevelSink,
        calls: Calls,
        database: Database,
        clock: Clock,
        log: Log,
        *,
        rules: Callable[[], Sequence[StockRule]],
        through: Callable[[Iterable[str]], int],
        horizon: Horizon | None = None,
        before_resuming: Callable[[Collection[int]], Awaitable[Collection[int]]] | None = None,
        want_orders: Callable[[Collection[str]], None] = lambda _accounts: None,
    ) -> None:
        self.account = account
        self.sink = sink
        self.calls = calls
        self.database = database
        self.clock = clock
        self.log = log
        self.rules = rules
        self._through = through
        self._horizon = horizon
        self._before_resuming = before_resuming
        self._want_orders = want_orders

    def want_orders(self) -> None:
        """A raise waits until the orders of this account and of its masters were read."""
        self._want_orders([self.account, *masters_of(self.rules(), self.account)])

    def read_through(self, *, allocated: bool = False) -> int:
        """Up to which event the sales of this account and of its masters are known; of the masters alone for what
        is allocated."""
        masters = masters_of(self.rules(), self.account)
        return self._through(masters if allocated else [self.account, *masters])

    def swept_through(self) -> int:
        """Up to which event the sales of this account are known by a second pass over its orders."""
        return self._horizon.swept_through([self.account]) if self._horizon is not None else 0

    async def unready(self, ids: Collection[int]) -> Collection[int]:
        """Those of the offers, which are to be brought back, that must cost something else first."""
        return await self._before_resuming(ids) if self._before_resuming is not None and ids else ()

    def begin(self) -> None:
        """What its allocated offers may still sell is to be learned again."""
        if self._horizon is not None:
            self._horizon.begin(self.account)

    async def begun(self, tx: Transaction, offer: int) -> bool:
        """Whether this process has begun with all accounts that have a share of what an offer sells."""
        items = {link.item for link in (await offers.links_of(tx, [offer])).get(offer, ())}
        sharing = {link.offer for link in await offers.of_items(tx, items)}
        accounts = {row.account for row in (await levels.of_offers(tx, sharing)).values() if row.allocated}
        return self._horizon is not None and self._horizon.begun(accounts)

    async def follow(self, tx: Transaction) -> bool:
        """Compute again what the offers of items must show of which another number may be sold. False where there
        is more to follow."""
        if not await stock_items.behind(tx, self.account):
            return True
        found = await wanted.follow(tx, self.account, self.rules(), self.clock.now(), _MARKS)
        if found:
            await stock_items.trim(tx, _MARKS)
        return found < _MARKS

    async def uneven(self, *, since: int | None = None, unsent: bool = True) -> list[OfferLevel]:
        """All rows that are not as they should be; those that have changed `since` an event, and without those that
        merely wait to be sent, where that is asked for."""
        found: list[OfferLevel] = []
        while True:
            last = found[-1].offer if found else 0
            some = await levels.uneven(
                self.database.reader, self.account, _ROWS, last, self.kind, since=since, unsent=unsent
            )
            found += some
            if len(some) < _ROWS:
                return found

    async def stopped(self) -> bool:
        """Whether a person has stopped all selling, so that it is to go in the order of sales."""
        if self.kind is not LevelKind.QUANTITY:
            return False
        return await sales_stops.of_account(self.database.reader, self.account) is not None

    async def rows(self, tx: Transaction, ids: Collection[int]) -> dict[int, OfferLevel]:
        """The levels of these offers, by offer."""
        return await levels.of_offers(tx, ids, self.kind)

    def not_read(self, row: OfferLevel) -> tuple[str, dict[str, object]]:
        """The event by which a person hears that nobody can say what an offer shows, and its facts."""
        return "level.not-read", {"offer": row.external_id}

    def not_kept(self, row: OfferLevel, shown: int | None) -> tuple[str, dict[str, object]]:
        """The event by which a person hears that an offer does not keep what is sent, and its facts."""
        return "level.not-kept", {"offer": row.external_id, "wanted": row.sent, "shown": shown}


def released(row: OfferLevel) -> OfferLevel:
    """A row whose command is known to have done nothing."""
    return msgspec.structs.replace(
        refunded(row),
        phase=Phase.SETTLED,
        command=None,
        step=None,
        sent=None,
        sent_at=None,
        change=None,
        reported=False,
        due_at=None,
    )


def refused(row: OfferLevel, why: str, now: datetime) -> OfferLevel:
    """A row that was refused: it is tried again, ever later, and by another way where the connector has one.

    What is refused to be raised waits for a person, and is tried now and then.
    """
    tries, raises = row.tries + 1, (row.wanted or 0) > (row.confirmed or 0)
    often = timedelta(seconds=delay(tries, FIRST_PAUSE, LAST_PAUSE))
    pause = SELDOM if raises and tries >= TRIES else often
    return msgspec.structs.replace(released(row), tries=tries, due_at=now + pause, reason=why or None)
