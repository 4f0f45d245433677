"""Since when buyers of an account are written to about what, and how far the log was followed for that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["MailSwitch", "Switched", "cursor", "follow_from", "off", "on", "switches"]

MailSwitch = tuple[str, str, str]
"""The mail account, the account of the buyer's order, and the occasion."""


class Switched(msgspec.Struct, frozen=True):
    """When it was switched on, and the newest event there was: what is older is the past."""

    since: datetime
    after: int


async def switches(reader: Reader) -> Mapping[MailSwitch, Switched]:
    """All that are on."""
    rows = await reader.fetch("SELECT through, account, occasion, since, after FROM mail_switches")
    return {(row[0], row[1], row[2]): Switched(codec.moment(row[3]), row[4]) for row in rows}


async def on(tx: Transaction, wanted: Iterable[MailSwitch], now: datetime, after: int) -> None:
    """They are on from now on."""
    await tx.executemany(
        "INSERT INTO mail_switches (through, account, occasion, since, after) VALUES (?,?,?,?,?)",
        [(*one, codec.stamp(now), after) for one in wanted],
    )


async def off(tx: Transaction, unwanted: Iterable[MailSwitch]) -> None:
    """They are on no more; what happens until they are again is never written about."""
    await tx.executemany(
        "DELETE FROM mail_switches WHERE through = ? AND account = ? AND occasion = ?",
        [tuple(one) for one in unwanted],
    )


async def cursor(reader: Reader) -> int | None:
    """The last event that was looked at; None where none was."""
    row = await reader.one("SELECT event_id FROM mail_cursor WHERE id = 1")
    return int(row[0]) if row is not None else None


async def follow_from(tx: Transaction, event_id: int) -> None:
    """All up to this event was looked at."""
    await tx.execute(
        "INSERT INTO mail_cursor (id, event_id) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET event_id = ?",
        (event_id, event_id),
    )
