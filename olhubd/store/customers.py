"""Who bought: one row for each buyer of an account, kept with the orders in their own transaction.

A customer is found by what its account knows the buyer by. The newest order says how they are called and where they
are; what it is silent about stays as older ones had it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.customers import customer_of, key_of, merged, terms
from olhubd.decide.erasure import anonymous
from olhubd.model import Customer, OrderId
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction
from olhubd.store.orders import StoredOrder

__all__ = [
    "CustomerSearch",
    "StoredCustomer",
    "by_key",
    "counts",
    "find",
    "keep",
    "names",
    "of_orders",
    "orders_of",
    "read",
    "remove",
]

_FEW = 2_000
"""So many that fit a text are judged one by one; where there are more, the list is walked."""
_FIRST = 2**62
_LAST = "\U0010ffff"


class StoredCustomer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A customer with when their first and their last order were placed."""

    id: int
    record: Customer
    first_at: datetime
    last_at: datetime


class CustomerSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; all that is given must fit.

    `words` are spellings of one text, with any of which a term begins (`olhubd.decide.customers.words`). `within`
    are the only territories meant, `beyond` those not meant. `ids` are the only ones that may be found.
    """

    account: str | None = None
    words: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None
    beyond: tuple[str, ...] | None = None
    ids: tuple[int, ...] | None = None


_COLUMNS = "id, document, first_at, last_at"
_DECODE = msgspec.json.Decoder(Customer).decode


async def keep(tx: Transaction, account: str, rows: Sequence[StoredOrder]) -> None:
    """Keep the customers of these orders of an account, which are new or have changed.

    An order that says nothing of who bought it has none.
    """
    rows = [row for row in rows if not anonymous(row.order)]
    if not rows:
        return
    found = await by_key(tx, account, {key_of(row.order) for row in rows})
    held = dict(found)
    linked = await of_orders(tx, [row.id for row in rows])
    links: list[tuple[OrderId, int]] = []
    for row in sorted(rows, key=lambda row: (row.order.placed_at, row.id)):
        one, placed = customer_of(account, row.order), row.order.placed_at
        known = held.get(one.key)
        if known is None:
            number = await tx.next_id("customers")
            known = StoredCustomer(id=number, record=one, first_at=placed, last_at=placed)
        else:
            newer = placed >= known.last_at
            known = StoredCustomer(
                id=known.id,
                record=merged(known.record, one) if newer else merged(one, known.record),
                first_at=min(placed, known.first_at),
                last_at=max(placed, known.last_at),
            )
        held[one.key] = known
        if linked.get(row.id) != known.id:
            links.append((row.id, known.id))
    await _put(tx, [one for key, one in held.items() if one != found.get(key)], found)
    await tx.executemany(
        "INSERT INTO customer_orders (order_id, customer_id) VALUES (?, ?)"
        " ON CONFLICT (order_id) DO UPDATE SET customer_id = excluded.customer_id",
        links,
    )
    if left := {linked[order] for order, _ in links if order in linked}:
        await remove(tx, left.difference(await _with_orders(tx, left)))


async def _put(tx: Transaction, rows: Sequence[StoredCustomer], before: dict[str, StoredCustomer]) -> None:
    await tx.executemany(
        "INSERT INTO customers (id, account, identity, territory, document, first_at, last_at)"
        " VALUES (?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET territory = excluded.territory,"
        " document = excluded.document, first_at = excluded.first_at, last_at = excluded.last_at",
        [
            (
                one.id,
                one.record.account,
                one.record.key,
                one.record.territory,
                codec.encode(one.record),
                codec.stamp(one.first_at),
                codec.stamp(one.last_at),
            )
            for one in rows
        ],
    )
    gone: list[tuple[int, str]] = []
    added: list[tuple[str, int]] = []
    for one in rows:
        old = before.get(one.record.key)
        had, has = terms(old.record) if old is not None else frozenset(), terms(one.record)
        gone += [(one.id, term) for term in had - has]
        added += [(term, one.id) for term in has - had]
    await tx.executemany("DELETE FROM customer_terms WHERE customer_id = ? AND term = ?", gone)
    await tx.executemany(
        "INSERT INTO customer_terms (term, customer_id) VALUES (?, ?) ON CONFLICT (term, customer_id) DO NOTHING",
        added,
    )


async def remove(tx: Transaction, ids: Collection[int]) -> None:
    """Forget these customers with all they are found by. Their orders stay."""
    for part in codec.parts(ids):
        marks = codec.marks(part)
        await tx.execute(f"DELETE FROM customer_orders WHERE customer_id IN ({marks})", part)
        await tx.execute(f"DELETE FROM customer_terms WHERE customer_id IN ({marks})", part)
        await tx.execute(f"DELETE FROM customers WHERE id IN ({marks})", part)


async def by_key(reader: Reader, account: str, keys: Collection[str]) -> dict[str, StoredCustomer]:
    """The customers of an account by what it knows them by."""
    found: dict[str, StoredCustomer] = {}
    for part in codec.parts(keys):
        rows = await reader.fetch(
            f"SELECT {_COLUMNS} FROM customers WHERE account = ? AND identity IN ({codec.marks(part)})",
            (account, *part),
        )
        found.update((one.record.key, one) for one in map(_customer, rows))
    return found


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredCustomer]:
    """These customers, by number."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM customers WHERE id IN ({codec.marks(list(ids))})", list(ids))
    return {row[0]: _customer(row) for row in rows}


