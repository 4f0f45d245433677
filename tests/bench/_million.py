"""A database of many orders, filled by the store's own functions, for what is measured on one.

Orders of a thousand accounts over a year, interleaved as they would have landed: most confirmed and in the shop,
some cancelled or not yet paid, a few on hold, a few with a line that the shop knows no product for. A few accounts
have most of the orders and some have next to none, as sellers' accounts are. Nothing is random between two runs.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from olhubd.model import (
    Action,
    Cause,
    Delivery,
    DeliveryId,
    DeliveryState,
    Event,
    EventId,
    Fulfilment,
    Order,
    OrderId,
    Run,
    RunId,
    RunState,
    Stage,
    Subject,
)
from olhubd.store import (
    Database,
    Transaction,
    accounts,
    codec,
    deliveries,
    events,
    orders,
    runs,
    seen_values,
    target_orders,
)
from olhubd.store.accounts import AccountRow, AccountState
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder
from tests.bench.landing import canonical, forms

__all__ = ["BIG", "SHOP", "SMALL", "fill", "names"]

SHOP = "shop"
BIG, SMALL = "allegro-0", "allegro-999"
"""The account with the most orders, and one with a handful."""
_ACCOUNTS = 1000
_TEMPLATES = 400
_BATCH = 4000
_SPAN = timedelta(days=365)
_FIRST = ("Anna", "Jan", "Maria", "Piotr", "Zofia", "Tomasz", "Ewa", "Marek", "Julia", "Adam", "Olga", "Leon")
_LAST = ("Nowak", "Kowal", "Lis", "Mazur", "Krawczyk", "Wrona", "Zając", "Dudek", "Sowa", "Baran", "Kania", "Żak")
_STAGES = ((Stage.CONFIRMED, 920), (Stage.CANCELLED, 60), (Stage.PLACED, 20))
_WORDS = {Stage.CONFIRMED: "READY_FOR_PROCESSING", Stage.CANCELLED: "CANCELLED", Stage.PLACED: "BOUGHT"}
_PROGRESS = ((Fulfilment.NEW, 50), (Fulfilment.PROCESSING, 30), (Fulfilment.SENT, 900), (Fulfilment.RETURNED, 20))
_UNLINKED, _HELD = 200, 5000
"""One order in so many."""
_MADE = msgspec.Raw(b'{"external_stage":"READY_FOR_PROCESSING"}')


def names() -> list[str]:
    """The accounts that have orders."""
    return [f"allegro-{number}" for number in range(_ACCOUNTS)]


def _templates() -> list[Order]:
    """Orders as Allegro's become ours, of one to three lines."""
    raw = forms(_TEMPLATES)
    decoded = [codec.order(document) for document in canonical(raw)]
    return [
        msgspec.structs.replace(order, lines=order.lines[: 1 + number % len(order.lines)])
        for number, order in enumerate(decoded)
    ]


def _orders(count: int, now: datetime) -> Iterator[StoredOrder]:
    dice = random.Random(7)
    templates = _templates()
    every = names()
    weights = [1000 / (1 + number) ** 0.6 for number in range(_ACCOUNTS)]
    # One account had a few orders long ago, which is the longest way back.
    weights[-1] = 0.0
    owners = dice.choices(every, weights, k=count)
    owners[:5] = [SMALL] * 5
    stages = dice.choices([word for word, _ in _STAGES], [share for _, share in _STAGES], k=count)
    progress = dice.choices([word for word, _ in _PROGRESS], [share for _, share in _PROGRESS], k=count)
    for number in range(count):
        template = templates[number % _TEMPLATES]
        placed = now - _SPAN + _SPAN * number / count - timedelta(seconds=dice.randrange(600))
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        order = msgspec.structs.replace(
            template,
            external_id=f"{number:032x}",
            number=f"Z{number:07d}" if number % 2 else None,
            placed_at=placed,
            stage=stages[number],
            external_stage=_WORDS[stages[number]],
            fulfilment=progress[number],
            buyer=msgspec.structs.replace(
                template.buyer, login=f"{first}_{last}{dice.randrange(200)}", first_name=first, last_name=last
            ),
            lines=tuple(
                msgspec.structs.replace(line, external_id=f"{number}-{position}", sku=f"S{dice.randrange(20_000)}")
                for position, line in enumerate(template.lines)
            ),
        )
        order = msgspec.structs.replace(order, total=order.expected_total())
        document = codec.encode(order)
        landed = placed + timedelta(seconds=15)
        yield StoredOrder(
            id=OrderId(number + 1),
            account=owners[number],
            order=order,
            document=document,
            digest=codec.digest(document),
            created_at=landed,
            changed_at=landed,
        )


