"""The flow of orders: what becomes of them within one transaction of a landing.

The order of steps: copies of our own orders are recognised; what makes no sense is quarantined; what is sent again
and is not different is dropped by its digest; the rest is compared, contested for lines
(`olhubd.engine.flow.contested`), and planned for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import msgspec

from olhubd.decide import changes, compare, validate
from olhubd.decide.merge import called_off, merge
from olhubd.decide.override import Override, as_reported, contested, stand
from olhubd.decide.own_status import next_status
from olhubd.engine.flow.contested import LineContest, happened, uncontested
from olhubd.engine.flow.copies import CopyUpdates
from olhubd.engine.flow.displaced import displace, somebody_elses
from olhubd.engine.flow.flow import FlowContext, RecordFlow, Result
from olhubd.engine.flow.prepared import SLICE, Candidate
from olhubd.model import Kind, Order, OrderId, Subject, reference
from olhubd.store import (
    Reader,
    codec,
    customers,
    orders,
    overrides,
    quarantine,
    seen_values,
    strangers,
    target_orders,
)

__all__ = ["OrderFlow", "OrderLanding"]

_GONE = b"gone"
ORDERS = "orders"
"""The feed itself, as runs call it; what comes by another way may be older than what it reported."""


class OrderFlow(RecordFlow[Order]):
    """Orders of an account, and copies of ours that come back in a target's own feed."""

    kind = Kind.ORDER
    record = Order
    rereads = True
    tables = orders.TABLES

    def objection(self, record: Order) -> str | None:
        return validate.objection(record)

    def decode(self, document: bytes) -> Order:
        return codec.order(document)

    async def held(
        self, reader: Reader, account: str, external_ids: Sequence[str]
    ) -> Mapping[str, orders.OrderHead]:
        return await orders.held(reader, account, external_ids)

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        return await orders.names(reader, ids)

    async def read(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, orders.StoredOrder]:
        return {int(id_): stored for id_, stored in (await orders.read(reader, ids)).items()}

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[Order]]) -> Result:
        return await OrderLanding(context).land(candidates)

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        return await OrderLanding(context).gone(external_ids)


