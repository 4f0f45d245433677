"""The list of orders by what a person looks for. It finds ids; `orders.listing` makes rows of them.

Filters are judged within indexes, and a page costs what the page is long, not what the table is:

- by account, state, progress or amount: each (account, stage) is a sorted run of ids, and the runs are merged;
- by date: the orders in the order of their placing;
- by text or number, or with unlinked lines: the few ids that fit, found first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.model import Fulfilment, Stage
from olhubd.store import codec
from olhubd.store.database import Reader
from olhubd.store.orders import scaled

__all__ = ["Wanted", "find", "unlinked"]

_LEGS = 100
"""Sorted runs that one statement merges."""
_LAST = "\U0010ffff"
# What a target said counts; before any has the order, a line that no product could be known by is without one.
_NAMELESS = (
    "FROM order_lines WHERE sku IS NULL AND ean IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM copies WHERE copies.order_id = order_lines.order_id)"
)
_UNLINKED = f"SELECT order_id FROM copies WHERE unlinked <> x'5b5d' UNION SELECT order_id {_NAMELESS}"
_TEXT = (
    "SELECT id FROM orders WHERE buyer >= ? COLLATE NOCASE AND buyer < ? COLLATE NOCASE"
    " UNION SELECT order_id FROM order_lines WHERE sku = ? UNION SELECT order_id FROM order_lines WHERE ean = ?"
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; all that is given must fit. `accounts` None is any, and an empty tuple is none.

    `placed_from` is included, `placed_to` is not. Amounts are in whatever currency the order is. `text` begins the
    buyer's name, or is the SKU or EAN of a line. `ids` are the only ones that may be found.
    """

    accounts: tuple[str, ...] | None = None
    stage: Stage | None = None
    fulfilment: Fulfilment | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    text: str | None = None
    unlinked: bool = False
    ids: tuple[int, ...] | None = None

    @property
    def by_date(self) -> bool:
        """Whether what is found is in the order of its placing, and not of its landing."""
        return self.placed_from is not None or self.placed_to is not None


async def find(
    reader: Reader, wanted: Wanted, known: Sequence[str], *, before: int | None = None, limit: int = 50
) -> list[int]:
    """The newest first. `before` is the last id of the page before, `known` are all accounts that have orders."""
    if wanted.accounts == () or wanted.ids == ():
        return []
    if wanted.by_date:
        return await _dated(reader, wanted, before, limit)
    if wanted.text is not None or wanted.unlinked or wanted.ids is not None:
        where, parameters = _where(wanted, candidates=True)
        return await _ids(reader, where, parameters, before, limit)
    if wanted == Wanted():
        return await _ids(reader, [], [], before, limit)
    accounts = known if wanted.accounts is None else wanted.accounts
    return await _merged(reader, wanted, accounts, before, limit)


async def _ids(
    reader: Reader, where: Sequence[str], parameters: Sequence[object], before: int | None, limit: int
) -> list[int]:
    told = " AND ".join(["id < ?", *where])
    rows = await reader.fetch(
        f"SELECT id FROM orders WHERE {told} ORDER BY id DESC LIMIT ?", [_start(before), *parameters, limit]
    )
    return [row[0] for row in rows]


async def _dated(reader: Reader, wanted: Wanted, before: int | None, limit: int) -> list[int]:
    where, parameters = _where(wanted, candidates=True)
    if wanted.placed_from is not None:
        where.append("placed_at >= ?")
        parameters.append(codec.stamp(wanted.placed_from))
    if wanted.placed_to is not None:
        where.append("placed_at < ?")
        parameters.append(codec.stamp(wanted.placed_to))
    if before is not None:
        where.append("(placed_at, id) < ((SELECT placed_at FROM orders WHERE id = ?), ?)")
        parameters += (before, before)
    rows = await reader.fetch(
        f"SELECT id FROM orders INDEXED BY orders_dated WHERE {' AND '.join(where)}"
        " ORDER BY placed_at DESC, id DESC LIMIT ?",
        [*parameters, limit],
    )
    return [row[0] for row in rows]


async def _merged(
    reader: Reader, wanted: Wanted, accounts: Sequence[str], before: int | None, limit: int
) -> list[int]:
    """From each (account, stage) the newest, and of these the newest."""
    stages = tuple(Stage) if wanted.stage is None else (wanted.stage,)
    legs = [(account, stage.value) for account in dict.fromkeys(accounts) for stage in stages]
    where, parameters = _where(msgspec.structs.replace(wanted, accounts=None, stage=None), candidates=False)
    told = " AND ".join(["account = ?", "stage = ?", "id < ?", *where])
    leg = f"SELECT id FROM (SELECT id FROM orders WHERE {told} ORDER BY id DESC LIMIT ?)"
    found: list[int] = []
    for part in _parts(legs):
        given = [value for account, stage in part for value in (account, stage, _start(before), *parameters, limit)]
        sql = f"{' UNION ALL '.join([leg] * len(part))} ORDER BY 1 DESC LIMIT ?"
        found += [row[0] for row in await reader.fetch(sql, [*given, limit])]
    return heapq.nlargest(limit, found)


async def unlinked(reader: Reader, ids: Sequence[int]) -> dict[int, int]:
    """How many lines without a product these orders have; those that have none are left out."""
    marks = codec.marks(ids)
    rows = await reader.fetch(
        f"SELECT order_id, MAX(json_array_length(CAST(unlinked AS TEXT))) FROM copies WHERE order_id IN ({marks})"
        f" AND unlinked <> x'5b5d' GROUP BY order_id"
        f" UNION ALL SELECT order_id, COUNT(*) {_NAMELESS} AND order_id IN ({marks}) GROUP BY order_id",
        (*ids, *ids),
    )
    return {row[0]: row[1] for row in rows}


def _parts(legs: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    for start in range(0, len(legs), _LEGS):
        yield legs[start : start + _LEGS]


def _start(before: int | None) -> int:
    return before if before is not None else 2**62


def _where(wanted: Wanted, *, candidates: bool) -> tuple[list[str], list[object]]:
    """The conditions but for dates. The plus signs keep the database to the way that is meant."""
    where: list[str] = []
    parameters: list[object] = []
    if wanted.accounts is not None:
        where.append(f"+account IN ({codec.marks(wanted.accounts)})")
        parameters += wanted.accounts
    for column, word in (("stage", wanted.stage), ("fulfilment", wanted.fulfilment)):
        if word is not None:
            where.append(f"+{column} = ?")
            parameters.append(word.value)
    for sign, amount in ((">=", wanted.least), ("<=", wanted.most)):
        if amount is not None:
            where.append(f"amount {sign} ?")
            parameters.append(scaled(amount))
    if not candidates:
        return where, parameters
    if wanted.ids is not None:
        where.append(f"id IN ({codec.marks(wanted.ids)})")
        parameters += wanted.ids
    if wanted.text is not None:
        where.append(f"id IN ({_TEXT})")
        parameters += (wanted.text, wanted.text + _LAST, wanted.text, wanted.text)
    if wanted.unlinked:
        where.append(f"id IN ({_UNLINKED})")
    return where, parameters
