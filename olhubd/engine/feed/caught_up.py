"""When an account's feed of orders was read to its end, and all that it gave has landed: what comes now is new."""

from __future__ import annotations

from olhubd.engine.lineage import Lineage
from olhubd.store import Database, orders

__all__ = ["caught_up"]


async def caught_up(database: Database, lineage: Lineage, account: str) -> None:
    """Settle what is in doubt of the account's orders, the first time in this process that its feed was read."""
    if not lineage.settled(account):
        # After all that waits to be written, as a unit of its own.
        lineage.reached(account, await database.write(orders.newest))
