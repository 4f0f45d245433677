"""Linking the offers of an account again after other masters' stock is sold on it.

An offer is otherwise linked when it or an item is read. What was read before the rule was there is looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.linking import link_all
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, Reader, Transaction, events, stock_items

__all__ = ["linked_since", "relink"]

_OFFERS = 200
_SINCE = ", since "
_PATIENCE = 120.0
"""Seconds that some of them may take."""


async def relink(
    database: Database,
    clock: Clock,
    account: str,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
    pulse: Heartbeat,
) -> None:
    """Link what is not linked, where the account's offers were linked by other rules than these."""
    now_by = ", ".join(
        sorted(
            f"{rule.master}{'' if rule.link_by_ean else ' by SKU'}{' on events' if rule.link_on_events else ''}"
            for rule in rules
            if account in rule.channels
        )
    )
    before = await stock_items.linked_with(database.reader, account) or ""
    if before.partition(_SINCE)[0] == now_by:
        return
    last: int | None = 0
    while last is not None:
        pulse.beat(_PATIENCE)

        async def work(tx: Transaction, since: int = last) -> int | None:
            after = await events.head(tx)
            recorder = Recorder(tx, clock.now(), Cause("rule", "links"))
            through = await link_all(tx, recorder, account, since, _OFFERS, after, routes, rules)
            await recorder.write(tx)
            return through

        last = await database.write(work)

    async def done(tx: Transaction) -> None:
        await stock_items.was_linked(tx, account, f"{now_by}{_SINCE}{clock.now().isoformat()}")

    await database.write(done)


async def linked_since(reader: Reader, account: str) -> datetime | None:
    """Since when the account's offers are linked by the rules that are in force; None where that is not known."""
    moment = (await stock_items.linked_with(reader, account) or "").partition(_SINCE)[2]
    return datetime.fromisoformat(moment) if moment else None
