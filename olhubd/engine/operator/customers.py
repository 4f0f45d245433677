"""What a person does with a customer: have them erased wherever the hub keeps them, as one deed with a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide import netting, plan
from olhubd.decide.erasure import Said, anonymised, identifying, personal, reachable
from olhubd.decide.override import Override
from olhubd.decide.route import Route
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.replay.recording import CONFIGURED
from olhubd.model import Cause, Delivery, Reason, Stage, Subject, reference
from olhubd.plugin import Clock
from olhubd.store import (
    Database,
    Transaction,
    codec,
    customers,
    deliveries,
    erasure,
    orders,
    overrides,
    target_orders,
)
from olhubd.store.orders import StoredOrder

__all__ = ["CustomerActions", "ErasureReceipt"]

_ALL = 2**31


class ErasureReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased where, in counts. It names nobody: `number` is that of the event that records the deed.

    `orders` stay with their lines, totals and taxes, without the person. `inputs` were forgotten up to the last one
    that held them. `targets` are the accounts whose own copies of the orders the hub does not erase, and `copies`
    the files beside the database that were made before and still hold all.
    """

    number: int
    account: str
    erased_at: datetime
    erased_by: str
    orders: int
    events: int
    deliveries: int
    quarantine: int
    inputs: int
    answers: int
    targets: tuple[str, ...]
    copies: tuple[str, ...]


class CustomerActions:
    """The hands of a person on customers."""

    def __init__(self, database: Database, clock: Clock, in_force: InForce) -> None:
        self._database = database
        self._clock = clock
        self._in_force = in_force

    async def erase(self, number: int, who: str) -> ErasureReceipt:
        """Erase a customer. Raises NotPossible with what is under way: an order that is not settled would be sent
        without its address."""
        now = self._clock.now()
        place = self._database.path
        copies = tuple(sorted(one.name for one in place.parent.glob(f"{place.name}.*backup*")))

        async def work(tx: Transaction) -> ErasureReceipt:
            found = (await customers.read(tx, [number])).get(number)
            if found is None:
                raise NotPossible(Reason("none.customer", customer=number))
            ids = await customers.orders_of(tx, number, limit=_ALL)
            rows = [row for part in codec.parts(ids) for row in (await orders.read(tx, part)).values()]
            await _settled(tx, rows, self._in_force.routes())
            account, subjects = found.record.account, [Subject.order(row.id) for row in rows]
            texts = Said(frozenset[str]().union(*(personal(row.order) for row in rows)))
            numbers = {row.external_id for row in rows}
            telling = frozenset[str]().union(*(identifying(row.order) for row in rows))
            ours = {f'"{reference(account, number)}"'.casefold() for number in numbers}
            reach = frozenset[str]().union(*(reachable(row.order) for row in rows)) | ours
            aside = await erasure.quarantined(tx, account, numbers, telling, reach)
            for record, waits in aside.items():
                if waits:
                    raise NotPossible(Reason("customers.in-quarantine", record=record))
            counts: dict[str, int] = {"orders": len(rows), "events": 0, "deliveries": 0}
            for part in codec.parts(subjects):
                counts["events"] += await erasure.cover_events(tx, part, texts)
                counts["deliveries"] += await erasure.cover_deliveries(tx, part, texts)
            await erasure.cover_runs(tx, texts)
            counts["quarantine"] = await erasure.forget_quarantined(tx, list(aside))
            known = {f'"{text}"'.casefold() for text in numbers} | telling
            counts["inputs"] = await erasure.forget_inputs(tx, known, sparing=CONFIGURED)
            counts["answers"] = await erasure.forget_answers(tx, known)
            for row in rows:
                await _anonymise(tx, row, now)
            there = await target_orders.of_orders(tx, ids)
            await customers.remove(tx, [number])
            recorder = Recorder(tx, now, Cause("operator", who))
            event = await recorder.event("customer.erased", account, None, dict[str, object](counts))
            await recorder.write(tx)
            return ErasureReceipt(
                number=event,
                account=account,
                erased_at=now,
                erased_by=who,
                targets=tuple(sorted({copy.account for some in there.values() for copy in some})),
                copies=copies,
                **counts,
            )

        return await self._database.write(work)


async def _settled(tx: Transaction, rows: Sequence[StoredOrder], routes: Sequence[Route]) -> None:
    """Raise NotPossible where an order of these is still under way."""
    for part in codec.parts(rows):
        owed = await deliveries.of_orders(tx, [row.id for row in part])
        for row in part:
            _settle_one(row, owed.get(row.id, ()), [route for route in routes if row.account in route.sources])


def _settle_one(row: StoredOrder, owed: Sequence[Delivery], routes: Sequence[Route]) -> None:
    for one in owed:
        if one.state.open:
            raise NotPossible(Reason("customers.under-way", order=row.id, delivery=one.id))
    if plan.withdrawn(row.order, row.superseded_by is not None) is not None or row.order.fulfilled_by_marketplace:
        return
    if row.order.stage is Stage.PLACED:
        raise NotPossible(Reason("customers.unfinished", order=row.id))
    holders = netting.holders(owed)
    for route in routes:
        if route.forward and route.target not in holders and not plan.ripe(row.order, route):
            raise NotPossible(Reason("customers.awaits-money", order=row.id, target=route.target))


async def _anonymise(tx: Transaction, row: StoredOrder, now: datetime) -> None:
    """The digest stays: the same report of its source is nothing new, and a later one is stripped as it lands."""
    order = anonymised(row.order)
    document = codec.encode(order)
    await orders.rewrite(tx, msgspec.structs.replace(row, order=order, document=document, changed_at=now))
    remark = (await overrides.of_orders(tx, [row.id])).get(row.id, Override())
    await overrides.put(tx, Subject.order(row.id), remark.without_buyer(), now)
