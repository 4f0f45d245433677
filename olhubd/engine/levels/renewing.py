"""Computing again what offers must show, where rules are others now or a person stopped selling, or ended that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.stock.level import Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.wanted import want
from olhubd.store import Transaction, levels, sales_stops

__all__ = ["RESTORED", "renew"]

RESTORED = "stop lifted"
"""By what an offer is brought back that could be bought when its account was stopped."""


async def renew(
    tx: Transaction, account: str, ids: Collection[int], rules: Sequence[StockRule], now: datetime
) -> None:
    """Compute these offers again. Those that a stop has ended are brought back once it is over."""
    await want(tx, account, ids, rules, now)
    if not ids or await sales_stops.of_account(tx, account) is not None:
        return
    ended = await sales_stops.to_resume(tx, account, ids)
    if not ended:
        return
    rows = (await levels.of_offers(tx, ended)).values()
    # What has not ended by now may do so yet, where it is under way.
    back = [row for row in rows if row.wanted and (not row.active or row.phase is not Phase.SETTLED)]
    await levels.put(tx, [msgspec.structs.replace(row, resume_by=RESTORED) for row in back])
    await sales_stops.forget(tx, ended)
