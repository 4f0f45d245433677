"""Settings of accounts that people have changed while the daemon ran, and what an account's system says of it."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["AccountSetting", "SaidBy", "every", "forget", "of_account", "put", "remove"]


class SaidBy(enum.StrEnum):
    PERSON = "person"
    SYSTEM = "system"
    """The account's own system."""


class AccountSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One value as people write it."""

    account: str
    key: str
    said_by: SaidBy
    value: str
    changed_by: str
    changed_at: datetime


_COLUMNS = "account, key, said_by, value, changed_by, changed_at"


async def every(reader: Reader) -> list[AccountSetting]:
    """Of all accounts, also of those that are not configured now."""
    return [
        _setting(row) for row in await reader.fetch(f"SELECT {_COLUMNS} FROM account_settings ORDER BY 1, 2, 3")
    ]


async def of_account(reader: Reader, account: str) -> list[AccountSetting]:
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM account_settings WHERE account = ? ORDER BY 1, 2, 3", (account,)
    )
    return [_setting(row) for row in rows]


async def put(tx: Transaction, settings: Sequence[AccountSetting]) -> None:
    for one in settings:
        await tx.execute(
            f"INSERT INTO account_settings ({_COLUMNS}) VALUES (?,?,?,?,?,?) ON CONFLICT (account, key, said_by)"
            " DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by,"
            " changed_at = excluded.changed_at",
            (one.account, one.key, one.said_by.value, one.value, one.changed_by, codec.stamp(one.changed_at)),
        )


async def remove(tx: Transaction, account: str, keys: Collection[str], said_by: SaidBy) -> None:
    """Forget these values; who says something weaker is heard again."""
    for key in keys:
        await tx.execute(
            "DELETE FROM account_settings WHERE account = ? AND key = ? AND said_by = ?",
            (account, key, said_by.value),
        )


async def forget(tx: Transaction, account: str) -> None:
    """Forget all of an account."""
    await tx.execute("DELETE FROM account_settings WHERE account = ?", (account,))


def _setting(row: Row) -> AccountSetting:
    return AccountSetting(
        account=row[0],
        key=row[1],
        said_by=SaidBy(row[2]),
        value=row[3],
        changed_by=row[4],
        changed_at=codec.moment(row[5]),
    )
