"""Lines that more than one order claims: no line belongs to two live orders of an account.

When a buyer pays purchases together, a marketplace makes a new order out of the lines of older ones, and those are
superseded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from olhubd.decide import changes, compare
from olhubd.decide.changes import Change
from olhubd.decide.planning import Transition
from olhubd.engine.flow.flow import FlowContext
from olhubd.engine.flow.prepared import Candidate
from olhubd.model import Kind, Order, OrderId, Reason, Subject
from olhubd.store import orders, reread_queue

__all__ = ["LineContest", "happened", "uncontested"]


def uncontested(candidates: Sequence[Candidate[Order]]) -> list[Sequence[Candidate[Order]]]:
    """The candidates in groups within which no two orders share a line; almost always one group."""
    seen: set[str] = set()
    for candidate in candidates:
        for line in candidate.record.lines:
            if line.external_id in seen:
                return [[c] for c in sorted(candidates, key=_told_at)]
            seen.add(line.external_id)
    return [candidates] if candidates else []


def _told_at(candidate: Candidate[Order]) -> datetime:
    return candidate.record.updated_at or candidate.record.placed_at


def happened(
    context: FlowContext,
    stored: orders.StoredOrder,
    before: Order | None,
    after: Order,
    found: Sequence[Change],
    *,
    late: bool = False,
) -> None:
    """Add what happened to one order to what its transaction decides."""
    doubt = context.doubt
    context.decide(
        Transition(
            subject=Subject.order(stored.id),
            account=context.account,
            before=before,
            after=after,
            changes=found,
            doubted=doubt is not None and doubt.covers(stored.id, stored.order.placed_at),
            late=late,
            own_status=stored.own_status,
        )
    )


class LineContest:
    """Which orders have the lines, within one transaction. Call `look_at` before the orders of a group settle."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context
        self._tx = context.tx
        self._account = context.account
        self._rivals: dict[str, orders.LineOwner] = {}
        """The live owners of the group's lines that are other orders, by line."""

    async def look_at(self, candidates: Sequence[Candidate[Order]]) -> None:
        """Find out who has the lines of these, which share none among themselves."""
        lines = [line.external_id for c in candidates for line in c.record.lines]
        found = await orders.owners(self._tx, self._account, lines)
        own = {c.external_id for c in candidates}
        self._rivals = {line: owner for line, owner in found.items() if owner.external_id not in own}

    async def settle(self, stored: orders.StoredOrder) -> tuple[orders.StoredOrder, str | None]:
        """Settle who has the lines. Returns the order as to be stored, and by whom it is superseded, if it is."""
        rivals = self._rivals
        owners = {rivals[line.external_id].order_id for line in stored.order.lines if line.external_id in rivals}
        if not owners:
            return stored, None
        rows = await orders.read(self._tx, list(owners))
        if not stored.live:
            await self._ask_parts(stored.order, rows.values())
            return stored, None
        verdict = compare.contest(stored.order, {id_: row.order for id_, row in rows.items()})
        if verdict.lost:
            winner = rows[max(verdict.lost)]
            return msgspec.structs.replace(stored, superseded_by=winner.id), winner.order.external_id
        await self._take_over([rows[loser] for loser in verdict.superseded], stored.id, stored.order.external_id)
        for loser, lines in verdict.moved.items():
            row = rows[loser]
            moved = changes.LinesMoved(lines=lines, to=stored.order.external_id)
            happened(self._context, row, row.order, row.order, [moved])
            await orders.release_lines(self._tx, [(loser, line) for line in lines])
            # Its own version must be read again: it has fewer lines now.
            await self._context.read_later([self._again(row.order, Reason("lookup.lines-moved"))])
        return stored, None

    async def inherited(self, order_id: OrderId) -> bool:
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
        await self._context.follow()
        return True

    async def _take_over(self, losers: Sequence[orders.StoredOrder], winner: OrderId, name: str) -> None:
        """Let all lines of these go to another order, with what follows for the orders that have them."""
        context = self._context
        ids = [row.id for row in losers]
        for row in losers:
            happened(context, row, row.order, row.order, [changes.Superseded(by=name)])
        # The pointer to a row that may be inserted later in this transaction; foreign keys look at statements.
        context.recorder.supersede([(id_, winner, context.now) for id_ in ids])
        await orders.disown(self._tx, ids)

    async def _ask_parts(self, order: Order, owners: Iterable[orders.StoredOrder]) -> None:
        """A cancelled order has lines of live ones: it took them over before it was reported, or is an old form.

        An old form that is touched late must not take a live order with it, so their source is asked again: those
        that are gone there were its parts.
        """
        parts = [row.order for row in owners if compare.holds(order, row.order)]
        await self._context.read_later([self._again(part, Reason("lookup.cancelled-has")) for part in parts])

    def _again(self, order: Order, reason: str) -> reread_queue.RereadRequest:
        return reread_queue.RereadRequest(
            kind=Kind.ORDER, external_id=order.external_id, due_at=self._context.now, reason=reason
        )
