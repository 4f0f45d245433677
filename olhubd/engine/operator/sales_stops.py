"""Stopping all selling on an account in an emergency, and lifting that. What follows is the leveller's."""

from __future__ import annotations

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.renewing import renew
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Reason
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, levels, sales_stops
from olhubd.store.sales_stops import SalesStop

__all__ = ["SalesStopActions"]

_OFFERS = 1000


class SalesStopActions:
    """The hands of a person on all offers of an account. Each act is whole with its first commit: where the process
    ends after it, the next one computes the rest."""

    def __init__(self, directory: Directory, in_force: InForce, database: Database, clock: Clock) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock

    async def stop(self, account: str | None, who: str, reason: str | None = None) -> list[SalesStop]:
        """Sell nothing more on an account, or on all where None. Gives those that are stopped by it."""
        names = self._channels(account)
        now = self._clock.now()

        async def work(tx: Transaction) -> list[SalesStop]:
            recorder = Recorder(tx, now, Cause("operator", who))
            found = []
            for name in names:
                if await sales_stops.of_account(tx, name) is not None:
                    continue
                stop = SalesStop(account=name, stopped_at=now, stopped_by=who, reason=reason)
                count = await sales_stops.remember(tx, name)
                await sales_stops.begin(tx, stop)
                facts: dict[str, object] = {"offers": count}
                await recorder.event(
                    "stock.stopped", name, None, facts if reason is None else {**facts, "reason": reason}
                )
                found.append(stop)
            if not found:
                raise NotPossible(Reason("stock.stopped-already", accounts=", ".join(names)))
            await recorder.write(tx)
            return found

        stopped = await self._database.write(work)
        for stop in stopped:
            await self._renew(stop.account)
        self._directory.level()
        return stopped

    async def lift(self, account: str | None, who: str) -> list[SalesStop]:
        """Show again on an account, or on all where None, what may be sold. Gives the stops that were lifted."""
        now = self._clock.now()

        async def work(tx: Transaction) -> list[SalesStop]:
            found = [one for one in await sales_stops.every(tx) if account in (None, one.account)]
            if not found:
                if account is not None:
                    self._channels(account)
                none = (
                    Reason("stock.none-stopped")
                    if account is None
                    else Reason("stock.not-stopped", account=account)
                )
                raise NotPossible(none)
            recorder = Recorder(tx, now, Cause("operator", who))
            for one in found:
                await sales_stops.lift(tx, one.account)
                await recorder.event("stock.stop-lifted", one.account)
            await recorder.write(tx)
            return found

        lifted = await self._database.write(work)
        for stop in lifted:
            await self._renew(stop.account)
        self._directory.level()
        return lifted

    def _channels(self, account: str | None) -> list[str]:
        """The accounts that are meant, of those on which stock is sold."""
        rules: list[StockRule] = list(self._in_force.stock())
        names = sorted({name for rule in rules for name in rule.channels})
        if account is None:
            if not names:
                raise NotPossible(Reason("stock.sold-nowhere"))
            return names
        if account not in names:
            raise NotPossible(Reason("stock.not-sold-on", account=account))
        return [account]

    async def _renew(self, account: str) -> None:
        last = 0
        while True:

            async def work(tx: Transaction, after: int = last) -> list[int]:
                ids = await levels.numbers(tx, account, after, _OFFERS)
                await renew(tx, account, ids, self._in_force.stock(), self._clock.now())
                return ids

            ids = await self._database.write(work)
            if len(ids) < _OFFERS:
                return
            last = ids[-1]
