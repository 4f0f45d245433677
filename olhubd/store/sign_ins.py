"""The last sign-in of each account, so that one under way outlives the process that began it.

What a pending one is finished with is a secret, protected as tokens are, by the mode of the file. It is removed
with its use: a row without one is never finished with an old address. A process that has lost the account neither
takes a secret nor ends a sign-in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from olhubd.store import codec, leases
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["KEPT", "SignInRow", "claim", "delete", "end", "get", "pending", "prune", "put"]

KEPT = timedelta(days=1)
"""For how long after its time is over a sign-in can be asked about."""
_COLUMNS = (
    "account, key, state, flow, url, user_code, redirect_uri, secret, who, begun_at, expires_at, ended_at, login,"
    " reason"
)


class SignInRow(msgspec.Struct, frozen=True, kw_only=True):
    """`key` distinguishes those of one account. `state` is pending, done or failed. `secret` is None once used."""

    account: str
    key: str
    state: str
    flow: str
    url: str
    user_code: str | None = None
    redirect_uri: str | None = None
    secret: bytes | None = None
    who: str
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    login: str | None = None
    reason: str | None = None

    def __repr__(self) -> str:
        return f"SignInRow(<hidden>, account={self.account!r}, state={self.state!r})"


async def put(tx: Transaction, row: SignInRow) -> None:
    """Store a sign-in that begins, in place of the one before. Raises LeaseLost."""
    await leases.require(tx, row.account)
    await tx.execute("DELETE FROM sign_ins WHERE account = ?", (row.account,))
    await tx.execute(
        f"INSERT INTO sign_ins ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            row.account,
            row.key,
            row.state,
            row.flow,
            row.url,
            row.user_code,
            row.redirect_uri,
            row.secret,
            row.who,
            codec.stamp(row.begun_at),
            codec.stamp(row.expires_at),
            codec.stamp(row.ended_at),
            row.login,
            codec.reason(row.reason),
        ),
    )


async def get(reader: Reader, account: str) -> SignInRow | None:
    row = await reader.one(f"SELECT {_COLUMNS} FROM sign_ins WHERE account = ?", (account,))
    return None if row is None else _row(row)


async def pending(reader: Reader) -> list[SignInRow]:
    """Those that have not ended; there is one of an account at most."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM sign_ins WHERE state = 'pending' ORDER BY account")
    return [_row(row) for row in rows]


async def claim(tx: Transaction, account: str, key: str, who: str, now: datetime) -> bool:
    """Take the secret, which nobody can take again; False where it was taken, or its time is over. Raises
    LeaseLost."""
    await leases.require(tx, account)
    return bool(
        await tx.execute(
            "UPDATE sign_ins SET secret = NULL, who = ? WHERE account = ? AND key = ? AND state = 'pending'"
            " AND secret IS NOT NULL AND expires_at > ?",
            (who, account, key, codec.stamp(now)),
        )
    )


async def end(
    tx: Transaction, account: str, key: str, state: str, at: datetime, login: str | None, reason: str | None
) -> bool:
    """Store the end, and remove the secret; False where it has ended, or another one was begun since. Raises
    LeaseLost."""
    await leases.require(tx, account)
    return bool(
        await tx.execute(
            "UPDATE sign_ins SET state = ?, ended_at = ?, login = ?, reason = ?, secret = NULL"
            " WHERE account = ? AND key = ? AND state = 'pending'",
            (state, codec.stamp(at), login, codec.reason(reason), account, key),
        )
    )


async def delete(tx: Transaction, account: str) -> None:
    await tx.execute("DELETE FROM sign_ins WHERE account = ?", (account,))


async def prune(tx: Transaction, before: datetime, limit: int = 100) -> int:
    """Remove those whose time was over before that moment, a few at a time; returns how many."""
    return await tx.execute(
        "DELETE FROM sign_ins WHERE account IN (SELECT account FROM sign_ins WHERE expires_at < ? LIMIT ?)",
        (codec.stamp(before), limit),
    )


def _row(row: Row) -> SignInRow:
    return SignInRow(
        account=row[0],
        key=row[1],
        state=row[2],
        flow=row[3],
        url=row[4],
        user_code=row[5],
        redirect_uri=row[6],
        secret=row[7],
        who=row[8],
        begun_at=codec.moment(row[9]),
        expires_at=codec.moment(row[10]),
        ended_at=codec.moment(row[11]),
        login=row[12],
        reason=codec.text(row[13]),
    )
