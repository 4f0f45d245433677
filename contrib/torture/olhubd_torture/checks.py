"""Holding the books: what the marketplaces and the shop say, against each other and against the hub's file.

Each finding begins with its kind in one word, by which a shrunken schedule is recognised as the same failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence

from olhubd.decide import onesided
from olhubd.decide.changes import CopyCancelled, CopyReopened
from olhubd.model import (
    Action,
    Alarm,
    AlarmKind,
    Delivery,
    DeliveryState,
    Kind,
    RunState,
    Stage,
    Subject,
    reference,
)
from olhubd.store import (
    Reader,
    accounts,
    alarms,
    deliveries,
    events,
    feeds,
    levels,
    list_prices,
    offer_drafts,
    offers,
    orders,
    products,
    quarantine,
    runs,
    stock_items,
    strangers,
)
from olhubd.store.accounts import AccountState
from olhubd.store.orders import StoredOrder
from olhubd_torture import latency
from olhubd_torture.market import Purchase
from olhubd_torture.rogue import ROGUE
from olhubd_torture.shop import DRAFT, SoldOrder
from olhubd_torture.world import World

__all__ = ["at_death", "at_end", "in_file", "quiet"]

_ALL = 100_000
_WORKING = (DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.RETRY)


Book = Callable[[World, Reader], Awaitable[list[str]]]
"""Gives what is wrong. A capability brings its own and puts it into one of the lists at the end of this module."""


async def _held(books: Sequence[Book], world: World, reader: Reader) -> list[str]:
    return [finding for book in books for finding in await book(world, reader)]


async def quiet(world: World, reader: Reader) -> bool:
    """Whether all is where it belongs and nothing is pending any more."""
    # An offer that shows what it should may be about to show what was sent a while ago.
    if await _working(reader) or await levels.unsettled(reader, world.markets):
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
    found += [f"failing: {name} has not recovered" for name in failing if ROGUE not in name]
    for line in log:
        if world.schedule.rogue and ROGUE in line:
            continue
        crashed = "connector failed" in line or ("has failed" in line and not world.disk_failed)
        if crashed or "has finished unexpectedly" in line:
            found.append(f"crash: {line}")
    return found


async def in_file(reader: Reader, log: str) -> list[str]:
    """What must hold in the file of a daemon that has settled, whatever its systems were; `log` is all it wrote."""
    people = set()
    for row in await _all_orders(reader):
        buyer = row.order.buyer
        people |= {value for value in (buyer.email, buyer.phone, buyer.login) if value}
    told = [f"secret: the log tells who bought, at {log.index(value)}" for value in people if value in log]
    return [*await _causes(None, reader), *await _ended(None, reader), *await _accounts(None, reader), *told]


async def _holds(reader: Reader) -> dict[tuple[str, str], list[Delivery]]:
    """What waits for a person, by account and external id of its order."""
    held = [
        one
        for one in await deliveries.listing(reader, states=[DeliveryState.HOLD], limit=_ALL)
        if one.subject.kind is Kind.ORDER
    ]
    rows = await orders.read(reader, [delivery.order_id for delivery in held])
    found: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in held:
        stored = rows[delivery.order_id]
        found.setdefault((stored.account, stored.order.external_id), []).append(delivery)
    return found


async def _told_of(reader: Reader) -> set[str]:
    """The marks in the shop of which an alarm warns a person, since nobody here knows what was bought."""
    raised = [one for one in await alarms.listing(reader, kind=AlarmKind.STRANGER) if one.open]
    return {
        one.reference
        for one in await strangers.unknown(reader)
        if any(one.account == alarm.subject and _names(alarm, one.reference) for alarm in raised)
    }


def _names(alarm: Alarm, mark: str) -> bool:
    return f"of {mark}," in alarm.detail.replace(")", ",") or "…" in alarm.detail  # of many it names the first


async def _sold(world: World, reader: Reader) -> list[str]:
    """Each order that is due is in the shop, once, alive, at its price and paid as it is; no other one is."""
    holds = await _holds(reader)
    told = await _told_of(reader)
    found: list[str] = []
    for market in world.markets.values():
        for purchase in market.purchases.values():
            mark = reference(market.name, purchase.id)
            marked = [sold for sold in world.shop.orders.values() if sold.reference == mark]
            there = [sold for sold in marked if sold.status != DRAFT]
            live = [sold for sold in there if sold.status != "cancelled"]
            held = holds.pop((market.name, purchase.id), [])
            # Of what another database had begun nobody knows; a draft is no order, and nobody is asked to pay it.
            forgotten = world.restored and not purchase.due
            if len(there) < len(marked) and not held and not forgotten:
                found.append(f"draft: {mark} was left half-made in the shop")
            reasons = "; ".join(delivery.reason or "" for delivery in held)
            if len(there) > 1:
                found.append(f"doubled: {mark} is in the shop as {', '.join(sold.id for sold in there)}")
            waits = any(delivery.action is not Action.AMEND_ORDER for delivery in held)
            found.extend(_one_sided(mark, purchase, bool(live), held))
            told_alive = any(onesided.asks(delivery, CopyReopened) for delivery in held)
            if waits and not _rightly(world, purchase, there):
                found.append(f"held: {mark} waits for a person: {reasons}")
            elif purchase.due and not live and not held:
                found.append(f"lost: {mark} is not in the shop, and nobody was told")
            elif live and not purchase.due and not waits and not told_alive and mark not in told:
                found.append(f"stray: {mark} is alive in the shop")
            elif live and purchase.due and not held:
                found.extend(_priced(mark, purchase, live[0], mark in world.accepted))
                found.extend(_lined(mark, purchase, live[0]))
    return found


def _one_sided(mark: str, purchase: Purchase, live: bool, held: Sequence[Delivery]) -> Iterator[str]:
    """Nobody is asked why one side is cancelled where it is not, or where both are."""
    for delivery in held:
        if onesided.asks(delivery) and (purchase.due is live or onesided.asks(delivery, CopyCancelled) is live):
            yield f"asked: {mark} waits for a person although both sides agree: {delivery.reason}"


def _rightly(world: World, purchase: Purchase, there: Sequence[SoldOrder]) -> bool:
    """Whether there is something that only a person can handle.

    The shop has another order than the one that was sent; or the database was one of before, and what is in the
    shop is off where it came from, or cancelled there although it is due.
    """
    if any(sold.wrong for sold in there):
        return True
    alive = any(sold.status != "cancelled" for sold in there)
    return bool(world.restored and there and not (alive and purchase.due))


def _lined(mark: str, purchase: Purchase, sold: SoldOrder) -> Iterator[str]:
    """A line that the shop dropped, or that has another quantity there."""
    bought = {f"{mark}/{line.external_id}": line.quantity for line in purchase.lines}
    there = {line.external_id: line.quantity for line in sold.lines}
    if bought != there:
        yield f"lines: {mark} has {bought}, the shop {there}, and nobody was told"


def _priced(mark: str, purchase: Purchase, sold: SoldOrder, accepted: bool) -> Iterator[str]:
    if sold.total.rounded() != purchase.total.rounded() and not accepted:
        yield f"total: {mark} costs {purchase.total}, the shop has {sold.total}"
    if sold.paid is not purchase.paid:
        yield f"payment: {mark} is paid: {purchase.paid}, by the shop: {sold.paid}"


async def _back(world: World, _reader: Reader) -> list[str]:
    """What the shop sent off is sent to the marketplace, each parcel once."""
    found = []
    for sold in world.shop.orders.values():
        account, _, id_ = (sold.reference or "").partition(":")
        if not id_ or not sold.waybills or sold.status == "cancelled":
            continue
        purchase = world.markets[account].purchases[id_]
        if purchase.merged is None and not purchase.cancelled and purchase.fulfilment != "SENT":
            found.append(f"back: {sold.reference} was sent, and the marketplace has it as {purchase.fulfilment}")
        if purchase.merged is None and Counter(purchase.waybills) != Counter(sold.waybills):
            found.append(f"parcel: {sold.reference} has {sold.waybills}, the marketplace {purchase.waybills}")
    return found


async def _all_orders(reader: Reader) -> list[StoredOrder]:
    listed = await orders.listing(reader, limit=_ALL)
    return list((await orders.read(reader, [row.id for row in listed])).values())


async def _rows(world: World, reader: Reader) -> list[str]:
    """The hub's rows are true, and there is one for each order and for nothing else."""
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
    """No cursor is ahead of the rows: what the journal sent before it is stored, or in quarantine."""
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
    """Every event has a cause that exists, every delivery its event, and both a subject that exists."""
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
    about = {event.subject for event in log if event.subject is not None} | {one.subject for one in owed}
    there = await orders.read(reader, [one.order_id for one in about if one.kind is Kind.ORDER])
    there_too = await _stock_subjects(reader, about)
    found += [
        f"subject: {one} does not exist"
        for one in sorted(about)
        if one not in there_too and (one.kind is not Kind.ORDER or one.order_id not in there)
    ]
    return found


