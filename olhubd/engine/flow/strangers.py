"""Orders with our mark that a shop has and nobody here knows: their source is asked, then a person is alarmed.

So it is with what was forwarded after a backup was made and merged away before that was put back: no report of the
marketplace names it any more, and its order in the shop would be shipped.
"""

from __future__ import annotations

from olhubd.decide.alarm_rules import UnknownOrder
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.model import Kind, Reason
from olhubd.plugin import Clock, OrderLookup
from olhubd.store import Database, Transaction, reread_queue, strangers
from olhubd.store.strangers import Stranger

__all__ = ["Strangers"]


class Strangers:
    """`ask` and `waiting` belong to the round of the watch, `discard` to people."""

    def __init__(self, directory: Directory, database: Database, clock: Clock, events: EventLog) -> None:
        self._directory = directory
        self._database = database
        self._clock = clock
        self._events = events

    async def ask(self) -> None:
        """Have the orders of those that came since read at their source, each once: the answer may be all it takes.

        One that is alive lands and is looked up in the shop; one that is cancelled lands and is cancelled there.
        """
        if not await strangers.known(self._database.reader):
            return
        new = [one for one in await self.listing() if one.asked_at is None and self._askable(one)]
        if not new:
            return
        now = self._clock.now()

        async def work(tx: Transaction) -> None:
            for one in new:
                account, _, external_id = one.reference.partition(":")
                wish = reread_queue.RereadRequest(
                    kind=Kind.ORDER, external_id=external_id, due_at=now, reason=Reason("lookup.shop-tells")
                )
                await reread_queue.put(tx, account, [wish])
            await strangers.asked(tx, new, now)

        await self._database.write(work)
        for account in {one.reference.partition(":")[0] for one in new}:
            if (poller := self._directory.units[account].feeds.poller) is not None:
                poller.look_up()

    async def listing(self) -> list[Stranger]:
        """All that wait, the oldest first."""
        return await strangers.unknown(self._database.reader)

    async def waiting(self) -> dict[str, list[UnknownOrder]]:
        """All that wait, by target, as the watch judges them."""
        found: dict[str, list[UnknownOrder]] = {}
        if not await strangers.known(self._database.reader):
            return found
        for one in await self.listing():
            unit = self._directory.units.get(one.reference.partition(":")[0])
            swept = unit is not None and unit.feeds.sweeps and not self._askable(one)
            told = UnknownOrder(
                number=one.number or one.external_id,
                reference=one.reference,
                since=one.since or one.seen_at,
                sweep=unit.config.sweep_interval if unit is not None and swept else None,
            )
            found.setdefault(one.account, []).append(told)
        return found

    async def discard(self, account: str, external_id: str, reason: str, who: str) -> None:
        """Let one wait for nobody any more: it was seen to in the shop, or is to stay there."""

        async def work(tx: Transaction) -> None:
            if not await strangers.discard(tx, account, external_id, self._clock.now()):
                raise NotPossible(Reason("none.stranger", order=external_id, account=account))
            facts = {"external_id": external_id, "reason": reason}
            await self._events.note("stranger.discarded", facts, who, account=account, tx=tx)

        await self._database.write(work)

    def _askable(self, one: Stranger) -> bool:
        unit = self._directory.units.get(one.reference.partition(":")[0])
        return unit is not None and unit.feeds.orders is not None and unit.connector.can(OrderLookup)
