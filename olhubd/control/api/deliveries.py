"""Deliveries: what is pending, what waits for a person and why, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from olhubd.control.api.hold_details import hold_details
from olhubd.control.api.lookup import known_account, order_name, subject_names
from olhubd.control.api.schema.base import DiscardRequest, Nothing, OrderName, SubjectName
from olhubd.control.api.schema.deliveries import AdoptRequest, DeliveriesQuery, DeliveryPage, DeliveryRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide import window
from olhubd.engine.flow.registry import Flows
from olhubd.engine.hub import Hub
from olhubd.engine.operator import deliveries as holds
from olhubd.engine.operator.hold_causes import of_cause
from olhubd.model import Delivery, DeliveryState, Kind, OrderId, Reason, Subject, beside
from olhubd.store import Reader, deliveries, events, orders, target_orders
from olhubd.store.orders import StoredOrder

__all__ = ["ROUTES", "DeliveryContext", "delivery_rows", "delivery_views", "surroundings"]

_STUCK = frozenset({DeliveryState.HOLD, DeliveryState.DEAD, DeliveryState.DISCARDED})
"""Shown with all that a person needs to choose."""


@dataclass(frozen=True, kw_only=True)
class DeliveryContext:
    """What is shown beside deliveries: what they are about, and of those that wait the whole order and why."""

    names: Mapping[OrderId, OrderName]
    subjects: Mapping[Subject, SubjectName]
    said: Mapping[int, Mapping[str, Any]]
    whole: Mapping[OrderId, StoredOrder]
    there: Mapping[OrderId, Sequence[target_orders.TargetOrder]]


async def listing(call: Call[DeliveriesQuery, Nothing]) -> DeliveryPage:
    """The newest first."""
    asked = call.query
    await known_account(call.hub, "target", asked.target)
    if asked.cause is not None:
        return await _of_cause(call.hub, asked, asked.cause)
    found = await deliveries.listing(
        call.hub.database.reader,
        states=asked.state,
        target=asked.target,
        before=asked.before,
        limit=asked.limit,
    )
    rows = await delivery_rows(call.hub, found)
    return DeliveryPage(items=rows, next=found[-1].id if len(found) == asked.limit else None)


async def _of_cause(hub: Hub, asked: DeliveriesQuery, name: str) -> DeliveryPage:
    if asked.state not in ((), (DeliveryState.HOLD,)):
        raise Refusal(400, "parameter", Reason("request.cause-state"))
    before = asked.before if asked.before is not None else 2**63 - 1
    waiting = await hub.database.reader.together(lambda reader: of_cause(reader, name, asked.target))
    ids = [id_ for id_ in waiting if id_ < before][: asked.limit]
    rows = {row.id: row for row in await delivery_rows(hub, await deliveries.many(hub.database.reader, ids))}
    return DeliveryPage(items=tuple(rows[id_] for id_ in ids), next=ids[-1] if len(ids) == asked.limit else None)


async def one(call: Call[Nothing, Nothing]) -> DeliveryRow:
    """One delivery, as in the list."""
    return (await delivery_rows(call.hub, [await _found(call)]))[0]


async def retry(call: Call[Nothing, Nothing]) -> DeliveryRow:
    """Try it again. One whose outcome is not known is looked up first."""
    delivery = await _found(call)
    return (await delivery_rows(call.hub, [await call.hub.delivery_actions.retry(delivery.id, call.who)]))[0]


async def release(call: Call[Nothing, Nothing]) -> DeliveryRow:
    """Let it go before its hold window is over, or although a rule of its route holds it."""
    delivery = await _found(call)
    return (await delivery_rows(call.hub, [await call.hub.delivery_actions.release(delivery.id, call.who)]))[0]


async def adopt(call: Call[Nothing, AdoptRequest]) -> DeliveryRow:
    """Take an order that the target has already for the one that was to be created there.

    One with another total is refused as `differs` unless `despite_total` says that this is right.
    """
    delivery = await _found(call)
    asked = call.body
    adopted = await call.hub.delivery_actions.adopt(
        delivery.id, asked.number.strip(), call.who, despite_total=asked.despite_total
    )
    return (await delivery_rows(call.hub, [adopted]))[0]


async def discard(call: Call[Nothing, DiscardRequest]) -> DeliveryRow:
    """Give it up for good."""
    delivery = await _found(call)
    discarded = await call.hub.delivery_actions.discard(delivery.id, call.who, call.body.reason)
    return (await delivery_rows(call.hub, [discarded]))[0]


async def accept(call: Call[Nothing, Nothing]) -> DeliveryRow:
    """Take a held order at its target as it is, although its total differs."""
    delivery = await _found(call)
    return (await delivery_rows(call.hub, [await call.hub.delivery_actions.accept(delivery.id, call.who)]))[0]


async def _found(
    call: Call[Nothing, Nothing] | Call[Nothing, DiscardRequest] | Call[Nothing, AdoptRequest],
) -> Delivery:
    number = call.number("delivery")
    delivery = await deliveries.get(call.hub.database.reader, number)
    if delivery is None:
        raise Refusal(404, "not-found", Reason("none.delivery", delivery=number))
    return delivery


async def delivery_rows(hub: Hub, found: Sequence[Delivery]) -> tuple[DeliveryRow, ...]:
    """Deliveries as they are shown, those that wait with all that a person needs to know."""
    return delivery_views(hub, found, await hub.database.read(partial(surroundings, flows=hub.flows, found=found)))


async def surroundings(reader: Reader, flows: Flows, found: Sequence[Delivery]) -> DeliveryContext:
    """What is shown beside these deliveries."""
    stuck = {d.subject for d in found if d.state in _STUCK}
    waiting = sorted(one.order_id for one in stuck if one.kind is Kind.ORDER)
    ids = sorted({d.order_id for d in found if d.subject.kind is Kind.ORDER})
    return DeliveryContext(
        names={
            summary.id: order_name(summary.id, summary.account, summary.external_id, summary.number)
            for summary in (await orders.listing(reader, ids=ids, limit=len(ids)) if ids else ())
        },
        subjects=await subject_names(reader, flows, {delivery.subject for delivery in found}),
        said=holds.last_held(await events.helds(reader, sorted(stuck))) if stuck else {},
        whole=await orders.read(reader, waiting) if waiting else {},
        there=await target_orders.of_orders(reader, waiting) if waiting else {},
    )


def delivery_views(hub: Hub, found: Sequence[Delivery], around: DeliveryContext) -> tuple[DeliveryRow, ...]:
    """Deliveries as they are shown, with what was read beside them."""
    return tuple(_view(hub, delivery, around) for delivery in found)


def _view(hub: Hub, delivery: Delivery, around: DeliveryContext) -> DeliveryRow:
    order_id = delivery.order_id if delivery.subject.kind is Kind.ORDER else None
    whole = around.whole.get(order_id) if order_id is not None else None
    copies = around.there.get(order_id, ()) if order_id is not None else ()
    reason = delivery.reason or window.why_waiting(delivery, hub.clock.now())
    return DeliveryRow(
        id=delivery.id,
        subject=around.subjects[delivery.subject],
        order=around.names.get(order_id) if order_id is not None else None,
        target=delivery.target,
        action=delivery.action,
        key=delivery.key,
        state=delivery.state,
        event_id=delivery.event_id,
        created_at=delivery.created_at,
        due_at=delivery.due_at,
        attempts=delivery.attempts,
        sent_at=delivery.sent_at,
        finished_at=delivery.finished_at,
        external_id=delivery.external_id,
        reason=reason,
        error=delivery.error,
        **beside("reason", reason),
        **beside("error", delivery.error),
        actions=tuple(hub.delivery_actions.choices(delivery)),
        held=hold_details(
            delivery,
            around.said.get(delivery.id, {}),
            whole.order if whole is not None else None,
            next((copy for copy in copies if copy.account == delivery.target), None),
        ),
    )


ROUTES = (
    route("GET", "/api/v1/deliveries", listing),
    route("GET", "/api/v1/deliveries/{delivery}", one),
    route("POST", "/api/v1/deliveries/{delivery}/retry", retry),
    route("POST", "/api/v1/deliveries/{delivery}/release", release, refusals=(409,)),
    route("POST", "/api/v1/deliveries/{delivery}/adopt", adopt, limit=20.0, refusals=(409,)),
    route("POST", "/api/v1/deliveries/{delivery}/discard", discard, refusals=(409,)),
    route("POST", "/api/v1/deliveries/{delivery}/accept", accept),
)
