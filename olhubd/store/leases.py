"""Who holds an account, and under which epoch: the fence between processes.

A process that begins to work for an account takes it over, which raises its epoch. From then on the cursors,
claims, outcomes and renewals of the holder before are refused: each of these writes names the epoch it is made
under, and one that changes nothing because of it raises `LeaseLost`. What a process holds is in `Database.held`.

A process that lost an account asks whether its holder is alive, by a mark in the row that the holder removes. So no
holder writes anything while nobody asks, and no clock of one process is compared with that of another.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import LeaseLost, Reader, Transaction

__all__ = ["Lease", "answer", "ask", "held", "of_accounts", "require", "take"]

_ANY = 2**62
"""Above each epoch: of an account that this process never took over it only settles what nobody works on."""


class Lease(msgspec.Struct, frozen=True):
    """Under which epoch an account is held, and whether its holder was asked and has not answered."""

    epoch: int
    asked: bool


async def take(tx: Transaction, accounts: Collection[str], at: datetime) -> dict[str, int]:
    """Take accounts over. Returns their new epochs, which go into `Database.held` once this is committed."""
    names = sorted(accounts)
    await tx.executemany(
        "INSERT INTO leases (account, epoch, holder, taken_at) VALUES (?,1,?,?) ON CONFLICT (account) DO UPDATE SET"
        " epoch = leases.epoch + 1, holder = excluded.holder, taken_at = excluded.taken_at, asked = 0",
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


async def of_accounts(reader: Reader, accounts: Collection[str]) -> dict[str, Lease]:
    """The leases of these accounts."""
    names = sorted(accounts)
    sql = f"SELECT account, epoch, asked FROM leases WHERE account IN ({codec.marks(names)})"
    return {account: Lease(epoch, bool(asked)) for account, epoch, asked in await reader.fetch(sql, names)}


async def ask(tx: Transaction, accounts: Collection[str]) -> None:
    """Ask whether the holders of these accounts are alive."""
    await _mark(tx, accounts, 1)


async def answer(tx: Transaction, accounts: Collection[str]) -> None:
    """Say that this process is alive, where it holds the accounts."""
    for account in accounts:
        await require(tx, account)
    await _mark(tx, accounts, 0)


async def _mark(tx: Transaction, accounts: Collection[str], asked: int) -> None:
    await tx.executemany("UPDATE leases SET asked = ? WHERE account = ?", [(asked, name) for name in accounts])


async def require(tx: Transaction, account: str) -> None:
    """Raise LeaseLost where another process has taken the account over."""
    row = await tx.one("SELECT epoch FROM leases WHERE account = ?", (account,))
    if row is not None and row[0] > held(tx, account):
        raise LeaseLost(account)
