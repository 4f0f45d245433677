"""The reservations of the orders that a transaction touched, in that same transaction.

It goes by how the orders stand, after all else of the transaction is written: every way in which an order can come
to stand otherwise ends in events, and the orders of those events are asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from olhubd.decide.changes import Placed
from olhubd.decide.route import Route
from olhubd.decide.stock.oversold import FoundBy
from olhubd.decide.stock.policy import StockPolicy, StockRule
from olhubd.decide.stock.reservation import Need, carries, due, takes
from olhubd.engine.levels.oversold import look
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Kind, OrderId, Reservation
from olhubd.store import Transaction, events, levels, orders, reservations, stock_items, target_orders

__all__ = ["look_at", "reserve", "reserve_orders", "sold"]


async def reserve(
    tx: Transaction, recorder: Recorder, routes: Sequence[Route], rules: Sequence[StockRule]
) -> frozenset[int]:
    """Make the reservations of all orders of which something was recorded. Gives the items that it changed."""
    if not rules or not recorder.events:
        return frozenset()
    touched = {
        event.subject.id
        for event in recorder.events
        if event.subject is not None and event.subject.kind is Kind.ORDER
    }
    grown: dict[int, list[Reservation]] = {}
    changed = await reserve_orders(tx, touched, recorder.events[-1].id, recorder.now, routes, rules, grown=grown)
    if changed:
        await look(tx, recorder, changed, grown, FoundBy.ORDER, rules)
    return changed


async def look_at(
    tx: Transaction, recorder: Recorder, order_ids: Collection[int], rules: Sequence[StockRule]
) -> None:
    """Look whether there is enough for orders that were reserved when what they bought was linked."""
    needing: dict[int, list[Reservation]] = {}
    for rows in (await reservations.of_orders(tx, order_ids)).values():
        for one in rows:
            if not one.taken:
                needing.setdefault(one.item, []).append(one)
    if needing:
        await look(tx, recorder, needing, needing, FoundBy.ORDER, rules)


async def reserve_orders(
    tx: Transaction,
    order_ids: Collection[int],
    after: int | None,
    now: datetime,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
    *,
    past: bool = False,
    grown: dict[int, list[Reservation]] | None = None,
) -> frozenset[int]:
    """Make the reservations of these orders. `after` is the newest event, None where it is to be looked up.

    Orders of the `past` came to stand as they do with their own newest event. What was taken off by then is shown
    by a reading that was asked for later, which may be there already. Those that need more pieces of an item than
    before are added to `grown`, by item.
    """
    if not order_ids:
        return frozenset()
    lines = await reservations.sold(tx, order_ids)
    known = await reservations.of_orders(tx, order_ids)
    concerned = sorted({*lines, *known})
    if not concerned:
        return frozenset()
    if after is None:
        after = await events.head(tx)
    items = {row.item for rows in known.values() for row in rows} | {
        line.item for some in lines.values() for line in some
    }
    await stock_items.lock(tx, items)
    known_items = await stock_items.read(tx, items)
    masters = {id_: item.account for id_, item in known_items.items()}
    lowered = {rule.master: rule.lowered_by for rule in rules}
    stored = await orders.read(tx, concerned)
    copies = await target_orders.of_orders(tx, concerned)
    since = await events.newest(tx, Kind.ORDER, concerned) if past else {}
    put: list[Reservation] = []
    changed: set[int] = set()
    sold_: Counter[int] = Counter()
    for order_id in concerned:
        row = stored[OrderId(order_id)]
        needs = [
            Need(line=one.line, item=one.item, master=one.master, pieces=one.pieces, live=one.live)
            for one in lines.get(order_id, ())
        ]
        status = {copy.account: copy.status or "" for copy in copies.get(row.id, ())}
        taken = {
            master: takes(
                row.order,
                status.get(master),
                lowered.get(master, frozenset()),
                carried=carries(routes, row.account, master),
            )
            for master in {*masters.values()}
        }
        at = since.get(order_id, 0) if past else after
        found = due(order_id, row.account, row.order, needs, known.get(order_id, ()), taken, after=at, now=now)
        put += found.put
        if found.end:
            await reservations.end(tx, order_id, found.end)
        changed |= found.items
        old = {(one.line, one.item): one.pieces for one in known.get(order_id, ())}
        for one in found.put:
            more = one.pieces - old.get((one.line, one.item), 0)
            sold_[one.item] += more
            if grown is not None and more > 0:
                grown.setdefault(one.item, []).append(one)
        for line, item in found.end:
            sold_[item] -= old[line, item]
    if put:
        await reservations.put(tx, put)
    if past:
        await reservations.settle(tx, {id_: item.read_after for id_, item in known_items.items()})
    if changed:
        await stock_items.mark(tx, changed, after, sold_)
    return frozenset(changed)


async def sold(tx: Transaction, account: str, recorder: Recorder, through: int, rules: Sequence[StockRule]) -> None:
    """Lower what is known of the offers of which orders have just come: their channel has done so at the sale.

    Only a reading that the orders were read to their end after can be lowered: they were up to `through`.
    """
    fresh = [
        event.subject.id
        for event in recorder.events
        if event.kind == Placed.kind and event.account == account and event.subject is not None
    ]
    if fresh:
        pieces = await reservations.pieces(tx, fresh)
        await levels.lower_sold(tx, account, pieces, through)
        if any(rule.policy is StockPolicy.ALLOCATED for rule in rules):
            await levels.lower_bound(tx, account, pieces, recorder.newest(through))
