"""Holding the books: what the marketplaces and the shop say, against each other and against the hub's file.

Each finding begins with its kind in one word, by which a shrunken schedule is told to be the same failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from olhubd.model import Action, Delivery, DeliveryState, RunState, Stage, reference
from olhubd.store import Reader, accounts, deliveries, events, feeds, orders, quarantine, runs
from olhubd.store.accounts import AccountState
from olhubd.store.orders import Stored
from olhubd.testing.torture import haste
from olhubd.testing.torture.market import Market
from olhubd.testing.torture.shop import DRAFT, Sold
from olhubd.testing.torture.world import World

__all__ = ["at_death", "at_end", "in_file", "quiet"]

_ALL = 100_000
_WORKING = (DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.RETRY)


Book = Callable[[World, Reader], Awaitable[list[str]]]
"""Gives what is wrong. A capability brings its own and puts it into one of the lists at the end of this module."""


async def _held(books: Sequence[Book], world: World, reader: Reader) -> list[str]:
    return [finding for book in books for finding in await book(world, reader)]


async def quiet(world: World, reader: Reader) -> bool:
    """Whether all is where it belongs and nothing is owed any more."""
    tally = await deliveries.tally(reader)
    if any(state in _WORKING for _, state in tally):
        return False
    # What the shop did before the hub knew the order as its own is brought by the next sweep.
    return not await _held(SETTLED, world, reader)


async def at_death(world: World, reader: Reader) -> list[str]:
    """What must hold in the file at any moment, however the process ended."""
    return await _held(ALWAYS, world, reader)


async def at_end(world: World, reader: Reader, log: Sequence[str], failing: Iterable[str]) -> list[str]:
    """All that must hold once trouble is over and the hub has settled."""
    found = [
        *await _held((*SETTLED, *ALWAYS, *ENDED), world, reader),
        *await _secrets(world, reader, log),
    ]
    found += [f"failing: {name} has not recovered" for name in failing]
    for line in log:
        crashed = "connector failed" in line or ("has failed" in line and not world.disk_failed)
        if crashed or "has finished unexpectedly" in line:
            found.append(f"crash: {line}")
    return found


async def in_file(reader: Reader, log: str) -> list[str]:
    """What must hold in the file of a daemon that has settled, whoever its systems were; `log` is all it wrote."""
    people = set()
    for row in await _all_orders(reader):
        buyer = row.order.buyer
        people |= {value for value in (buyer.email, buyer.phone, buyer.login) if value}
    told = [f"secret: the log tells who bought, at {log.index(value)}" for value in people if value in log]
    return [*await _causes(None, reader), *await _ended(None, reader), *await _accounts(None, reader), *told]


async def _holds(reader: Reader) -> dict[tuple[str, str], list[Delivery]]:
    """What waits for a person, by account and external id of its order."""
    held = await deliveries.listing(reader, states=[DeliveryState.HOLD], limit=_ALL)
    rows = await orders.read(reader, [delivery.order_id for delivery in held])
    found: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in held:
        stored = rows[delivery.order_id]
        found.setdefault((stored.account, stored.order.external_id), []).append(delivery)
    return found


async def _sold(world: World, reader: Reader) -> list[str]:
    """Each order that is due is in the shop, once, alive, at its price and paid as it is; no other one is."""
    holds = await _holds(reader)
    found: list[str] = []
    for market in world.markets.values():
        for purchase in market.purchases.values():
            mark = reference(market.name, purchase.id)
            marked = [sold for sold in world.shop.orders.values() if sold.reference == mark]
            there = [sold for sold in marked if sold.status != DRAFT]
            live = [sold for sold in there if sold.status != "cancelled"]
            held = holds.pop((market.name, purchase.id), [])
            if len(there) < len(marked) and not held:
                found.append(f"draft: {mark} was left half-made in the shop")
            reasons = "; ".join(delivery.reason or "" for delivery in held)
            if len(there) > 1:
                found.append(f"doubled: {mark} is in the shop as {', '.join(sold.id for sold in there)}")
            if any(delivery.action is not Action.AMEND_ORDER for delivery in held):
                found.append(f"held: {mark} waits for a person: {reasons}")
            elif purchase.due and not live and not held:
                found.append(f"lost: {mark} is not in the shop, and nobody was told")
            elif live and not purchase.due:
                found.append(f"stray: {mark} is alive in the shop")
            elif live and purchase.due and not held:
                found.extend(_priced(mark, market, purchase.id, live[0]))
    return found


def _priced(mark: str, market: Market, id_: str, sold: Sold) -> Iterator[str]:
    purchase = market.purchases[id_]
    if sold.total.rounded() != purchase.total.rounded():
        yield f"total: {mark} costs {purchase.total}, the shop has {sold.total}"
    if sold.paid is not purchase.paid:
        yield f"payment: {mark} is paid: {purchase.paid}, by the shop: {sold.paid}"


async def _back(world: World, _reader: Reader) -> list[str]:
    """What the shop sent off is told to the marketplace, each parcel once."""
    found = []
    for sold in world.shop.orders.values():
        account, _, id_ = (sold.reference or "").partition(":")
        if not id_ or not sold.waybills:
            continue
        purchase = world.markets[account].purchases[id_]
        if purchase.merged is None and not purchase.cancelled and purchase.fulfilment != "SENT":
            found.append(f"back: {sold.reference} was sent, and the marketplace has it as {purchase.fulfilment}")
        if purchase.merged is None and Counter(purchase.waybills) != Counter(sold.waybills):
            found.append(f"parcel: {sold.reference} has {sold.waybills}, the marketplace {purchase.waybills}")
    return found


async def _all_orders(reader: Reader) -> list[Stored]:
    listed = await orders.listing(reader, limit=_ALL)
    return list((await orders.read(reader, [row.id for row in listed])).values())


async def _rows(world: World, reader: Reader) -> list[str]:
    """The hub's rows tell the truth, and there is one for each order and for nothing else."""
    found = []
    rows = await _all_orders(reader)
    known = {(row.account, row.order.external_id): row for row in rows}
    if len(known) < len(rows):
        found.append("rows: an order is stored twice")
    for market in world.markets.values():
        for purchase in market.purchases.values():
            row = known.pop((market.name, purchase.id), None)
            if purchase.merged is not None:
                if row is not None and row.superseded_by is None:
                    found.append(
                        f"superseded: {market.name}:{purchase.id} became {purchase.merged}, and still counts"
                    )
                continue
            if row is None:
                found.append(f"missing: {market.name}:{purchase.id} is not stored")
                continue
            stages = {"BOUGHT": Stage.PLACED, "READY": Stage.CONFIRMED, "CANCELLED": Stage.CANCELLED}
            theirs = (stages[purchase.stage], purchase.total, purchase.fulfilment)
            ours = (row.order.stage, row.order.total, row.order.external_fulfilment)
            if theirs != ours:
                found.append(f"stale: {market.name}:{purchase.id} is {theirs}, the hub has {ours}")
    own = {(world.shop.name, sold.id) for sold in world.shop.orders.values() if sold.reference is None}
    found += [f"ghost: {':'.join(key)} is nobody's order" for key in known.keys() - own]
    found += [f"missing: {':'.join(key)} is not stored" for key in own - known.keys()]
    return sorted(found)


