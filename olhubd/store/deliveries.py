"""The outbox: what is to be sent to whom, in which state, and what the other side confirmed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.model import Action, Delivery, DeliveryId, DeliveryState, EventId, Kind, OrderId, Reason, Subject
from olhubd.store import codec, leases
from olhubd.store.base import LeaseLost, Reader, Row, Transaction

__all__ = [
    "Precedence",
    "add",
    "claim",
    "drop_superseded",
    "get",
    "listing",
    "many",
    "next_due",
    "of_orders",
    "of_subjects",
    "oldest",
    "oldest_open",
    "open_by_key",
    "recover",
    "save",
    "tally",
    "ties",
    "waiting_since",
]

_COLUMNS = (
    "id, subject_kind, subject_id, target, action, key, state, event_id, created_at, due_at, attempts,"
    " sent_at, lease_until, finished_at, external_id, reason, error, payload, ticket,"
    " unknown_tries, unknown_words"
)
_REPLACED = codec.reason(Reason("delivery.replaced"))
_WAITING = "(state = 'pending' OR state = 'retry' OR state = 'sent')"
_OPEN = "(state = 'pending' OR state = 'retry' OR state = 'sent' OR state = 'hold')"
_STUCK = "(state = 'hold' OR state = 'dead' OR state = 'discarded')"
"""The conditions of the partial indexes, which serve only a query that names them word for word.

They are no IN, for whose values SQLite makes a table each time that a row is written.
"""
_STUCK_STATES = frozenset({DeliveryState.HOLD, DeliveryState.DEAD, DeliveryState.DISCARDED})


class Precedence(msgspec.Struct, frozen=True, kw_only=True):
    """Actions by what waits behind them: nothing; nothing once it is held; or that pass a held delivery of what
    is at the target. `passing` are pairs: the first passes the second while that is to be tried again."""

    never: tuple[str, ...]
    until_held: tuple[str, ...]
    overtaking: tuple[str, ...]
    collected: tuple[str, ...] = ()
    """Behind these nothing waits as long as they wait for a window."""
    passing: tuple[tuple[str, str], ...] = ()


def _delivery(row: Row) -> Delivery:
    """A row, whatever is in it: one that cannot be read must not keep others from being read with it.

    What this version does not know of it, its reason says.
    """
    try:
        found = _read(row)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return _damaged(row)
    if found.reason is None and found.subject.kind is Kind.UNKNOWN:
        return msgspec.structs.replace(found, reason=Reason("delivery.unknown", word=row[1]))
    if found.reason is None and found.action.value != row[4]:
        return msgspec.structs.replace(found, reason=Reason("delivery.unknown", word=row[4]))
    return found


def _damaged(row: Row) -> Delivery:
    """What is left of a row that no version wrote: enough to show it, and to put it aside."""
    never = codec.moment(0)
    return Delivery(
        id=row[0],
        subject=Subject(Kind.UNKNOWN, row[2] if isinstance(row[2], int) else 0),
        target=str(row[3]),
        action=Action(str(row[4])),
        key=str(row[5]),
        state=DeliveryState(row[6]),
        event_id=EventId(row[7] if isinstance(row[7], int) else 0),
        created_at=never,
        due_at=never,
        reason=Reason("delivery.damaged"),
    )


def _read(row: Row) -> Delivery:
    return Delivery(
        id=row[0],
        subject=codec.subject(row[1], row[2]),
        target=row[3],
        action=Action(row[4]),
        key=row[5],
        state=DeliveryState(row[6]),
        event_id=row[7],
        created_at=codec.moment(row[8]),
        due_at=codec.moment(row[9]),
        attempts=row[10],
        sent_at=codec.moment(row[11]),
        lease_until=codec.moment(row[12]),
        finished_at=codec.moment(row[13]),
        external_id=row[14],
        reason=codec.text(row[15]),
        error=codec.text(row[16]),
        payload=msgspec.Raw(row[17]),
        ticket=row[18],
        unknown_tries=row[19],
        unknown_words=codec.text(row[20]),
    )


async def add(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Add deliveries. One that is there already under the same key is left as it is."""
    await tx.executemany(
        f"INSERT INTO deliveries ({_COLUMNS}) VALUES ({codec.marks(_COLUMNS.split(', '))})"
        " ON CONFLICT (subject_kind, subject_id, target, action, key) DO NOTHING",
        [
            (
                d.id,
                d.subject.kind.value,
                d.subject.id,
                d.target,
                d.action.value,
                d.key,
                d.state.value,
                d.event_id,
                codec.stamp(d.created_at),
                codec.stamp(d.due_at),
                d.attempts,
                codec.stamp(d.sent_at),
                codec.stamp(d.lease_until),
                codec.stamp(d.finished_at),
                d.external_id,
                codec.reason(d.reason),
                codec.reason(d.error),
                bytes(d.payload),
                d.ticket,
                d.unknown_tries,
                codec.reason(d.unknown_words),
            )
            for d in deliveries
        ],
    )