class OrderLanding:
    """The orders of one transaction."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context
        self._tx = context.tx
        self._account = context.account
        self._lines = LineContest(context)
        self._touched: set[str] = set()
        """The orders for which it made a difference."""
        self._result = Result()

    async def land(self, candidates: Sequence[Candidate[Order]]) -> Result:
        context, result = self._context, self._result
        refused: list[quarantine.QuarantineDraft] = []
        good: list[Candidate[Order]] = []
        echoes: list[Order] = []
        unwanted = await self._unwanted(candidates)
        for candidate in await self._called_off(candidates):
            order = candidate.record
            if candidate.fault is not None:
                refused.append(_refused(candidate, candidate.fault))
            elif order.reference is not None:
                echoes.append(order)
            elif order.external_id in unwanted:
                result.ignored += 1
            elif candidate.objection is not None:
                refused.append(_refused(candidate, candidate.objection))
            else:
                good.append(candidate)
        good, unmarked = await self._without_copies(good)
        returned = [*echoes, *unmarked]
        result.echoes += len(returned)
        echo = CopyUpdates(context)
        result.count(changed=await echo.take(returned))
        groups = uncontested(good)
        for group in groups:
            await self._group(group)
        await self._passed_over([c.record for c in candidates if c.external_id in unwanted])
        self._touched |= echo.touched.union(one.external_id for one in refused)
        await context.refuse(refused)
        result.count(quarantined=len(refused))
        landed = [*(c.external_id for c in good), *(order.external_id for order in returned)]
        freed = await quarantine.clear(self._tx, self._account, Kind.ORDER, landed) if landed else 0
        if freed or (len(groups) > 1 and self._touched):
            self._touched.update(landed)  # those that brought nothing new had a part in it
        context.touched.update((Kind.ORDER, external_id) for external_id in self._touched)
        placed = [c.record.placed_at for c in candidates if c.fault is None and c.objection is None]
        result.newest = max(placed, default=None)
        return result

    async def gone(self, external_ids: Sequence[str]) -> Result:
        context, result = self._context, self._result
        await quarantine.clear(self._tx, self._account, Kind.ORDER, external_ids)
        held = await orders.held(self._tx, self._account, external_ids)
        await self._explained([id_ for id_ in external_ids if id_ not in held], strangers.StrangerAnswer.OFF)
        for known in held.values():
            if known.superseded_by is not None:
                continue
            if await self._lines.inherited(known.id):
                result.count(changed=1)
            elif known.digest != _GONE:
                await context.recorder.record(Subject.order(known.id), self._account, [changes.Vanished()], ())
                await orders.mark(self._tx, known.id, _GONE)
                result.count(changed=1)
        return result

    async def _called_off(self, candidates: Sequence[Candidate[Order]]) -> Sequence[Candidate[Order]]:
        """The candidates, those reduced to their cancellation that are cancelled and otherwise make no sense."""
        odd = [c.external_id for c in candidates if c.objection is not None and compare.cancelled(c.record)]
        held = await orders.held(self._tx, self._account, odd) if odd else {}
        if not held:
            return candidates
        ids = [known.id for known in held.values()]
        rows = await orders.read(self._tx, ids)
        said = await overrides.of_orders(self._tx, ids)
        reduced = []
        for candidate in candidates:
            if candidate.objection is not None and (known := held.get(candidate.external_id)):
                told = as_reported(said.get(known.id, Override()), rows[known.id].order)
                order = called_off(told, candidate.record)
                candidate = msgspec.structs.replace(
                    candidate, record=order, document=codec.encode(order), objection=None
                )
            reduced.append(candidate)
        return reduced

    async def _unwanted(self, candidates: Sequence[Candidate[Order]]) -> set[str]:
        """Those placed before the start. What is held already is still reported, wherever the start is moved."""
        if self._context.start is None:
            return set()
        # What makes no sense is kept aside, however long ago it says it was.
        dated = [c.record for c in candidates if c.fault is None and c.objection is None]
        # Sources give whole seconds: what was placed in the second of the start may have come after it.
        start = self._context.start.replace(microsecond=0)
        old = {order.external_id for order in dated if order.placed_at < start}
        return old.difference(await orders.held(self._tx, self._account, list(old))) if old else old

    async def _without_copies(self, good: list[Candidate[Order]]) -> tuple[list[Candidate[Order]], list[Order]]:
        """Take out orders that we pushed here ourselves although they lost our mark."""
        if not any(route.target == self._account for route in self._context.routes) or not good:
            return good, []
        known = await target_orders.by_external(self._tx, self._account, [c.external_id for c in good])
        if not known:
            return good, []
        origins = await orders.read(self._tx, [copy.order_id for copy in known.values()])
        for candidate in good:
            copy = known.get(candidate.external_id)
            if copy is not None and somebody_elses(candidate.record, copy, origins[copy.order_id].order):
                await displace(self._tx, self._context.recorder, known.pop(copy.external_id))
        return (
            [c for c in good if c.external_id not in known],
            [c.record for c in good if c.external_id in known],
        )

    async def _group(self, group: Sequence[Candidate[Order]]) -> None:
        """Land orders that share no lines among themselves."""
        held = await orders.held(self._tx, self._account, [c.external_id for c in group])
        fresh = [c for c in group if c.external_id not in held]
        # A superseded order stays so, whatever its source says of the old number.
        changed = [
            c
            for c in group
            if (known := held.get(c.external_id)) and known.digest != c.digest and known.superseded_by is None
        ]
        if not fresh and not changed:
            return
        self._touched.update(c.external_id for c in (*fresh, *changed))
        before = await orders.read(self._tx, [held[c.external_id].id for c in changed]) if changed else {}
        await self._lines.look_at([*fresh, *changed])
        inserts = await self._insert(fresh)
        updates = await self._update([(c, before[held[c.external_id].id]) for c in changed])
        await self._context.follow()
        if updates:
            await orders.update(self._tx, updates)
        if inserts:
            await orders.insert(self._tx, inserts)
        was = {row.id: before[row.id].order for row in updates}
        seen = [(row.id, row.order, was.get(row.id)) for row in (*inserts, *updates)]
        await seen_values.put(self._tx, self._account, seen, self._context.now)
        await customers.keep(self._tx, self._account, [*inserts, *updates])

    async def _insert(self, fresh: Sequence[Candidate[Order]]) -> list[orders.StoredOrder]:
        """New orders as they are to be stored, with what happened to them decided."""
        context, result = self._context, self._result
        besides = context.feed != ORDERS
        inserts = []
        for number, candidate in enumerate(fresh, 1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            stored = self._stored(candidate, OrderId(await self._tx.next_id("orders")))
            stored, winner = await self._lines.settle(stored)
            found = compare.first_seen(stored.order)
            stored = self._given(stored, None, found)
            inserts.append(stored)
            if winner:
                found.append(changes.Superseded(by=winner))
            happened(context, stored, None, stored.order, found, late=besides and context.acts)
            result.fresh.append(stored.order.updated_at or stored.order.placed_at)
            if besides:
                result.besides.append(stored.id)
        result.count(added=len(inserts))
        return inserts

    async def _update(
        self, changed: Sequence[tuple[Candidate[Order], orders.StoredOrder]]
    ) -> list[orders.StoredOrder]:
        """Orders that are held and were reported otherwise, as they are to be stored, with what happened
        decided."""
        said = await overrides.of_orders(self._tx, [old.id for _, old in changed]) if changed else {}
        updates = []
        for candidate, old in changed:
            remark = said.get(old.id)
            before = old.order if remark is None else as_reported(remark, old.order)
            told = merged = merge(before, candidate.record)
            if remark is not None:
                merged, left = stand(remark, told)
                if left != remark:
                    await overrides.put(self._tx, Subject.order(old.id), left, self._context.now)
            stored = self._stored(candidate, old.id, merged)
            stored = msgspec.structs.replace(stored, created_at=old.created_at, own_status=old.own_status)
            stored, winner = await self._lines.settle(stored)
            found = compare.compare(old.order, merged)
            stored = self._given(stored, old.order, found)
            updates.append(stored)
            if remark is not None and (parts := contested(remark, told)):
                what = tuple(part.value for part in parts)
                found = [one for one in found if not isinstance(one, changes.Amended)]
                found.append(changes.EditContested(what=what, old_total=before.total, new_total=told.total))
            if winner:
                found.append(changes.Superseded(by=winner))
            if found:
                happened(self._context, stored, old.order, merged, found)
                self._result.count(changed=1)
        return updates

    def _given(
        self, stored: orders.StoredOrder, before: Order | None, found: list[changes.Change]
    ) -> orders.StoredOrder:
        """With the status of the seller's own that it gets by this; a change of it is added to what was `found`."""
        old, statuses = stored.own_status, self._context.statuses
        new = next_status(stored.account, before, stored.order, old, statuses)
        if new == old:
            return stored
        found.append(changes.OwnStatusChanged(old=old, new=new))
        return msgspec.structs.replace(stored, own_status=new)

    async def _passed_over(self, passed: Sequence[Order]) -> None:
        """What their source says of orders from before the start, though a target may have reported them."""
        alive = [order.external_id for order in passed if not compare.cancelled(order)]
        await self._explained(alive, strangers.StrangerAnswer.UNWANTED)
        off = [order.external_id for order in passed if compare.cancelled(order)]
        await self._explained(off, strangers.StrangerAnswer.OFF)

    async def _explained(self, external_ids: Collection[str], answer: strangers.StrangerAnswer) -> None:
        """What their source says of orders that do not land here, though a target may have reported them."""
        if external_ids and await strangers.known(self._tx):
            await strangers.answered(self._tx, [reference(self._account, id_) for id_ in external_ids], answer)

    def _stored(
        self, candidate: Candidate[Order], order_id: OrderId, merged: Order | None = None
    ) -> orders.StoredOrder:
        order = candidate.record if merged is None else merged
        return orders.StoredOrder(
            id=order_id,
            account=self._account,
            order=order,
            document=candidate.document if order is candidate.record else codec.encode(order),
            digest=candidate.digest,
            created_at=self._context.now,
            changed_at=self._context.now,
        )


def _refused(candidate: Candidate[Order], reason: str) -> quarantine.QuarantineDraft:
    return quarantine.QuarantineDraft(
        kind=Kind.ORDER, external_id=candidate.external_id, reason=reason, raw=candidate.document
    )