async def _cursors(world: World, reader: Reader) -> list[str]:
    """No cursor is ahead of the rows: what the journal told before it is stored, or in quarantine."""
    found = []
    kept = {(one.account, one.external_id) for one in await quarantine.listing(reader, limit=_ALL)}
    for market in world.markets.values():
        position = await feeds.get(reader, market.name, "orders")
        if position is None or position.cursor is None:
            continue
        for number, id_ in market.told.items():
            purchase = market.purchases.get(id_)
            if number > int(position.cursor) or (market.name, id_) in kept:
                continue
            if purchase is None or purchase.merged is not None:
                continue
            if await orders.by_reference(reader, market.name, id_) is None:
                found.append(
                    f"cursor: of {market.name} is at {position.cursor}, and {id_}, told at {number}, is not stored"
                )
    return found


async def _causes(_world: World | None, reader: Reader) -> list[str]:
    """Every event has a cause that exists, every delivery its event."""
    log = await events.latest(reader, limit=_ALL)
    known = {event.id for event in log}
    owed = await deliveries.listing(reader, limit=_ALL)
    ran = {run.id for run in await runs.listing(reader, limit=_ALL)}
    found = []
    ended = {delivery.id for delivery in owed}
    for event in log:
        cause = event.cause
        if (cause.kind == "run" and int(cause.id) not in ran) or (
            cause.kind == "delivery" and int(cause.id) not in ended
        ):
            found.append(f"cause: of event {event.id} ({event.kind}) is {cause}, which does not exist")
        if not cause.kind or not cause.id:
            found.append(f"cause: event {event.id} ({event.kind}) has none")
    found += [f"cause: delivery {one.id} has no event" for one in owed if one.event_id not in known]
    return found