async def _stock_subjects(reader: Reader, about: Collection[Subject]) -> set[Subject]:
    """Those of these that are offers, drafts of offers or stock items that exist."""
    drafts = await offer_drafts.read(reader, [one.id for one in about if one.kind is Kind.DRAFT])
    listed = await offers.read(reader, [one.id for one in about if one.kind is Kind.OFFER])
    items = await stock_items.read(reader, [one.id for one in about if one.kind is Kind.STOCK])
    found = {Subject(Kind.OFFER, id_) for id_ in listed} | {Subject(Kind.STOCK, id_) for id_ in items}
    costs = await list_prices.read(reader, [one.id for one in about if one.kind is Kind.PRICE])
    goods = await products.read(reader, [one.id for one in about if one.kind is Kind.PRODUCT])
    found |= {Subject(Kind.PRICE, id_) for id_ in costs} | {Subject(Kind.PRODUCT, id_) for id_ in goods}
    return found | {Subject(Kind.DRAFT, id_) for id_ in drafts}


async def _working(reader: Reader) -> list[Delivery]:
    """What is pending and does not wait behind something that a person must handle."""
    working = await deliveries.listing(reader, states=list(_WORKING), limit=_ALL)
    if not working:
        return []
    held = await deliveries.listing(reader, states=[DeliveryState.HOLD], limit=_ALL)
    behind = {(one.subject, one.target) for one in held if one.action is Action.PUSH_ORDER}
    return [one for one in working if (one.subject, one.target) not in behind]


