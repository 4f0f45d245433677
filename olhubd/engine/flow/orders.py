"""One transaction of a landing: what becomes of records, by what stands in the database and the routes alone.

The order of steps: what is told anew and is not different is dropped by its digest; what makes no sense is
quarantined; copies of our own orders are recognised; the rest is compared, contested for lines, and planned for.
Nothing here begins or ends a transaction, and nothing moves a cursor; that is `olhubd.engine.flow.landing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide import changes, compare
from olhubd.decide.changes import Change
from olhubd.decide.doubt import Doubt
from olhubd.decide.merge import called_off, merge
from olhubd.decide.override import stand
from olhubd.decide.planning import Transition
from olhubd.decide.route import Route
from olhubd.engine.flow.copies import Echoes
from olhubd.engine.flow.displaced import displace, somebody_elses
from olhubd.engine.flow.prepared import SLICE, Candidate, uncontested
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.planning import follow
from olhubd.model import Cause, Counts, Kind, Order, OrderId, Reason, Run, Subject, reference
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import (
    Transaction,
    codec,
    orders,
    overrides,
    quarantine,
    reread_queue,
    seen_values,
    strangers,
    target_orders,
)

__all__ = ["Batch", "Result"]

_GONE = b"gone"
ORDERS = "orders"
"""The feed itself, as runs call it; what comes by another way may be older than what it told."""


class Result(msgspec.Struct):
    """What became of the records of a page.

    `targets` are owed something new; `later` are to be read again; `fresh` are the external ids of those added,
    `besides` the ids of those added that the feed had not told.
    """

    counts: Counts = Counts()
    echoes: int = 0
    ignored: int = 0
    later: int = 0
    targets: set[str] = msgspec.field(default_factory=set)
    fresh: set[str] = msgspec.field(default_factory=set)
    besides: list[OrderId] = msgspec.field(default_factory=list)

    def count(self, *, seen: int = 0, added: int = 0, changed: int = 0, quarantined: int = 0) -> None:
        """Count some more records."""
        self.counts = self.counts.plus(Counts(seen=seen, added=added, changed=changed, quarantined=quarantined))

    def add(self, other: Result) -> None:
        self.counts = self.counts.plus(other.counts)
        self.echoes += other.echoes
        self.ignored += other.ignored
        self.later += other.later
        self.targets |= other.targets
        self.fresh |= other.fresh
        self.besides.extend(other.besides)


class Batch:
    """One transaction's worth of landing, by what stands in the database and the routes alone."""

    def __init__(
        self,
        tx: Transaction,
        account: str,
        run: Run,
        now: datetime,
        routes: Sequence[Route],
        doubt: Doubt | None = None,
    ) -> None:
        self._tx = tx
        self._account = account
        self._now = now
        self._routes = routes
        self._doubt = doubt
        self._feed = run.feed
        self.recorder = Recorder(tx, now, Cause("run", str(run.id)), decided=True)
        self._decided: list[Transition] = []
        self.later = 0
        self.touched: set[str] = set()
        """The orders for which it made a difference."""

    async def land_orders(self, candidates: Sequence[Candidate], feed: str, start: datetime | None) -> Result:
        result = Result()
        refused: list[quarantine.QuarantineDraft] = []
        good: list[Candidate] = []
        echoes: list[Order] = []
        unwanted = await self._unwanted(candidates, start)
        for candidate in await self._called_off(candidates):
            order = candidate.order
            if candidate.fault is not None:
                refused.append(
                    quarantine.QuarantineDraft(
                        kind=Kind.ORDER,
                        external_id=order.external_id,
                        reason=candidate.fault,
                        raw=candidate.document,
                    )
                )
            elif order.reference is not None:
                echoes.append(order)
            elif order.external_id in unwanted:
                result.ignored += 1
            elif candidate.objection is not None:
                refused.append(
                    quarantine.QuarantineDraft(
                        kind=Kind.ORDER,
                        external_id=order.external_id,
                        reason=candidate.objection,
                        raw=candidate.document,
                    )
                )
            else:
                good.append(candidate)
        good, unmarked = await self._without_copies(good)
        told = [*echoes, *unmarked]
        result.echoes += len(told)
        acts = self._doubt is not None
        echo = Echoes(self._tx, self._account, self._now, self._routes, self.recorder, acts=acts)
        result.count(changed=await echo.take(told))
        groups = uncontested(good)
        for group in groups:
            await self._group(group, result)
        passed = [c.order for c in candidates if c.order.external_id in unwanted]
        await self._explained(
            [o.external_id for o in passed if not compare.cancelled(o)], strangers.StrangerAnswer.UNWANTED
        )
        await self._explained([o.external_id for o in passed if compare.cancelled(o)], strangers.StrangerAnswer.OFF)
        self.touched |= echo.touched.union(r.external_id for r in refused)
        if refused:
            await quarantine.put(self._tx, self._account, feed, refused, self._now)
            result.count(quarantined=len(refused))
        landed = [*(c.order.external_id for c in good), *(order.external_id for order in told)]
        freed = await quarantine.clear(self._tx, self._account, Kind.ORDER, landed) if landed else 0
        if freed or (len(groups) > 1 and self.touched):
            self.touched.update(landed)  # those that told nothing new had a part in it
        return result

    async def _called_off(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """The candidates, those reduced to their cancellation that are cancelled and otherwise make no sense."""
        odd = [c.order.external_id for c in candidates if c.objection is not None and compare.cancelled(c.order)]
        held = await orders.held(self._tx, self._account, odd) if odd else {}
        if not held:
            return candidates
        rows = await orders.read(self._tx, [known.id for known in held.values()])
        reduced = []
        for candidate in candidates:
            if candidate.objection is not None and (known := held.get(candidate.order.external_id)):
                order = called_off(rows[known.id].order, candidate.order)
                candidate = msgspec.structs.replace(
                    candidate, order=order, document=codec.encode(order), objection=None
                )
            reduced.append(candidate)
        return reduced

    async def _unwanted(self, candidates: Sequence[Candidate], start: datetime | None) -> set[str]:
        """Those placed before the start. What is held already is told on, be the start moved as it may."""
        if start is None:
            return set()
        # What makes no sense is kept aside, however long ago it says it was.
        dated = [c.order for c in candidates if c.fault is None and c.objection is None]
        # Sources tell whole seconds: what was placed in the second of the start may have come after it.
        start = start.replace(microsecond=0)
        old = {order.external_id for order in dated if order.placed_at < start}
        return old.difference(await orders.held(self._tx, self._account, list(old))) if old else old

    async def _without_copies(self, good: list[Candidate]) -> tuple[list[Candidate], list[Order]]:
        """Take out orders that we pushed here ourselves although they lost our mark."""
        if not any(route.target == self._account for route in self._routes) or not good:
            return good, []
        known = await target_orders.by_external(self._tx, self._account, [c.order.external_id for c in good])
        if not known:
            return good, []
        origins = await orders.read(self._tx, [copy.order_id for copy in known.values()])
        for candidate in good:
            copy = known.get(candidate.order.external_id)
            if copy is not None and somebody_elses(candidate.order, copy, origins[copy.order_id].order):
                await displace(self._tx, self.recorder, known.pop(copy.external_id))
        return (
            [c for c in good if c.order.external_id not in known],
            [c.order for c in good if c.order.external_id in known],
        )

    async def _group(self, group: Sequence[Candidate], result: Result) -> None:
        """Land orders that share no lines among themselves."""
        held = await orders.held(self._tx, self._account, [c.order.external_id for c in group])
        fresh = [c for c in group if c.order.external_id not in held]
        # A superseded order stays so, whatever its source says of the old number.
        changed = [
            c
            for c in group
            if (known := held.get(c.order.external_id)) and known.digest != c.digest and known.superseded_by is None
        ]
        if not fresh and not changed:
            return
        self.touched.update(c.order.external_id for c in (*fresh, *changed))
        before = await orders.read(self._tx, [held[c.order.external_id].id for c in changed]) if changed else {}
        said = await overrides.of_orders(self._tx, list(before)) if before else {}
        rivals = await self._rivals([*fresh, *changed], held)
        inserts: list[orders.Stored] = []
        updates: list[orders.Stored] = []
        different = 0
        for number, candidate in enumerate(fresh, 1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            stored = self._stored(candidate, OrderId(await self._tx.next_id("orders")))
            stored, lost = await self._contest(stored, rivals)
            inserts.append(stored)
            found = compare.first_seen(stored.order)
            if lost:
                found.append(changes.Superseded(by=lost))
            late = self._feed != ORDERS and self._doubt is not None
            self._decide(stored, None, stored.order, found, late=late)
            result.fresh.add(candidate.order.external_id)
            if self._feed != ORDERS:
                result.besides.append(stored.id)
        for candidate in changed:
            old = before[held[candidate.order.external_id].id]
            merged = merge(old.order, candidate.order)
            if (remark := said.get(old.id)) is not None:
                merged, left = stand(remark, merged)
                if left != remark:
                    await overrides.put(self._tx, Subject.order(old.id), left, self._now)
            stored = self._stored(candidate, old.id, merged, old.created_at)
            stored, lost = await self._contest(stored, rivals)
            updates.append(stored)
            found = compare.compare(old.order, merged)
            if lost:
                found.append(changes.Superseded(by=lost))
            if not found:
                continue
            self._decide(stored, old.order, merged, found)
            different += 1
        result.count(added=len(inserts), changed=different)
        await self._follow()
        if updates:
            await orders.update(self._tx, updates)
        if inserts:
            await orders.insert(self._tx, inserts)
        was = {row.id: before[row.id].order for row in updates}
        seen = [(row.id, row.order, was.get(row.id)) for row in (*inserts, *updates)]
        await seen_values.put(self._tx, self._account, seen, self._now)

    def _decide(
        self,
        stored: orders.Stored,
        before: Order | None,
        after: Order,
        found: Sequence[Change],
        *,
        late: bool = False,
    ) -> None:
        """What happened to one order. What follows from it is planned with its neighbours, by `_follow`."""
        self._decided.append(
            Transition(
                subject=Subject.order(stored.id),
                account=self._account,
                before=before,
                after=after,
                changes=found,
                doubted=self._doubts(stored),
                late=late,
            )
        )

    async def _follow(self) -> None:
        """Record what was decided since the last time, with what follows from it."""
        decided, self._decided = self._decided, []
        if decided:
            await follow(self._tx, self.recorder, decided, self._routes, acts=self._doubt is not None)

    async def _explained(self, external_ids: Sequence[str], answer: strangers.StrangerAnswer) -> None:
        """What their source says of orders that do not land here, though a target may have told of them."""
        if external_ids and await strangers.known(self._tx):
            await strangers.answered(self._tx, [reference(self._account, id_) for id_ in external_ids], answer)

    def _doubts(self, stored: orders.Stored) -> bool:
        """Whether an earlier process may have sent it, though this database does not know of it."""
        return self._doubt is not None and self._doubt.covers(stored.id, stored.order.placed_at)

    def _stored(
        self,
        candidate: Candidate,
        order_id: OrderId,
        merged: Order | None = None,
        created_at: datetime | None = None,
    ) -> orders.Stored:
        order = candidate.order if merged is None else merged
        return orders.Stored(
            id=order_id,
            account=self._account,
            order=order,
            document=candidate.document if order is candidate.order else codec.encode(order),
            digest=candidate.digest,
            created_at=created_at or self._now,
            changed_at=self._now,
        )

    async def _rivals(
        self, candidates: Sequence[Candidate], held: Mapping[str, orders.Held]
    ) -> dict[str, orders.Owner]:
        """The live owners of these candidates' lines that are other orders, by line."""
        lines = [line.external_id for c in candidates for line in c.order.lines]
        found = await orders.owners(self._tx, self._account, lines)
        own = {c.order.external_id for c in candidates}
        return {line: owner for line, owner in found.items() if owner.external_id not in own}

    async def _contest(
        self, stored: orders.Stored, rivals: Mapping[str, orders.Owner]
    ) -> tuple[orders.Stored, str | None]:
        """Settle who has the lines. Gives the order as to be stored, and by whom it is superseded, if it is."""
        owners = {rivals[line.external_id].order_id for line in stored.order.lines if line.external_id in rivals}
        if not owners:
            return stored, None
        rows = await orders.read(self._tx, list(owners))
        if not stored.live:
            await self._ask_parts(stored.order, rows)
            return stored, None
        verdict = compare.contest(stored.order, {id_: row.order for id_, row in rows.items()})
        if verdict.lost:
            winner = rows[max(verdict.lost)]
            return msgspec.structs.replace(stored, superseded_by=winner.id), winner.order.external_id
        await self._take_over([rows[loser] for loser in verdict.superseded], stored.id, stored.order.external_id)
        for loser, lines in verdict.moved.items():
            moved = changes.LinesMoved(lines=lines, to=stored.order.external_id)
            self._decide(rows[loser], rows[loser].order, rows[loser].order, [moved])
            await orders.release_lines(self._tx, [(loser, line) for line in lines])
            # Its own telling must be read again: it has fewer lines now.
            again = reread_queue.RereadRequest(
                kind=Kind.ORDER,
                external_id=rows[loser].order.external_id,
                due_at=self._now,
                reason=Reason("lookup.lines-moved"),
            )
            await self._read_later([again])
        return stored, None

    async def _take_over(self, losers: Sequence[orders.Stored], winner: OrderId, name: str) -> None:
        """Let all lines of these go to another order, with what follows for whoever has them."""
        ids = [row.id for row in losers]
        for row in losers:
            self._decide(row, row.order, row.order, [changes.Superseded(by=name)])
        # The pointer to a row that may be inserted later in this transaction; foreign keys look at statements.
        self.recorder.supersede([(id_, winner, self._now) for id_ in ids])
        await orders.disown(self._tx, ids)

    async def _ask_parts(self, order: Order, owners: Mapping[OrderId, orders.Stored]) -> None:
        """A cancelled order has lines of live ones: it took them over before it was heard of, or is an old form.

        An old form that is touched late must not take a live order with it, so their source is asked again: those
        that are gone there were its parts.
        """
        parts = [row.order for row in owners.values() if compare.holds(order, row.order)]
        await self._read_later(
            [
                reread_queue.RereadRequest(
                    kind=Kind.ORDER,
                    external_id=part.external_id,
                    due_at=self._now,
                    reason=Reason("lookup.cancelled-has"),
                )
                for part in parts
            ]
        )

    async def land_others(self, records: Sequence[Unreadable | Gone | Later], feed: str, result: Result) -> None:
        """Records that are no orders: what could not be read, what is gone, what is to be read later."""
        refused = [
            quarantine.QuarantineDraft(kind=r.kind, external_id=r.external_id, reason=r.reason, raw=r.raw)
            for r in records
            if isinstance(r, Unreadable)
        ]
        if refused:
            await quarantine.put(self._tx, self._account, feed, refused, self._now)
            result.count(quarantined=len(refused))
        later = [
            reread_queue.RereadRequest(
                kind=r.kind,
                external_id=r.external_id,
                due_at=self._now + timedelta(seconds=r.seconds),
                reason=r.reason,
            )
            for r in records
            if isinstance(r, Later)
        ]
        if later:
            await self._read_later(later)
        gone = [r.external_id for r in records if isinstance(r, Gone)]
        if gone:
            await self._gone(gone, result)

    async def _read_later(self, wishes: Sequence[reread_queue.RereadRequest]) -> None:
        await reread_queue.put(self._tx, self._account, wishes)
        self.later += len(wishes)

    async def _gone(self, external_ids: Sequence[str], result: Result) -> None:
        await quarantine.clear(self._tx, self._account, Kind.ORDER, external_ids)
        held = await orders.held(self._tx, self._account, external_ids)
        await self._explained([id_ for id_ in external_ids if id_ not in held], strangers.StrangerAnswer.OFF)
        for known in held.values():
            if known.superseded_by is not None:
                continue
            if await self._inherited(known.id):
                result.count(changed=1)
            elif known.digest != _GONE:
                await self.recorder.record(Subject.order(known.id), self._account, [changes.Vanished()], ())
                await orders.mark(self._tx, known.id, _GONE)
                result.count(changed=1)

    async def _inherited(self, order_id: OrderId) -> bool:
        """Whether this order, which is gone, went into one that is itself cancelled; then that took it over."""
        part = (await orders.read(self._tx, [order_id]))[order_id]
        if compare.cancelled(part.order):
            return False
        lines = [line.external_id for line in part.order.lines]
        others = await orders.read(self._tx, await orders.cancelled_with(self._tx, self._account, lines))
        heir = compare.heir(part.order, {id_: row.order for id_, row in others.items()})
        if heir is None:
            return False
        await self._take_over([part], heir, others[heir].order.external_id)
        await self._follow()
        return True
