"""The log of events as a journal: the newest first, a page at a time, by account, kind and subject.

Each way through it is an index: the log itself, one account's part of it, or the kinds that few events are of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from olhubd.model import Event, Subject
from olhubd.store import codec
from olhubd.store.base import Reader
from olhubd.store.events import COLUMNS, event

__all__ = ["EVERYDAY", "page"]

EVERYDAY = ("order.placed", "order.confirmed", "order.paid", "delivery.confirmed")
"""The kinds that nearly all events are of. Those of any other kind are few, and have an index of their own."""
_NOTABLE = " AND ".join(f"kind <> {kind!r}" for kind in EVERYDAY)


async def page(
    reader: Reader,
    *,
    account: str | None = None,
    kinds: Collection[str] | None = None,
    subjects: Collection[Subject] | None = None,
    fading: Collection[str] = (),
    faded: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Event]:
    """The newest with an id below `before`. `kinds` are the only ones wanted, and none of the everyday ones.

    Events of the kinds `fading` are left out when they are from before `faded`.
    """
    where: list[str] = ["id < ?"]
    parameters: list[object] = [before if before is not None else 2**62]
    if account is not None:
        where.append("account = ?" if kinds is None and subjects is None else "account || '' = ?")
        parameters.append(account)
    if subjects is not None:
        condition, these = codec.about(subjects)
        where.append(condition)
        parameters += these
    if fading and faded is not None:
        where.append(f"NOT (at < ? AND kind || '' IN ({codec.marks(list(fading))}))")
        parameters += (codec.stamp(faded), *fading)
    legs: list[Sequence[object]] = [(*parameters, limit)]
    if kinds is not None and subjects is None:
        where += ("kind = ?", _NOTABLE)
        legs = [(*parameters, kind, limit) for kind in kinds]
    elif kinds is not None:
        where.append(f"kind || '' IN ({codec.marks(list(kinds))})")
        legs = [(*parameters, *kinds, limit)]
    if not legs:
        return []
    leg = f"SELECT id FROM (SELECT id FROM events WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?)"
    ids = await reader.fetch(
        f"{' UNION ALL '.join([leg] * len(legs))} ORDER BY 1 DESC LIMIT ?",
        [*(value for given in legs for value in given), limit],
    )
    found = [row[0] for row in ids]
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM events WHERE id IN ({codec.marks(found)}) ORDER BY id DESC", found
    )
    return [event(row) for row in rows]
