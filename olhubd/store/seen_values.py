"""The words of sources that mappings are about: which were seen, on how many orders, and where last.

Counted in the transaction that stores the orders, one row for each word of an account: the state of a mapping is
known without a look at the orders. An order counts each time that it takes up a word.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.model import Order, OrderId
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["KEPT", "MOST", "SeenKind", "SeenValue", "every", "prune", "put", "status"]

KEPT = timedelta(days=400)
"""How long a word is kept that no order brings any more: a year and a month, for what is seen in one season
alone. No decision is made by it; one that comes again is counted from the start."""
_PRUNED = 500

MOST = 200
"""Words of one kind that one account may have. Beyond so many it is free text, which no mapping can name."""
_LONGEST = 200
"""Characters of a word; what is longer is no word."""


class SeenKind(enum.StrEnum):
    """What a word is about."""

    DELIVERY = "delivery"
    PAYMENT = "payment"
    STAGE = "stage"
    PROGRESS = "progress"
    STATUS = "status"
    """Of a copy at a target."""


class SeenValue(msgspec.Struct, frozen=True, kw_only=True):
    """One word of one account. `value` is what a mapping names it by, `label` what people call it.

    `known` is the hub's own word for it, where it has one; `example` the last order it was seen on.
    """

    account: str
    kind: SeenKind
    value: str
    label: str
    known: str | None
    orders: int
    first_at: datetime
    last_at: datetime
    example: OrderId


class _Count(msgspec.Struct):
    label: str
    known: str | None
    orders: int
    example: OrderId


_Word = tuple[SeenKind, str]


def _words(order: Order) -> Iterator[tuple[_Word, str, str | None]]:
    way, payment = order.shipping, order.payment
    if name := way.method_id or way.method:
        yield (SeenKind.DELIVERY, name), way.method or name, None
    if payment is not None:
        name = payment.external_type or payment.type.value
        yield (SeenKind.PAYMENT, name), name, payment.type.value
    if order.external_stage:
        yield (SeenKind.STAGE, order.external_stage), order.external_stage, order.stage.value
    if order.external_fulfilment:
        yield (SeenKind.PROGRESS, order.external_fulfilment), order.external_fulfilment, order.fulfilment.value


async def put(
    tx: Transaction, account: str, seen: Sequence[tuple[OrderId, Order, Order | None]], at: datetime
) -> None:
    """Count the words of orders, each with what it was before (None for a new one)."""
    counts: dict[_Word, _Count] = {}
    for id_, order, before in seen:
        had = {word for word, _, _ in _words(before)} if before is not None else ()
        for word, label, known in _words(order):
            if len(word[1]) > _LONGEST:
                continue
            count = counts.get(word)
            if count is None:
                count = counts[word] = _Count(label, known, 0, id_)
            count.example = max(count.example, id_)
            count.orders += word not in had
    await _add(tx, account, counts, at)


async def status(tx: Transaction, account: str, word: str, order_id: OrderId, at: datetime) -> None:
    """Count a status that a target reported of a copy."""
    if word and len(word) <= _LONGEST:
        await _add(tx, account, {(SeenKind.STATUS, word): _Count(word, None, 1, order_id)}, at)


async def _add(tx: Transaction, account: str, counts: dict[_Word, _Count], at: datetime) -> None:
    stamp = codec.stamp(at)
    await tx.executemany(
        "INSERT INTO sightings (account, kind, value, label, known, orders, first_at, last_at, example)"
        " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (account, kind, value) DO UPDATE SET"
        " label = excluded.label, known = excluded.known, orders = sightings.orders + ?,"
        " last_at = excluded.last_at, example = excluded.example",
        [
            # An order that took the word up long ago and has it still is one, where the word was pruned.
            (
                account,
                kind.value,
                value,
                count.label,
                count.known,
                max(1, count.orders),
                stamp,
                stamp,
                count.example,
                count.orders,
            )
            for (kind, value), count in counts.items()
        ],
    )


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some words that were seen last before; returns how many.

    By a walk through the words: an index would have to be moved at each landing to spare that, once an hour.
    """
    return await tx.execute(
        "DELETE FROM sightings WHERE (account, kind, value) IN"
        " (SELECT account, kind, value FROM sightings WHERE last_at < ? LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


async def every(reader: Reader) -> list[SeenValue]:
    """The words of all accounts: of each kind the most frequent first, and of one account no more than `MOST`."""
    rows = await reader.fetch(
        "SELECT account, kind, value, label, known, orders, first_at, last_at, example FROM (SELECT *, ROW_NUMBER()"
        " OVER (PARTITION BY account, kind ORDER BY orders DESC, value) AS place FROM sightings) WHERE place <= ?"
        " ORDER BY account, kind, place",
        (MOST,),
    )
    return [
        SeenValue(
            account=row[0],
            kind=SeenKind(row[1]),
            value=row[2],
            label=row[3],
            known=row[4],
            orders=row[5],
            first_at=codec.moment(row[6]),
            last_at=codec.moment(row[7]),
            example=row[8],
        )
        for row in rows
    ]