async def claim(
    tx: Transaction,
    target: str,
    precedence: Precedence,
    now: datetime,
    lease_until: datetime,
    limit: int,
    without: Sequence[DeliveryId] = (),
) -> list[Delivery]:
    """Take up to `limit` due deliveries, oldest first.

    None of them waits, by `precedence`, for an older open one about the same subject at this target.

    Those in `without` the caller has in hand, even if their leases ran out.

    The rows are now SENT under a lease, since from here on an attempt may happen. What comes back counts this
    attempt too, but keeps the state from before it: SENT there means that an earlier outcome is unknown.
    """
    stamp = codec.stamp(now)
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, (SELECT epoch FROM leases WHERE account = d.target) FROM deliveries AS d"
        f" WHERE target = ? AND {_WAITING} AND due_at <= ?"
        f" AND (lease_until IS NULL OR lease_until <= ?) AND NOT {_among('id', without)}"
        " AND NOT EXISTS (SELECT 1 FROM deliveries AS e WHERE e.subject_kind = d.subject_kind"
        " AND e.subject_id = d.subject_id AND e.target = d.target"
        # What waits for a person holds up what needs the order there, but no parcel waits for a refused status.
        f" AND e.id < d.id AND {_of('e', _OPEN)} AND NOT {_among('e.action', precedence.never)}"
        f" AND NOT (e.state = 'pending' AND e.due_at > ? AND {_among('e.action', precedence.collected)})"
        f" AND NOT (e.state = 'retry' AND ({_pairs(precedence.passing)}))"
        f" AND NOT (e.state = 'hold' AND ({_among('e.action', precedence.until_held)}"
        # What is there, though not as it should be, can be cancelled.
        f" OR ({_among('d.action', precedence.overtaking)} AND e.external_id IS NOT NULL))))"
        " ORDER BY due_at, id LIMIT ?",
        (
            target,
            stamp,
            stamp,
            *without,
            *precedence.never,
            stamp,
            *precedence.collected,
            *(action for pair in precedence.passing for action in pair),
            *precedence.until_held,
            *precedence.overtaking,
            limit,
        ),
    )
    if rows and (rows[0][-1] or 0) > leases.held(tx, target):
        raise LeaseLost(target)
    claimed = [_delivery(row) for row in rows]
    lease, epoch = codec.stamp(lease_until), tx.held.get(target, 0)
    await tx.executemany(
        "UPDATE deliveries SET lease_until = ?, attempts = attempts + 1, epoch = ?,"
        # Who let a lease run out may have sent it until now.
        " sent_at = CASE WHEN state = 'sent' AND lease_until IS NULL THEN sent_at ELSE ? END, state = 'sent'"
        " WHERE id = ?",
        [(lease, epoch, stamp, d.id) for d in claimed],
    )
    return [
        msgspec.structs.replace(
            d,
            attempts=d.attempts + 1,
            sent_at=d.sent_at if d.state is DeliveryState.SENT and d.lease_until is None else now,
            lease_until=lease_until,
        )
        for d in claimed
    ]


def _of(table: str, condition: str) -> str:
    """The same condition where there is more than one table whose state it could be."""
    return condition.replace("state", f"{table}.state")


def _among(column: str, values: Sequence[object]) -> str:
    """A condition that may be denied, also of no values."""
    return f"{column} IN ({codec.marks(values)})" if values else "1 = 0"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """A condition on the actions of a newer delivery and of an older one, together."""
    return " OR ".join(["(d.action = ? AND e.action = ?)"] * len(pairs)) or "1 = 0"


