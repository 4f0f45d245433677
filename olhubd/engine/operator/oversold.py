"""What a person does with an order for which nothing was left: deal with it outside of the hub, and say so."""

from __future__ import annotations

from olhubd.engine.errors import NotPossible
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Reason, Subject
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, oversold
from olhubd.store.oversold import OversoldOrder

__all__ = ["OversoldActions"]


class OversoldActions:
    """The hands of a person on oversold orders."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def close(self, number: int, who: str, reason: str | None = None) -> OversoldOrder:
        """Let nobody be alarmed by it any more: its buyer has the pieces, or knows that there are none."""
        now = self._clock.now()

        async def work(tx: Transaction) -> OversoldOrder:
            found = await oversold.read(tx, number)
            if found is None:
                raise NotPossible(Reason("none.oversold", record=number))
            if not await oversold.close(tx, number, now, who, reason):
                raise NotPossible(Reason("stock.oversold-closed", record=number))
            recorder = Recorder(tx, now, Cause("operator", who))
            facts: dict[str, object] = {"record": number, "order": found.order_id, "item": found.mark}
            if reason is not None:
                facts["reason"] = reason
            await recorder.event("stock.oversold-closed", found.account, Subject(Kind.STOCK, found.item), facts)
            await recorder.write(tx)
            closed = await oversold.read(tx, number)
            assert closed is not None
            return closed

        return await self._database.write(work)
