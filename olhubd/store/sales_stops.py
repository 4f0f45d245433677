"""Accounts on which a person has stopped all selling, and which offers could be bought then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "SalesStop",
    "begin",
    "every",
    "forget",
    "forget_account",
    "keep",
    "lift",
    "of_account",
    "pieces_sold",
    "remember",
    "selling",
    "to_resume",
]

_COLUMNS = "account, stopped_at, stopped_by, reason"


class SalesStop(msgspec.Struct, frozen=True, kw_only=True):
    """Who stopped all selling on an account, when and why."""

    account: str
    stopped_at: datetime
    stopped_by: str
    reason: str | None = None


async def every(reader: Reader) -> list[SalesStop]:
    """All accounts that are stopped, by name."""
    return [_stop(row) for row in await reader.fetch(f"SELECT {_COLUMNS} FROM sales_stops ORDER BY account")]


async def of_account(reader: Reader, account: str) -> SalesStop | None:
    row = await reader.one(f"SELECT {_COLUMNS} FROM sales_stops WHERE account = ?", (account,))
    return _stop(row) if row is not None else None


async def begin(tx: Transaction, stop: SalesStop) -> None:
    """Store that an account is stopped. One that is stopped already keeps who did it first."""
    await tx.execute(
        f"INSERT INTO sales_stops ({_COLUMNS}) VALUES (?,?,?,?) ON CONFLICT (account) DO NOTHING",
        (stop.account, codec.stamp(stop.stopped_at), stop.stopped_by, codec.reason(stop.reason)),
    )


async def lift(tx: Transaction, account: str) -> None:
    """An account is stopped no more. What could be bought then is kept until it is to be shown again."""
    await tx.execute("DELETE FROM sales_stops WHERE account = ?", (account,))


async def forget(tx: Transaction, ids: Collection[int]) -> None:
    """These offers are to be shown again."""
    await tx.executemany("DELETE FROM stopped_offers WHERE offer_id = ?", [(id_,) for id_ in ids])


async def forget_account(tx: Transaction, account: str) -> None:
    """Nobody sells on an account any more, so nothing of it is stopped or to be shown again."""
    await lift(tx, account)
    await tx.execute("DELETE FROM stopped_offers WHERE account = ?", (account,))


async def keep(tx: Transaction, account: str, ids: Collection[int]) -> None:
    """These offers of an account that is stopped could be bought until now."""
    await tx.executemany(
        "INSERT INTO stopped_offers (offer_id, account) VALUES (?,?) ON CONFLICT (offer_id) DO NOTHING",
        [(id_, account) for id_ in ids],
    )


async def remember(tx: Transaction, account: str) -> int:
    """Keep which offers of an account can be bought now; gives how many."""
    return await tx.execute(
        "INSERT INTO stopped_offers (offer_id, account) SELECT offer_id, account FROM levels WHERE account = ?"
        " AND kind = 'quantity' AND scope = '' AND active = 1 AND confirmed > 0 AND wanted IS NOT NULL"
        " ON CONFLICT (offer_id) DO NOTHING",
        (account,),
    )


async def selling(reader: Reader, accounts: Collection[str]) -> dict[str, int]:
    """How many offers can still be bought, or may be in a moment, of each of these accounts that is stopped."""
    rows = await reader.fetch(
        "SELECT l.account, COUNT(*) FROM levels l JOIN sales_stops s ON s.account = l.account"
        f" WHERE l.account IN ({codec.marks(list(accounts))}) AND l.kind = 'quantity' AND l.scope = ''"
        " AND l.beneath IS NOT NULL AND l.uneven = 1"
        " AND ((l.active = 1 AND (l.confirmed IS NULL OR l.confirmed > 0)) OR l.phase <> 'settled')"
        " GROUP BY l.account",
        list(accounts),
    )
    return {row[0]: row[1] for row in rows}


async def to_resume(reader: Reader, account: str, ids: Collection[int]) -> set[int]:
    """Those of these offers that could be bought when their account was stopped."""
    rows = await reader.fetch(
        f"SELECT offer_id FROM stopped_offers WHERE account = ? AND offer_id IN ({codec.marks(list(ids))})",
        (account, *ids),
    )
    return {row[0] for row in rows}


async def pieces_sold(reader: Reader, account: str, since: datetime) -> dict[str, int]:
    """How many pieces were bought of each offer of an account in orders placed since then."""
    rows = await reader.fetch(
        "SELECT l.offer_id, SUM(l.quantity) FROM orders o JOIN order_lines l ON l.order_id = o.id"
        " WHERE o.account = ? AND o.placed_at > ? AND l.live = 1 AND l.offer_id IS NOT NULL GROUP BY l.offer_id",
        (account, codec.stamp(since)),
    )
    return {row[0]: int(row[1]) for row in rows}


def _stop(row: Row) -> SalesStop:
    return SalesStop(account=row[0], stopped_at=codec.moment(row[1]), stopped_by=row[2], reason=codec.text(row[3]))