async def save(tx: Transaction, deliveries: Iterable[Delivery]) -> None:
    """Store the outcomes of deliveries that were claimed, and end their leases.

    Raises LeaseLost where another process has taken over one that was claimed here.
    """
    rows = list(deliveries)
    stored = await tx.executemany(
        "UPDATE deliveries SET state = ?, due_at = ?, attempts = ?, sent_at = ?, lease_until = ?, finished_at = ?,"
        " external_id = ?, reason = ?, error = ?, payload = ?, ticket = ?, unknown_tries = ?,"
        " unknown_words = ? WHERE id = ? AND epoch <= ?",
        [
            (
                d.state.value,
                codec.stamp(d.due_at),
                d.attempts,
                codec.stamp(d.sent_at),
                codec.stamp(d.lease_until),
                codec.stamp(d.finished_at),
                d.external_id,
                codec.reason(d.reason),
                codec.reason(d.error),
                bytes(d.payload),
                d.ticket,
                d.unknown_tries,
                codec.reason(d.unknown_words),
                d.id,
                leases.held(tx, d.target),
            )
            for d in rows
        ],
    )
    if stored < len(rows):
        for target in sorted({d.target for d in rows}):
            await leases.require(tx, target)


async def hasten(tx: Transaction, target: str, now: datetime) -> int:
    """Make due what is to be tried again at `target` and surely was not done. Returns how many there were."""
    return await tx.execute(
        "UPDATE deliveries SET due_at = ? WHERE target = ? AND state = 'retry' AND due_at > ?",
        (codec.stamp(now), target, codec.stamp(now)),
    )


async def recover(
    tx: Transaction, latest: datetime, at: datetime | None = None, taken: Collection[str] | None = None
) -> int:
    """End the leases of a process that is gone: at the targets that were `taken` over from it, or (None) at all.

    Nothing may be due after `latest` there. What was under way may have been sent as late as `at`, which is stored
    as the time of its sending: the look-up counts from then. Returns how many leases there were.
    """
    of = "" if taken is None else f" AND target IN ({codec.marks(list(taken))})"
    await tx.execute(
        f"UPDATE deliveries SET due_at = ? WHERE {_WAITING} AND due_at > ?{of}",
        (codec.stamp(latest), codec.stamp(latest), *(taken or ())),
    )
    # Without an epoch of its own yet: the highest is that of the lease, which this transaction has raised.
    return await tx.execute(
        "UPDATE deliveries SET lease_until = NULL, sent_at = COALESCE(?, sent_at),"
        " epoch = COALESCE((SELECT epoch FROM leases WHERE account = deliveries.target), epoch)"
        f" WHERE {_OPEN} AND lease_until IS NOT NULL{of}",
        (codec.stamp(at), *(taken or ())),
    )


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, list[Delivery]]:
    """All deliveries of these orders, oldest first."""
    found = await of_subjects(reader, [Subject.order(id_) for id_ in order_ids])
    return {subject.order_id: rows for subject, rows in found.items()}


async def of_subjects(reader: Reader, subjects: Collection[Subject]) -> dict[Subject, list[Delivery]]:
    """All deliveries about these subjects, oldest first."""
    found: dict[Subject, list[Delivery]] = {}
    where, parameters = codec.about(subjects)
    for row in await reader.fetch(f"SELECT {_COLUMNS} FROM deliveries WHERE {where} ORDER BY id", parameters):
        one = _delivery(row)
        found.setdefault(one.subject, []).append(one)
    return found


async def drop_superseded(
    tx: Transaction, subject: Subject, target: str, action: Action, key: str, at: datetime
) -> int:
    """Drop waiting and held deliveries of an action that a newer one replaces: the last value wins.

    Only those whose key begins with `key`.
    """
    return await tx.execute(
        "UPDATE deliveries SET state = 'dropped', finished_at = ?, reason = ?"
        " WHERE subject_kind = ? AND subject_id = ? AND target = ? AND action = ? AND substr(key, 1, ?) = ?"
        " AND state IN ('pending', 'retry', 'hold')",
        (codec.stamp(at), _REPLACED, subject.kind.value, subject.id, target, action.value, len(key), key),
    )


async def get(reader: Reader, delivery_id: int) -> Delivery | None:
    row = await reader.one(f"SELECT {_COLUMNS} FROM deliveries WHERE id = ?", (delivery_id,))
    return _delivery(row) if row else None


async def many(reader: Reader, ids: Sequence[int]) -> list[Delivery]:
    """Those of these deliveries that there are."""
    if not ids:
        return []
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM deliveries WHERE id IN ({codec.marks(ids)})", list(ids))
    return [_delivery(row) for row in rows]


