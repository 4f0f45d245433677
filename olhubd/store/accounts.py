"""What the hub remembers of each account beside its configuration: whether it runs, since when, whose it is."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from olhubd.model import Reason
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["AccountRow", "AccountState", "every", "get", "put"]


class AccountState(enum.StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """By a person."""
    PARKED = "parked"
    """By the hub: the grant is lost or the marketplace blocked it; a person must mend it."""


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    connector: str
    state: AccountState
    changed_at: datetime
    reason: str | None = None
    started_at: datetime | None = None
    owner: str | None = None
    login: str | None = None
    title: str | None = None
    """What a person calls it, in place of the configured title."""
    fingerprint: str | None = None
    """Which system it was, by its settings, when it last proved whose it is."""
    removed_at: datetime | None = None

    @property
    def why_off(self) -> Reason:
        """Why it does nothing, where it is paused or parked."""
        return Reason(f"account.{self.state.value}", account=self.name, why=self.reason or Reason("by-person"))


_COLUMNS = "name, connector, state, reason, changed_at, started_at, owner, login, title, fingerprint, removed_at"


async def put(tx: Transaction, row: AccountRow) -> None:
    await tx.execute(
        f"INSERT INTO accounts ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (name) DO UPDATE SET"
        " connector = excluded.connector, state = excluded.state, reason = excluded.reason,"
        " changed_at = excluded.changed_at, started_at = excluded.started_at, owner = excluded.owner,"
        " login = excluded.login, title = excluded.title, fingerprint = excluded.fingerprint,"
        " removed_at = excluded.removed_at",
        (
            row.name,
            row.connector,
            row.state.value,
            codec.reason(row.reason),
            codec.stamp(row.changed_at),
            codec.stamp(row.started_at),
            row.owner,
            row.login,
            row.title,
            row.fingerprint,
            codec.stamp(row.removed_at),
        ),
    )


async def get(reader: Reader, name: str) -> AccountRow | None:
    row = await reader.one(f"SELECT {_COLUMNS} FROM accounts WHERE name = ?", (name,))
    return _account(row) if row else None


async def every(reader: Reader) -> dict[str, AccountRow]:
    return {row[0]: _account(row) for row in await reader.fetch(f"SELECT {_COLUMNS} FROM accounts")}


def _account(row: Row) -> AccountRow:
    return AccountRow(
        name=row[0],
        connector=row[1],
        state=AccountState(row[2]),
        reason=codec.text(row[3]),
        changed_at=codec.moment(row[4]),
        started_at=codec.moment(row[5]),
        owner=row[6],
        login=row[7],
        title=row[8],
        fingerprint=row[9],
        removed_at=codec.moment(row[10]),
    )
