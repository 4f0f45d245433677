"""Computing again what offers must show, where rules are others now or a person stopped selling, or ended that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.stock.level import RESTORED, OfferLevel, Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.wanted import freed, want
from olhubd.store import Transaction, levels, sales_stops

__all__ = ["renew"]


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
    # What is not counted now is given back by the next time that all is computed after it is.
    rows = [row for row in (await levels.of_offers(tx, ended)).values() if row.wanted is not None]
    # One that has ended has no share of what is divided until it is known to come back.
    back = [row for row in rows if row.wanted or row.allocated]
    # What has not ended by now may do so yet, where it is under way.
    gone = [row for row in back if not row.active or row.phase is not Phase.SETTLED or _less(row)]
    await levels.put(tx, [msgspec.structs.replace(row, resume_by=RESTORED) for row in gone])
    await freed(tx, [row.offer for row in back if row.allocated])
    await sales_stops.forget(tx, [row.offer for row in rows])


def _less(row: OfferLevel) -> bool:
    """Whether it shows less than before the stop, as one does that is sold out and not ended."""
    return row.wanted is not None and (row.confirmed or 0) < row.wanted
