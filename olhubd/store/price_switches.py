"""The accounts whose prices follow a list, and since when: offers that were listed before keep theirs."""

from __future__ import annotations

from datetime import datetime

from olhubd.model import LevelKind
from olhubd.store import codec, levels
from olhubd.store.base import Reader, Transaction

__all__ = ["accounts", "off", "on", "since"]


async def since(reader: Reader, account: str) -> datetime | None:
    """Since when the prices of an account follow; None where they do not."""
    row = await reader.one("SELECT since FROM price_switches WHERE account = ?", (account,))
    return codec.moment(row[0]) if row is not None else None


async def accounts(reader: Reader) -> frozenset[str]:
    """The accounts whose prices follow."""
    return frozenset(row[0] for row in await reader.fetch("SELECT account FROM price_switches"))


async def on(tx: Transaction, account: str, now: datetime) -> None:
    """They follow from `now` on, unless they do already. Prices that were brought before are followed by nobody."""
    if await since(tx, account) is not None:
        return
    await levels.forget_wanted(tx, LevelKind.PRICE, account=account)
    await tx.execute("INSERT INTO price_switches (account, since) VALUES (?,?)", (account, codec.stamp(now)))
    await tx.execute("DELETE FROM price_cursors WHERE account = ?", (account,))
    await tx.execute(
        "INSERT INTO price_cursors (account, mark) SELECT ?, COALESCE(MAX(id), 0) FROM price_marks", (account,)
    )


async def off(tx: Transaction, account: str) -> None:
    """They follow no more, and what was wanted is not sent when they do again."""
    await levels.forget_wanted(tx, LevelKind.PRICE, account=account)
    await tx.execute("DELETE FROM price_switches WHERE account = ?", (account,))
    await tx.execute("DELETE FROM price_cursors WHERE account = ?", (account,))
