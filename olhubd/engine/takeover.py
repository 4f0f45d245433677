"""Taking accounts over: from then on no other process can write for them, and what it left under way is ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from olhubd.engine.replay import recording
from olhubd.store import Database, Transaction, deliveries, leases, runs

__all__ = ["take_over"]


async def take_over(
    database: Database, names: Collection[str], now: datetime, latest: datetime, *, first: bool = False
) -> None:
    """Take these accounts over. Nothing may be due to them after `latest`: it was stored under a wrong clock.

    The `first` time of a process is kept as an input, since it ends whatever was left.
    """

    async def work(tx: Transaction) -> dict[str, int]:
        taken = await leases.take(tx, names, now)
        await deliveries.recover(tx, latest, now, taken)
        await runs.lose(tx, taken=taken)
        if first:
            await recording.keep(tx, now, recording.Start(latest=latest))
        return taken

    database.held.update(await database.write(work))