async def _ended(_world: World | None, reader: Reader) -> list[str]:
    """Nothing is left half done."""
    found = [
        f"open: delivery {one.id} ({one.action.value} to {one.target}) is {one.state.value}: {one.error}"
        for one in await deliveries.listing(reader, states=list(_WORKING), limit=_ALL)
    ]
    found += [
        f"dead: delivery {one.id} ({one.action.value} to {one.target}): {one.reason}"
        for one in await deliveries.listing(reader, states=[DeliveryState.DEAD], limit=_ALL)
        if one.action is not Action.SET_STATUS
    ]
    latest = await runs.latest(reader)
    found += [
        f"running: run {run.id} of {run.account} {run.feed} never ended"
        for run in await runs.listing(reader, limit=_ALL)
        if run.state is RunState.RUNNING and latest[run.account, run.feed].id != run.id
    ]
    found += [
        f"quarantine: {one.external_id}: {one.reason}" for one in await quarantine.listing(reader, limit=_ALL)
    ]
    return found


async def _accounts(_world: World | None, reader: Reader) -> list[str]:
    """No account is parked: nobody withdrew a grant."""
    return [
        f"parked: {row.name}: {row.reason}"
        for row in (await accounts.every(reader)).values()
        if row.state is not AccountState.ACTIVE
    ]


async def _secrets(world: World, reader: Reader, log: Sequence[str]) -> list[str]:
    """Neither people nor secrets are in the log, in events, or in what is said of deliveries and runs."""
    said = [*log]
    said += [bytes(event.data).decode() for event in await events.latest(reader, limit=_ALL)]
    said += [f"{one.reason} {one.error}" for one in await deliveries.listing(reader, limit=_ALL)]
    said += [str(run.error) for run in await runs.listing(reader, limit=_ALL)]
    return [f"secret: {text[:300]}" for text in said if "canary" in text]


async def _complaints(world: World, _reader: Reader) -> list[str]:
    """What the others saw of us that they should not have."""
    return [
        f"refresh: {market.grant.overlaps} renewals of {market.name} overlapped another"
        for market in world.markets.values()
        if market.grant.overlaps
    ]


SETTLED: tuple[Book, ...] = (_back, _rows, _sold)
"""What is right only when the hub has settled; the end waits for these."""
ALWAYS: tuple[Book, ...] = (_cursors, _causes)
"""What is right at any moment, also in the file of a process that was killed."""
ENDED: tuple[Book, ...] = (_ended, _accounts, _complaints, haste.late)
"""What is held against everything once it has ended."""
