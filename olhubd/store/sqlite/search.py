"""The list of orders by what a person looks for. It finds ids; `orders.listing` makes rows of them.

No filter walks through a table of a million rows in vain:

- what fits one of the filters is counted in an index of its own, up to a few thousand; if it is fewer, these are
  judged by the other filters, each in an index that holds all columns that are asked for;
- if every filter lets through more, the list is walked, the newest first, and meets a page of them soon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.model import Fulfilment, Stage
from olhubd.store import codec
from olhubd.store.base import Reader
from olhubd.store.orders import scaled

__all__ = ["OrderSearch", "find", "unlinked"]

_FEW = 2_000
"""So many are judged one by one."""
_FEW_UNLINKED = 20_000
"""Of these more, since to judge in a walk whether an order is unlinked takes looks into two tables."""
_LEGS = 20
"""Accounts whose lists one statement merges; of more than that, all are walked."""
_LAST = "\U0010ffff"
_Part = tuple[str, Sequence[object]]
"""A piece of a statement with its parameters."""
# What a target said counts; before any has the order, a line that no product could be known by is without one.
_NAMELESS = (
    "FROM order_lines WHERE sku IS NULL AND ean IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM copies WHERE copies.order_id = order_lines.order_id)"
)
_UNLINKED = (
    "(EXISTS (SELECT 1 FROM copies WHERE order_id = orders.id AND unlinked <> x'5b5d')"
    f" OR EXISTS (SELECT 1 {_NAMELESS} AND order_id = orders.id))"
)
_MAYBE_UNLINKED = (
    "SELECT order_id FROM copies INDEXED BY copies_unlinked WHERE unlinked <> x'5b5d' UNION ALL"
    " SELECT order_id FROM order_lines INDEXED BY order_lines_nameless WHERE sku IS NULL AND ean IS NULL"
)
_BUYER = "buyer >= ? COLLATE NOCASE AND buyer < ? COLLATE NOCASE"
_TEXT = f"({_BUYER} OR EXISTS (SELECT 1 FROM order_lines WHERE order_id = orders.id AND (sku = ? OR ean = ?)))"
_WITH_TEXT = (
    f"SELECT id FROM orders INDEXED BY orders_buyer WHERE {_BUYER}"
    " UNION ALL SELECT order_id FROM order_lines WHERE sku = ?"
    " UNION ALL SELECT order_id FROM order_lines WHERE ean = ?"
)


class OrderSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; all that is given must fit. `accounts` None is any, and an empty tuple is none.

    `placed_from` is included, `placed_to` is not. Amounts are in whatever currency the order is. `text` begins the
    buyer's name, or is the SKU or EAN of a line. `ids` are the only ones that may be found.
    """

    accounts: tuple[str, ...] | None = None
    stage: Stage | None = None
    fulfilment: Fulfilment | None = None
    own_status: str | None = None
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


async def find(reader: Reader, wanted: OrderSearch, *, before: int | None = None, limit: int = 50) -> list[int]:
    """The newest first. `before` is the last id of the page before."""
    if wanted.accounts == () or wanted.ids == ():
        return []
    legs = _walks(wanted)
    for sql, parameters in _sources(wanted):
        few = _FEW_UNLINKED if sql is _MAYBE_UNLINKED else _FEW
        row = await reader.one(f"SELECT COUNT(*) FROM (SELECT 1 FROM ({sql}) LIMIT ?)", [*parameters, few + 1])
        if row is not None and row[0] <= few:
            legs = [("orders_listed", [(f"id IN ({sql})", parameters), *_accounts(wanted)])]
            break
    conditions = [*_conditions(wanted), *_page(wanted, before)]
    key = "placed_at" if wanted.by_date else "id"
    statements, given = [], []
    for index, own in legs:
        told = " AND ".join(sql for sql, _ in (*own, *conditions)) or "1"
        statements.append(
            f"SELECT * FROM (SELECT {key}, id FROM orders INDEXED BY {index} WHERE {told}"
            f" ORDER BY {key} DESC, id DESC LIMIT ?)"
        )
        given += [value for _, values in (*own, *conditions) for value in values]
        given.append(limit)
    rows = await reader.fetch(f"{' UNION ALL '.join(statements)} ORDER BY 1 DESC, 2 DESC LIMIT ?", [*given, limit])
    return [row[1] for row in rows]