async def listing(
    reader: Reader,
    *,
    states: Sequence[DeliveryState] = (),
    target: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """The newest deliveries first; `before` is the last id of the page before."""
    where: list[str] = ["id < ?"]
    latest = "id"
    parameters: list[Any] = [before if before is not None else 2**62]
    # Of all that ever was few are open or stuck: by their own indexes, not back through the whole outbox.
    few = _STUCK if _STUCK_STATES.issuperset(states) else _OPEN if all(state.open for state in states) else None
    if states and few is not None:
        where, latest = ["+id < ?", few], "+id"
    if states:
        where.append(f"state IN ({codec.marks(states)})")
        parameters.extend(state.value for state in states)
    if target is not None:
        where.append("target = ?")
        parameters.append(target)
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM deliveries WHERE {' AND '.join(where)} ORDER BY {latest} DESC LIMIT ?",
        [*parameters, limit],
    )
    return [_delivery(row) for row in rows]


async def next_due(reader: Reader, target: str, after: datetime) -> datetime | None:
    """When the first delivery to `target` that was not due yet at `after` is due."""
    row = await reader.one(
        f"SELECT MIN(due_at) FROM deliveries WHERE target = ? AND {_WAITING} AND due_at > ?",
        (target, codec.stamp(after)),
    )
    due_at: datetime | None = codec.moment(row[0]) if row else None
    return due_at


async def tally(reader: Reader) -> dict[tuple[str, DeliveryState], int]:
    """How many deliveries by (target, state), of those not yet settled, and of those that were refused for good."""
    rows = await reader.fetch(
        f"SELECT target, state, COUNT(*) FROM deliveries WHERE {_OPEN} GROUP BY target, state"
        " UNION ALL SELECT target, state, COUNT(*) FROM deliveries"
        f" WHERE {_STUCK} AND state = 'dead' GROUP BY target, state"
    )
    return {(row[0], DeliveryState(row[1])): row[2] for row in rows}


async def open_by_key(reader: Reader, action: Action, key: str) -> dict[str, int]:
    """How many open deliveries of this action each target has whose key begins with `key`."""
    rows = await reader.fetch(
        f"SELECT target, COUNT(*) FROM deliveries WHERE {_OPEN} AND action = ?"
        " AND substr(key, 1, ?) = ? GROUP BY target",
        (action.value, len(key), key),
    )
    return {row[0]: row[1] for row in rows}


async def ties(reader: Reader, account: str) -> tuple[int, int]:
    """How many open deliveries go to an account, and how many are about its orders elsewhere."""
    row = await reader.one(
        f"SELECT (SELECT COUNT(*) FROM deliveries WHERE target = ? AND {_OPEN}),"
        " (SELECT COUNT(*) FROM deliveries AS d"
        " JOIN orders AS o ON d.subject_kind = 'order' AND o.id = d.subject_id"
        f" WHERE {_of('d', _OPEN)} AND o.account = ? AND d.target <> ?)",
        (account, account, account),
    )
    return (row[0], row[1]) if row else (0, 0)


async def oldest_open(reader: Reader) -> dict[str, datetime]:
    """Since when each target has had something pending."""
    rows = await reader.fetch(f"SELECT target, MIN(created_at) FROM deliveries WHERE {_OPEN} GROUP BY target")
    return {row[0]: codec.moment(row[1]) for row in rows}


async def waiting_since(reader: Reader) -> dict[tuple[str, Action], datetime]:
    """Since when each target has had something pending that could be sent, by action: without what is held, or
    waits behind that."""
    rows = await reader.fetch(
        f"SELECT target, action, MIN(created_at) FROM deliveries AS d WHERE {_WAITING}"
        " AND NOT EXISTS (SELECT 1 FROM deliveries AS held WHERE held.subject_kind = d.subject_kind"
        " AND held.subject_id = d.subject_id AND held.target = d.target AND held.state || '' = 'hold')"
        " GROUP BY target, action"
    )
    return {(row[0], Action(row[1])): codec.moment(row[2]) for row in rows}


async def oldest(reader: Reader) -> Delivery | None:
    """What has been pending for longest, of all targets."""
    row = await reader.one(f"SELECT {_COLUMNS} FROM deliveries WHERE {_OPEN} ORDER BY created_at, id LIMIT 1")
    return _delivery(row) if row else None
