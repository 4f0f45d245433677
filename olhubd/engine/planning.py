"""What follows from what a flow decided: the planners are asked, within its transaction.

What they need of the database is read once for all of them and all transitions, and their plans go to the recorder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from olhubd.decide import netting
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner, PlanningContext, Transition, needed, plan_all
from olhubd.decide.route import Route
from olhubd.engine.flow.prepared import SLICE
from olhubd.engine.outbox.recorder import Recorder
from olhubd.store import Transaction, strangers

__all__ = ["follow"]


async def follow(
    tx: Transaction,
    recorder: Recorder,
    steps: Sequence[Transition[Any]],
    routes: Sequence[Route],
    *,
    acts: bool,
    planners: Sequence[Planner[Any]] = PLANNERS,
    statuses: OwnStatuses = NO_STATUSES,
) -> None:
    """Record these transitions and what follows from them, in their order.

    `acts` is off for what was recorded before anything followed from an order which a target reported first.
    """
    keys = needed(steps, planners)
    deliveries = await recorder.known_deliveries(sorted(keys.deliveries)) if keys.deliveries else {}
    met = await _met(tx, keys.marks) if acts and keys.marks else {}
    for number, step in enumerate(steps, 1):
        if number % SLICE == 0:
            await asyncio.sleep(0)
        known = deliveries.get(step.subject, ())
        context = PlanningContext(
            routes=routes,
            holders=netting.holders(known) if known else (),
            met=met.get(step.mark, ()) if met and step.before is None else (),
            statuses=statuses,
        )
        items = plan_all(step, context, planners)
        await recorder.record(step.subject, step.account, step.changes, items, known, doubted=step.doubted)


async def _met(tx: Transaction, marks: Collection[str]) -> Mapping[str, Collection[str]]:
    """The targets that reported orders with these marks already."""
    if not await strangers.known(tx):
        return {}
    found: dict[str, set[str]] = {}
    for one in await strangers.by_reference(tx, list(marks)):
        found.setdefault(one.reference, set()).add(one.account)
    return found
