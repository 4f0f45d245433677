"""The import log: every execution of every feed, also those that found nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.model import Reason, Run
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = [
    "QUIET_KEPT",
    "imports",
    "last_ended",
    "latest",
    "listing",
    "lose",
    "prune",
    "put",
    "read",
    "running_since",
    "since",
]

QUIET_KEPT = timedelta(days=90)
"""How long runs that brought nothing are kept; those that did are part of the history of orders."""
_PRUNED = 500

_COLUMNS = (
    "id, account, feed, trigger, started_at, ended_at, state, polls, seen,"
    " added, changed, quarantined, missed, error"
)
_LOSE = "UPDATE runs SET state = 'lost', error = ? WHERE state = 'running'"
_NAMES = [name.strip() for name in _COLUMNS.split(",")]


async def put(tx: Transaction, runs: Sequence[Run]) -> None:
    """Store or renew runs."""
    await tx.executemany(
        f"INSERT INTO runs ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET"
        " ended_at = excluded.ended_at, state = excluded.state, polls = excluded.polls, seen = excluded.seen,"
        " added = excluded.added, changed = excluded.changed, quarantined = excluded.quarantined,"
        " missed = excluded.missed, error = excluded.error",
        [
            (
                r.id,
                r.account,
                r.feed,
                r.trigger,
                codec.stamp(r.started_at),
                codec.stamp(r.ended_at),
                r.state.value,
                r.polls,
                r.seen,
                r.added,
                r.changed,
                r.quarantined,
                r.missed,
                codec.reason(r.error),
            )
            for r in runs
        ],
    )


async def lose(tx: Transaction, account: str | None = None, *, taken: Collection[str] | None = None) -> int:
    """Mark the runs that a process left unfinished: of the accounts that were `taken` over from it, or of all; or
    those of one `account` that has just ended."""
    if account is None:
        of = "" if taken is None else f" AND account IN ({codec.marks(list(taken))})"
        return await tx.execute(f"{_LOSE}{of}", (codec.reason(Reason("run.daemon-ended")), *(taken or ())))
    why = codec.reason(Reason("run.broken-off"))
    return await tx.execute(f"{_LOSE} AND account = ?", (why, account))


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some quiet runs that ended before; returns how many."""
    return await tx.execute(
        "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE state = 'done' AND added = 0 AND changed = 0"
        " AND quarantined = 0 AND missed = 0 AND ended_at < ? LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


async def listing(
    reader: Reader,
    *,
    account: str | None = None,
    wrong: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[Run]:
    """The newest runs first; with `wrong` only those that failed or were lost."""
    where: list[str] = ["id < ?"]
    parameters: list[Any] = [before if before is not None else 2**62]
    if account is not None:
        where.append("account = ?")
        parameters.append(account)
    if wrong:
        where.append("state IN ('failed', 'lost')")
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM runs WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", [*parameters, limit]
    )
    return [_run(row) for row in rows]


async def imports(
    reader: Reader, *, account: str | None = None, before: int | None = None, limit: int = 50
) -> list[Run]:
    """The newest imports of products first, of one account or of all."""
    of = " AND account = ?" if account is not None else ""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM runs WHERE feed = 'products' AND id < ?{of} ORDER BY id DESC LIMIT ?",
        [before if before is not None else 2**62, *([account] if account is not None else []), limit],
    )
    return [_run(row) for row in rows]


async def since(reader: Reader, account: str, feed: str, at: datetime) -> list[Run]:
    """The runs of a feed that began since then and read something or ended well, the newest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM runs WHERE account = ? AND feed = ? AND started_at >= ?"
        " AND (state = 'done' OR seen > 0) ORDER BY id DESC LIMIT 50",
        (account, feed, codec.stamp(at)),
    )
    return [_run(row) for row in rows]


async def read(reader: Reader, ids: Sequence[int]) -> dict[int, Run]:
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM runs WHERE id IN ({codec.marks(ids)})", list(ids))
    return {row[0]: _run(row) for row in rows}


async def latest(reader: Reader) -> dict[tuple[str, str], Run]:
    """The last run of each (account, feed)."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM runs WHERE id IN (SELECT MAX(id) FROM runs GROUP BY account, feed)"
    )
    return {(row[1], row[2]): _run(row) for row in rows}


async def last_ended(reader: Reader) -> dict[tuple[str, str], Run]:
    """The last run that ended by itself, well or not, of each feed and sweep whose place is stored."""
    # Each is sought from the newest on: a GROUP BY would walk through all runs there ever were.
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM runs WHERE id IN (SELECT (SELECT r.id FROM runs AS r WHERE r.account = f.account"
        " AND r.feed = f.feed AND (r.state = 'done' OR r.state = 'failed') ORDER BY r.id DESC LIMIT 1)"
        " FROM feeds AS f)"
    )
    return {(row[1], row[2]): _run(row) for row in rows}


async def running_since(reader: Reader, account: str) -> datetime | None:
    """When the oldest run of an account that is under way began, those of orders aside."""
    row = await reader.one(
        "SELECT MIN(started_at) FROM runs WHERE state = 'running' AND account = ? AND feed <> 'orders'", (account,)
    )
    found: datetime | None = codec.moment(row[0]) if row is not None else None
    return found


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(_NAMES, row, strict=True))
    values["started_at"] = codec.moment(values["started_at"])
    values["ended_at"] = codec.moment(values["ended_at"])
    values["error"] = codec.text(values["error"])
    return msgspec.convert(values, Run)