async def names(reader: Reader, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """The account of each of these customers, and what it knows them by."""
    rows = await reader.fetch(
        f"SELECT id, account, identity FROM customers WHERE id IN ({codec.marks(list(ids))})", list(ids)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[int, int]:
    """The number of the customer of each of these orders."""
    rows = await reader.fetch(
        f"SELECT order_id, customer_id FROM customer_orders WHERE order_id IN ({codec.marks(order_ids)})",
        list(order_ids),
    )
    return {row[0]: row[1] for row in rows}


async def orders_of(reader: Reader, customer: int, *, before: int | None = None, limit: int = 50) -> list[OrderId]:
    """The orders of a customer, the newest first. `before` is the last id of the page before."""
    rows = await reader.fetch(
        "SELECT order_id FROM customer_orders WHERE customer_id = ? AND order_id < ?"
        " ORDER BY order_id DESC LIMIT ?",
        (customer, before if before is not None else _FIRST, limit),
    )
    return [row[0] for row in rows]


async def counts(reader: Reader, ids: Collection[int]) -> dict[int, int]:
    """How many orders each of these customers has; those without any are left out."""
    rows = await reader.fetch(
        "SELECT customer_id, COUNT(*) FROM customer_orders"
        f" WHERE customer_id IN ({codec.marks(list(ids))}) GROUP BY customer_id",
        list(ids),
    )
    return {row[0]: row[1] for row in rows}


async def _with_orders(reader: Reader, ids: Collection[int]) -> set[int]:
    return set(await counts(reader, ids))


async def find(reader: Reader, wanted: CustomerSearch, *, before: int | None = None, limit: int = 50) -> list[int]:
    """The newest first. `before` is the last id of the page before."""
    where, given = ["id < ?"], [before if before is not None else _FIRST]
    parameters: list[object] = [*given]
    ids = wanted.ids
    if wanted.words:
        begins = " OR ".join("(term >= ? AND term < ?)" for _ in wanted.words)
        bounds = [bound for word in wanted.words for bound in (word, word + _LAST)]
        few = await reader.fetch(
            f"SELECT DISTINCT customer_id FROM customer_terms WHERE {begins} LIMIT ?", [*bounds, _FEW + 1]
        )
        if len(few) <= _FEW:
            met = {row[0] for row in few}
            ids = tuple(met if ids is None else met.intersection(ids))
        else:
            where.append(f"EXISTS (SELECT 1 FROM customer_terms WHERE customer_id = customers.id AND ({begins}))")
            parameters += bounds
    if ids is not None:
        where.append(f"id IN ({codec.marks(ids)})")
        parameters += ids
    if wanted.account is not None:
        where.append("account = ?")
        parameters.append(wanted.account)
    if wanted.within is not None:
        where.append(f"territory IN ({codec.marks(wanted.within)})")
        parameters += wanted.within
    if wanted.beyond is not None:
        where.append(f"territory IS NOT NULL AND territory NOT IN ({codec.marks(wanted.beyond)})")
        parameters += wanted.beyond
    rows = await reader.fetch(
        f"SELECT id FROM customers WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", [*parameters, limit]
    )
    return [row[0] for row in rows]


def _customer(row: Row) -> StoredCustomer:
    return StoredCustomer(
        id=row[0], record=_DECODE(row[1]), first_at=codec.moment(row[2]), last_at=codec.moment(row[3])
    )
