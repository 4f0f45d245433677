"""The outcomes of deliveries come into the database, with what follows from it.

An outcome is decided without the database; here it is put right where it contradicts what is there by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide import netting, plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import PushPayload
from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.flow.copies import acquaint
from olhubd.engine.levels.reserving import reserve
from olhubd.engine.outbox.attempt import DeliveryOutcome
from olhubd.engine.outbox.made_offer import put_on_sale
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Action, Cause, Delivery, DeliveryState, OrderId, Reason, Subject
from olhubd.store import Transaction, deliveries, orders, target_orders
from olhubd.store.orders import StoredOrder

__all__ = ["book"]


async def book(
    tx: Transaction,
    recorder: Recorder,
    target: str,
    ended: Sequence[DeliveryOutcome],
    back: Sequence[Delivery] = (),
    routes: Sequence[Route] = (),
    rules: Sequence[StockRule] = (),
) -> list[DeliveryOutcome]:
    """Store the outcomes of deliveries, put it into the log, and what follows from it into the outbox.

    Returns the outcomes, which are others where they contradict what is in the database.
    """
    wanted = await _wanted(tx, target, await _uncontested(tx, target, ended), routes)
    outcomes = await _mattering(tx, wanted, recorder.now)
    await deliveries.save(tx, [*(outcome.delivery for outcome in outcomes), *back])
    arrived = [outcome.copy for outcome in outcomes if outcome.copy is not None]
    await target_orders.arrive(tx, arrived)
    owed = await _owed_already(tx, outcomes)
    for ended_so in outcomes:
        if ended_so.event is None:
            continue
        outcome = await put_on_sale(tx, recorder, target, ended_so, routes, rules)
        cause = Cause("delivery", str(outcome.delivery.id))
        event_id = await recorder.event(
            ended_so.event, outcome.account, outcome.delivery.subject, outcome.facts, cause
        )
        for item in outcome.planned:
            if (outcome.delivery.subject, item.target, item.action) not in owed:
                await recorder.owe(outcome.delivery.subject, item, event_id)
    await acquaint(tx, recorder, target, arrived, routes)
    await reserve(tx, recorder, routes, rules)
    await recorder.write(tx)
    return outcomes


async def _owed_already(tx: Transaction, outcomes: Sequence[DeliveryOutcome]) -> set[tuple[Subject, str, Action]]:
    """What is planned only once and is open already: the cancellation of an order found there although it is
    off."""
    wanted = {
        (outcome.delivery.subject, item.target, item.action)
        for outcome in outcomes
        for item in outcome.planned
        if netting.once(item)
    }
    rows = await deliveries.of_subjects(tx, {subject for subject, _, _ in wanted}) if wanted else {}
    return wanted & {
        (subject, row.target, row.action) for subject, known in rows.items() for row in known if row.state.open
    }


async def _uncontested(tx: Transaction, target: str, ended: Sequence[DeliveryOutcome]) -> list[DeliveryOutcome]:
    """The outcomes, those held whose order at the target is the copy of another one already.

    So it is where a shop was set up again and counts from one again.
    """
    arrived = [outcome.copy.external_id for outcome in ended if outcome.copy is not None]
    if not arrived:
        return list(ended)
    known = await target_orders.by_external(tx, target, arrived)
    owners = {external_id: copy.order_id for external_id, copy in known.items()}
    return [
        outcome
        if (copy := outcome.copy) is None
        or (owner := owners.setdefault(copy.external_id, outcome.delivery.order_id)) == outcome.delivery.order_id
        else _contested(outcome, copy, owner)
        for outcome in ended
    ]


async def _wanted(
    tx: Transaction, target: str, ended: Sequence[DeliveryOutcome], routes: Sequence[Route]
) -> list[DeliveryOutcome]:
    """The outcomes, those pending again whose order was given up and is wanted by now.

    It was cancelled and has come back meanwhile, or it was only looked for and is to be made by now.
    """
    dropped = {
        outcome.delivery.id: outcome.delivery.order_id
        for outcome in ended
        if netting.carries_order(outcome.delivery) and outcome.delivery.state is DeliveryState.DROPPED
    }
    if not dropped:
        return list(ended)
    rows = await orders.read(tx, list(dropped.values()))
    return [
        _owed_again(outcome)
        if outcome.delivery.id in dropped
        and _wanted_now(outcome.delivery, rows[outcome.delivery.order_id], target, routes)
        else outcome
        for outcome in ended
    ]


def _wanted_now(delivery: Delivery, stored: StoredOrder, target: str, routes: Sequence[Route]) -> bool:
    """Whether the order of a delivery that was given up is to go on as it is in the database."""
    if plan.withdrawn(stored.order, stored.superseded_by is not None) is not None:
        return False
    if not msgspec.json.decode(delivery.payload, type=PushPayload).only_found:
        return True
    there = (route for route in routes if route.target == target and stored.account in route.sources)
    return any(plan.sends(stored.order, route) for route in there)


async def _mattering(tx: Transaction, ended: Sequence[DeliveryOutcome], now: datetime) -> list[DeliveryOutcome]:
    """The outcomes, a refused status dropped where its order is cancelled: that needs no person."""
    refused = {
        outcome.delivery.id: outcome.delivery.order_id for outcome in ended if plan.refused(outcome.delivery)
    }
    if not refused:
        return list(ended)
    why = {
        id_: plan.needless(stored.order, stored.superseded_by is not None)
        for id_, stored in (await orders.read(tx, list(refused.values()))).items()
    }
    return [
        _needless(outcome, reason, now)
        if (order_id := refused.get(outcome.delivery.id)) is not None and (reason := why[order_id]) is not None
        else outcome
        for outcome in ended
    ]


def _needless(outcome: DeliveryOutcome, reason: str, now: datetime) -> DeliveryOutcome:
    dropped = msgspec.structs.replace(
        outcome.delivery,
        state=DeliveryState.DROPPED,
        reason=reason,
        finished_at=outcome.delivery.finished_at or now,
    )
    # Without what kind of hold it would have been.
    facts = {name: fact for name, fact in outcome.facts.items() if name not in ("kind", "field")}
    facts["reason"] = reason
    return msgspec.structs.replace(outcome, delivery=dropped, event="delivery.dropped", facts=facts)


def _owed_again(outcome: DeliveryOutcome) -> DeliveryOutcome:
    delivery = outcome.delivery
    owed = msgspec.structs.replace(
        delivery,
        state=DeliveryState.RETRY,
        due_at=delivery.finished_at or delivery.due_at,
        finished_at=None,
        reason=None,
    )
    return msgspec.structs.replace(outcome, delivery=owed, event=None, planned=())


def _contested(outcome: DeliveryOutcome, copy: target_orders.TargetOrder, owner: OrderId) -> DeliveryOutcome:
    """An order that went well but for its number at the target, which two cannot share."""
    reason = Reason("copy.known-as-another", account=copy.account, order=copy.external_id, known=owner)
    held = msgspec.structs.replace(
        outcome.delivery, state=DeliveryState.HOLD, reason=reason, finished_at=None, external_id=None
    )
    facts = {**outcome.facts, "reason": reason, "kind": Hold.TAKEN.value}
    return msgspec.structs.replace(
        outcome, delivery=held, event="delivery.held", facts=facts, copy=None, planned=()
    )
