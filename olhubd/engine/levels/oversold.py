"""Writes down each order that needs more of a stock item than there is, once, with what was known at that moment.

That shows in two ways: by the order itself, whose pieces are not there any more, or by a reading of the stock
master that has fewer than orders need. What may be in a number already, since its copy was on the way to the master
when that was read, does not count as missing: the next reading says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.oversold import FoundBy, KnownOffer, OversoldFacts, cause_of, last_raise
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Kind, Order, OrderId, Reservation, Subject, code_of, plain
from olhubd.store import Transaction, events, levels, offers, orders, oversold, reservations, stock_items
from olhubd.store.oversold import OversoldOrder
from olhubd.store.stock_items import StockItem

__all__ = ["look"]

_BEFORE = timedelta(hours=1)
"""By how much an order of the master's own may be older than the reading that did not show it."""


async def look(
    tx: Transaction,
    recorder: Recorder,
    items: Collection[int],
    needing: Mapping[int, Sequence[Reservation]],
    by: FoundBy,
    rules: Sequence[StockRule],
) -> None:
    """Write down which orders need more of these items than there is, and where there is enough again.

    `needing` are the reservations that may be why, by item: those that have just grown, or those that a reading may
    have contradicted.
    """
    sold = {rule.master for rule in rules}
    known = {id_: one for id_, one in (await stock_items.read(tx, items)).items() if one.account in sold}
    await oversold.needless(tx, known, recorder.now)
    unseen = await reservations.unseen(tx, known)
    rest = {id_: one.level.free - unseen.get(id_, 0) for id_, one in known.items() if one.level.free is not None}
    if even := [id_ for id_, pieces in rest.items() if pieces >= 0]:
        await oversold.enough(tx, even, recorder.now)
    for id_ in sorted(id_ for id_, pieces in rest.items() if pieces < 0):
        if needing.get(id_):
            await _short(tx, recorder, known[id_], needing[id_], by, rules)


async def _short(
    tx: Transaction,
    recorder: Recorder,
    item: StockItem,
    needing: Sequence[Reservation],
    by: FoundBy,
    rules: Sequence[StockRule],
) -> None:
    """There may be too few of an item: those that reserved last are those for whom nothing is left."""
    reserved = (await reservations.of_items(tx, [item.id])).get(item.id, [])
    waiting = {row.order_id for row in reserved if row.unseen(item.read_after)}
    perhaps = await oversold.perhaps_seen(tx, waiting, item.account, item.read_at)
    surely = sum(row.unseen(item.read_after) for row in reserved if row.order_id not in perhaps)
    written = await oversold.missing(tx, [item.id])
    lacking = surely - (item.level.free or 0) - written.get(item.id, 0)
    done = await oversold.known(tx, item.id, {row.order_id for row in needing})
    by_order: dict[int, list[Reservation]] = {}
    for row in sorted(needing, key=lambda one: (one.opened_after, one.order_id)):
        by_order.setdefault(row.order_id, []).append(row)
    for order_id, rows in reversed(by_order.items()):
        pieces = min(lacking, sum(row.pieces for row in rows))
        if pieces <= 0 or done.get(order_id) is False:
            continue
        lacking -= pieces
        if order_id in done:
            continue  # a person has dealt with it, and it lacks them still: no other order does
        await _write(tx, recorder, item, rows, pieces, by)


async def _write(
    tx: Transaction, recorder: Recorder, item: StockItem, rows: Sequence[Reservation], pieces: int, by: FoundBy
) -> None:
    order_id, account = rows[0].order_id, rows[0].account
    stored = (await orders.read(tx, [OrderId(order_id)]))[OrderId(order_id)].order
    offer = await _offer(tx, account, stored, {row.line for row in rows}, item.id)
    unseen = await reservations.unseen(tx, [item.id])
    sales = [
        *await oversold.sales_of(tx, item.id, order_id),
        *await oversold.sales_at(tx, item.account, item.level.external_id, item.read_at - _BEFORE),
    ]
    facts = OversoldFacts(
        bought_at=stored.placed_at,
        found_at=recorder.now,
        pieces=sum(row.pieces for row in rows),
        master=item.account,
        counted=item.level.free or 0,
        reserved=unseen.get(item.id, 0),
        read_at=item.read_at,
        offer=offer,
        sales=tuple(sorted(sales, key=lambda one: one.landed_at, reverse=True)),
        commands=tuple(await oversold.commands_to(tx, account, offer.external_id)) if offer is not None else (),
    )
    found = OversoldOrder(
        id=await tx.next_id("oversold"),
        order_id=order_id,
        item=item.id,
        account=account,
        pieces=pieces,
        by=by,
        cause=cause_of(facts, by),
        found_at=recorder.now,
        facts=facts,
    )
    told: dict[str, object] = {
        "record": await oversold.add(tx, found),
        "order": order_id,
        "item": item.level.sku or item.level.external_id,
        "pieces": pieces,
        "why": found.cause.value,
    }
    await recorder.event("stock.oversold", account, Subject(Kind.STOCK, item.id), told)


async def _offer(
    tx: Transaction, account: str, order: Order, lines: Collection[str], item: int
) -> KnownOffer | None:
    """What is known of the offer by which lines of an order sell an item."""
    numbers = [line.offer_id for line in order.lines if line.external_id in lines and line.offer_id is not None]
    listed = await offers.by_external(tx, account, numbers)
    links = await offers.links_of(tx, {one.id for one in listed.values()})
    for number in numbers:
        if (offer := listed.get(number)) is None:
            continue
        units = [link.units for link in links.get(offer.id, ()) if link.item == item]
        if units:
            row = (await levels.of_offers(tx, [offer.id])).get(offer.id)
            return await _known(tx, number, units[0], row)
    return None


async def _known(tx: Transaction, number: str, units: int, row: OfferLevel | None) -> KnownOffer:
    if row is None:
        return KnownOffer(external_id=number, units=units)
    return KnownOffer(
        external_id=number,
        units=units,
        wanted=row.wanted,
        wanted_since=row.wanted_at or await events.at(tx, row.wanted_after),
        sent=row.sent,
        sent_at=row.sent_at,
        confirmed=row.confirmed,
        confirmed_at=row.confirmed_at,
        shown=row.wanted_at is None,
        phase=row.phase,
        bound=row.bound,
        held=code_of(row.held) or row.held,
        reason=plain(row.reason) if row.reason is not None else None,
        disputed_at=row.disputed_at,
        raised_at=last_raise(row.drifts),
    )
