"""Where each feed has landed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.store import codec, leases
from olhubd.store.base import LeaseLost, Reader, Transaction

__all__ = ["FeedPosition", "forget", "get", "of_account", "put"]


class FeedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A feed's cursor: everything up to it is stored. A sweep also has when it is due and since when it looks."""

    account: str
    feed: str
    cursor: str | None
    moved_at: datetime
    due_at: datetime | None = None
    since: datetime | None = None


async def put(tx: Transaction, position: FeedPosition) -> None:
    """Move a cursor. Raises LeaseLost where another process has taken the account over."""
    moved = await tx.execute(
        "INSERT INTO feeds (account, feed, cursor, moved_at, due_at, since, epoch) VALUES (?,?,?,?,?,?,?)"
        " ON CONFLICT (account, feed) DO UPDATE SET cursor = excluded.cursor, moved_at = excluded.moved_at,"
        " due_at = excluded.due_at, since = excluded.since, epoch = excluded.epoch"
        " WHERE feeds.epoch <= ?",
        (
            position.account,
            position.feed,
            position.cursor,
            codec.stamp(position.moved_at),
            codec.stamp(position.due_at),
            codec.stamp(position.since),
            tx.held.get(position.account, 0),
            leases.held(tx, position.account),
        ),
    )
    if not moved:
        raise LeaseLost(position.account)


async def forget(tx: Transaction, account: str) -> None:
    """Start again: all feeds of the account start as if it had never been."""
    await tx.execute("DELETE FROM feeds WHERE account = ?", (account,))


async def of_account(reader: Reader, account: str) -> dict[str, FeedPosition]:
    rows = await reader.fetch(
        "SELECT feed, cursor, moved_at, due_at, since FROM feeds WHERE account = ?", (account,)
    )
    return {
        row[0]: FeedPosition(
            account=account,
            feed=row[0],
            cursor=row[1],
            moved_at=codec.moment(row[2]),
            due_at=codec.moment(row[3]),
            since=codec.moment(row[4]),
        )
        for row in rows
    }


async def get(reader: Reader, account: str, feed: str) -> FeedPosition | None:
    return (await of_account(reader, account)).get(feed)
