"""Who holds an account, and under which epoch: the fence between processes.

A process that begins to work for an account takes it over, which raises its epoch. From then on the cursors,
claims, outcomes and renewals of the holder before are refused: each of these writes names the epoch it is made
under, and one that changes nothing because of it raises `LeaseLost`. What a process holds is in `Database.held`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from olhubd.store import codec
from olhubd.store.base import LeaseLost, Reader, Transaction

__all__ = ["held", "lost", "require", "take"]

_ANY = 2**62
"""Above each epoch: of an account that this process never took over it only settles what nobody works on."""


async def take(tx: Transaction, accounts: Collection[str], at: datetime) -> dict[str, int]:
    """Take accounts over. Returns their new epochs, which go into `Database.held` once this is committed."""
    names = sorted(accounts)
    await tx.executemany(
        "INSERT INTO leases (account, epoch, holder, taken_at) VALUES (?,1,?,?) ON CONFLICT (account) DO UPDATE SET"
        " epoch = leases.epoch + 1, holder = excluded.holder, taken_at = excluded.taken_at",
        [(name, tx.holder, codec.stamp(at)) for name in names],
    )
    rows = await tx.fetch(f"SELECT account, epoch FROM leases WHERE account IN ({codec.marks(names)})", names)
    taken: dict[str, int] = dict(rows)
    # A cursor that the holder before moves at this very moment meets this row, not only that of the lease.
    await tx.executemany("UPDATE feeds SET epoch = ? WHERE account = ?", [(taken[name], name) for name in names])
    return taken


def held(tx: Transaction, account: str) -> int:
    """The highest epoch of the account at which this process may write."""
    return tx.held.get(account, _ANY)


async def lost(reader: Reader, mine: Mapping[str, int]) -> list[str]:
    """Of the accounts that a process took over, at these epochs, those that another one has taken over since."""
    names = list(mine)
    sql = f"SELECT account, epoch FROM leases WHERE account IN ({codec.marks(names)}) ORDER BY account"
    rows = await reader.fetch(sql, names)
    return [account for account, epoch in rows if epoch > mine[account]]


async def require(tx: Transaction, account: str) -> None:
    """Raise LeaseLost where another process has taken the account over."""
    row = await tx.one("SELECT epoch FROM leases WHERE account = ?", (account,))
    if row is not None and row[0] > held(tx, account):
        raise LeaseLost(account)