async def _ended(_world: World | None, reader: Reader) -> list[str]:
    """Nothing is left half done."""
    found = [
        f"open: delivery {one.id} ({one.action.value} to {one.target}) is {one.state.value}: {one.error}"
        for one in await _working(reader)
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
        f"quarantine: {one.external_id}: {one.reason}"
        for one in await quarantine.listing(reader, limit=_ALL)
        if one.account != ROGUE
    ]
    return found


async def _accounts(_world: World | None, reader: Reader) -> list[str]:
    """No account is parked: nobody withdrew a grant."""
    return [
        f"parked: {row.name}: {row.reason}"
        for row in (await accounts.every(reader)).values()
        if row.state is not AccountState.ACTIVE and row.name != ROGUE
    ]


async def _secrets(world: World, reader: Reader, log: Sequence[str]) -> list[str]:
    """Neither people nor secrets are in the log, in events, or in what is said of deliveries and runs."""
    said = [*log]
    said += [bytes(event.data).decode() for event in await events.latest(reader, limit=_ALL)]
    said += [f"{one.reason} {one.error}" for one in await deliveries.listing(reader, limit=_ALL)]
    said += [str(run.error) for run in await runs.listing(reader, limit=_ALL)]
    return [f"secret: {text[:300]}" for text in said if "canary" in text]


async def _stock(world: World, reader: Reader) -> list[str]:
    """Each offer shows what is there, and the pieces add up."""
    if world.book is None:
        return []
    excused = bool(await _holds(reader) or await _told_of(reader))
    # What waited for a person a moment ago may be shown by the next sweep only.
    before, world.book.excused = world.book.excused, excused
    return list(world.book.settled(excused or before))


async def _promises(world: World, _reader: Reader) -> list[str]:
    """What was shown, or was to be, and could not be sold."""
    return world.book.findings if world.book is not None else []


async def _prices(world: World, _reader: Reader) -> list[str]:
    """Each offer costs what the shop's list said last."""
    return list(world.price_book.settled()) if world.price_book is not None else []


async def _priced_wrong(world: World, _reader: Reader) -> list[str]:
    """Prices that were to be sent, and should not have been."""
    return world.price_book.findings if world.price_book is not None else []


async def _complaints(world: World, _reader: Reader) -> list[str]:
    """What the others saw of us that they should not have."""
    return [
        f"refresh: {market.grant.overlaps} renewals of {market.name} overlapped another"
        for market in world.markets.values()
        if market.grant.overlaps
    ]


async def _listed(world: World, _reader: Reader) -> list[str]:
    """Each offer that was made is there as it was asked for last, and nobody has more to ask for."""
    if (book := world.offer_book) is None:
        return []
    waiting = [f"unasked: {len(book.asks)} things are still to be asked for"] if book.asks else []
    return [*waiting, *book.settled()]


async def _stalls(world: World, _reader: Reader) -> list[str]:
    """What was made or published at a moment, and should not have been."""
    return world.offer_book.findings if world.offer_book is not None else []


SETTLED: tuple[Book, ...] = (_back, _rows, _sold, _stock, _prices, _listed)
"""What is right only when the hub has settled; the end waits for these."""
ALWAYS: tuple[Book, ...] = (_cursors, _causes)
"""What is right at any moment, also in the file of a process that was killed."""
ENDED: tuple[Book, ...] = (
    _ended,
    _accounts,
    _complaints,
    _promises,
    _priced_wrong,
    _stalls,
    latency.late,
    latency.impatient,
)
"""What is held against everything once it has ended."""