def fill(path: Path, count: int) -> None:
    """Make the file at `path`, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{unfinished}{suffix}").unlink(missing_ok=True)
    asyncio.run(_fill(unfinished, count))
    unfinished.rename(path)


async def _fill(unfinished: Path, count: int) -> None:
    now = datetime.now(UTC)
    made = _orders(count, now)
    event_ids = itertools.count(1)
    async with Database.open(unfinished) as database:
        await database.write(_roomy)
        await database.write(partial(_settle, now=now))
        while batch := list(itertools.islice(made, _BATCH)):
            await database.write(partial(_land, batch=batch, event_ids=event_ids, now=now))
        await database.write(partial(_log, count=count, now=now))


async def _roomy(tx: Transaction) -> None:
    """Filling is not what is measured: it may use memory that the daemon does not."""
    await tx.execute("PRAGMA cache_size = -400000")


async def _settle(tx: Transaction, now: datetime) -> None:
    for name in (*names(), SHOP):
        connector = "woocommerce" if name == SHOP else "allegro"
        row = AccountRow(
            name=name, connector=connector, state=AccountState.ACTIVE, changed_at=now - _SPAN, started_at=now
        )
        await accounts.put(tx, row)


async def _land(tx: Transaction, batch: Sequence[StoredOrder], event_ids: Iterator[int], now: datetime) -> None:
    told: list[Event] = []
    owed: list[Delivery] = []
    there: list[TargetOrder] = []
    for stored in batch:
        happened = _events(stored, event_ids)
        told += happened
        if stored.order.stage is Stage.CONFIRMED:
            delivery = _delivery(stored, happened[0].id)
            owed.append(delivery)
            if delivery.state is DeliveryState.CONFIRMED:
                there.append(_copy(stored))
                told.append(_event(stored, event_ids, "delivery.confirmed", Cause("delivery", str(delivery.id))))
    await orders.insert(tx, batch)
    await events.append(tx, told)
    await deliveries.add(tx, owed)
    await target_orders.put(tx, there)
    if batch[-1].created_at > now - timedelta(days=7):
        for account, part in _by_account(batch).items():
            await seen_values.put(tx, account, [(one.id, one.order, None) for one in part], now)


def _by_account(batch: Sequence[StoredOrder]) -> dict[str, list[StoredOrder]]:
    found: dict[str, list[StoredOrder]] = {}
    for stored in batch:
        found.setdefault(stored.account, []).append(stored)
    return found


def _event(stored: StoredOrder, ids: Iterator[int], kind: str, cause: Cause, data: msgspec.Raw = _MADE) -> Event:
    return Event(
        id=EventId(next(ids)),
        at=stored.created_at,
        kind=kind,
        account=stored.account,
        subject=Subject.order(stored.id),
        cause=cause,
        data=data,
    )


def _events(stored: StoredOrder, ids: Iterator[int]) -> list[Event]:
    kinds = {
        Stage.PLACED: ("order.placed",),
        Stage.CANCELLED: ("order.placed", "order.cancelled"),
        Stage.CONFIRMED: ("order.placed", "order.confirmed", "order.paid"),
    }
    paid = msgspec.Raw(codec.encode({"amount": stored.order.total}))
    cause = Cause("run", str(1 + stored.id // 4))
    return [
        _event(stored, ids, kind, cause, paid if kind == "order.paid" else _MADE)
        for kind in kinds[stored.order.stage]
    ]


def _delivery(stored: StoredOrder, cause: EventId) -> Delivery:
    held = stored.id % _HELD == 0
    return Delivery(
        id=DeliveryId(stored.id),
        subject=Subject.order(stored.id),
        target=SHOP,
        action=Action.PUSH_ORDER,
        key="",
        state=DeliveryState.HOLD if held else DeliveryState.CONFIRMED,
        event_id=cause,
        created_at=stored.created_at,
        due_at=stored.created_at,
        attempts=1,
        sent_at=stored.created_at,
        finished_at=None if held else stored.created_at + timedelta(seconds=1),
        external_id=None if held else _there(stored),
        reason="the shop refused it" if held else None,
    )


def _there(stored: StoredOrder) -> str:
    """A number in the shop that the simulator will not give again."""
    return str(50_000_000 + stored.id)


def _copy(stored: StoredOrder) -> TargetOrder:
    lines = stored.order.lines
    return TargetOrder(
        order_id=stored.id,
        account=SHOP,
        external_id=_there(stored),
        number=_there(stored),
        total=stored.order.total,
        status="completed",
        unlinked=(lines[0].external_id,) if stored.id % _UNLINKED == 0 else (),
        created_at=stored.created_at + timedelta(seconds=1),
    )


async def _log(tx: Transaction, count: int, now: datetime) -> None:
    """The import log: the runs that brought four orders each, one in two hundred of them failed."""
    every = names()
    made = []
    for number in range(1, count // 4 + 2):
        at = now - _SPAN + _SPAN * number * 4 / count
        failed = number % 200 == 0
        made.append(
            Run(
                id=RunId(number),
                account=every[number % len(every)],
                feed="orders",
                trigger="timer",
                started_at=at,
                ended_at=at,
                state=RunState.FAILED if failed else RunState.DONE,
                seen=4,
                added=0 if failed else 4,
                error="the marketplace did not answer" if failed else None,
            )
        )
    await runs.put(tx, made)