def _sources(wanted: OrderSearch) -> Iterator[_Part]:
    """What fits one of the filters, each by its index. A date needs none: the walk goes by it."""
    if wanted.ids is not None:
        yield f"SELECT id FROM orders WHERE id IN ({codec.marks(wanted.ids)})", wanted.ids
    if wanted.text is not None:
        yield _WITH_TEXT, _spelled(wanted.text)
    if wanted.own_status is not None:
        yield "SELECT id FROM orders INDEXED BY orders_own_status WHERE own_status = ?", (wanted.own_status,)
    if wanted.accounts is not None and (wanted.unlinked or not _apart(wanted)):
        marks = codec.marks(wanted.accounts)
        yield f"SELECT id FROM orders INDEXED BY orders_of_account WHERE account IN ({marks})", wanted.accounts
    if wanted.unlinked:
        yield _MAYBE_UNLINKED, ()
    if wanted.least is not None or wanted.most is not None:
        parts = list(_amounts(wanted))
        told = " AND ".join(sql for sql, _ in parts)
        values = [value for _, values in parts for value in values]
        yield f"SELECT id FROM orders INDEXED BY orders_amount WHERE {told}", values
    if wanted.stage is not None or wanted.fulfilment is not None:
        states = tuple(Fulfilment) if wanted.fulfilment is None else (wanted.fulfilment,)
        stages = tuple(Stage) if wanted.stage is None else (wanted.stage,)
        told = f"fulfilment IN ({codec.marks(states)}) AND stage IN ({codec.marks(stages)})"
        words = [word.value for word in (*states, *stages)]
        yield f"SELECT id FROM orders INDEXED BY orders_progress WHERE {told}", words


def _walks(wanted: OrderSearch) -> list[tuple[str, Sequence[_Part]]]:
    """The sorted runs that are walked: of each account, or of all where that is as short a way."""
    if wanted.own_status is not None and not wanted.by_date and wanted.accounts is None:
        return [("orders_own_status", [("own_status = ?", (wanted.own_status,))])]
    if wanted.accounts is None or not _apart(wanted):
        return [("orders_dated" if wanted.by_date else "orders_listed", list(_accounts(wanted)))]
    index = "orders_placed" if wanted.by_date else "orders_of_account"
    return [(index, [("account = ?", (account,))]) for account in dict.fromkeys(wanted.accounts)]


def _apart(wanted: OrderSearch) -> bool:
    """Whether accounts are walked each by itself. Their lists do not hold the buyers."""
    return wanted.accounts is not None and len(wanted.accounts) <= _LEGS and wanted.text is None


def _accounts(wanted: OrderSearch) -> Iterator[_Part]:
    if wanted.accounts is not None:
        yield f"+account IN ({codec.marks(wanted.accounts)})", wanted.accounts


def _conditions(wanted: OrderSearch) -> Iterator[_Part]:
    """What a row is judged by, but for its account. The plus signs keep the database to the way that is meant."""
    for column, word in (("stage", wanted.stage), ("fulfilment", wanted.fulfilment)):
        if word is not None:
            yield f"+{column} = ?", (word.value,)
    if wanted.own_status is not None:
        yield "+own_status = ?", (wanted.own_status,)
    yield from _amounts(wanted)
    if wanted.placed_from is not None:
        yield "placed_at >= ?", (codec.stamp(wanted.placed_from),)
    if wanted.placed_to is not None:
        yield "placed_at < ?", (codec.stamp(wanted.placed_to),)
    if wanted.text is not None:
        yield _TEXT, _spelled(wanted.text)
    if wanted.unlinked:
        yield _UNLINKED, ()


def _amounts(wanted: OrderSearch) -> Iterator[_Part]:
    for sign, amount in ((">=", wanted.least), ("<=", wanted.most)):
        if amount is not None:
            yield f"amount {sign} ?", (scaled(amount),)


def _page(wanted: OrderSearch, before: int | None) -> Iterator[_Part]:
    if before is None:
        return
    if wanted.by_date:
        yield "(placed_at, id) < ((SELECT placed_at FROM orders WHERE id = ?), ?)", (before, before)
    else:
        yield "id < ?", (before,)


def _spelled(text: str) -> Sequence[str]:
    return (text, text + _LAST, text, text)


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
