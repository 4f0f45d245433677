"""Orders: the list, the card, and the history with its causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from olhubd.control.api import filters
from olhubd.control.api.deliveries import DeliveryContext, delivery_views, surroundings
from olhubd.control.api.lookup import one_order, order_name
from olhubd.control.api.order_history import order_history
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.orders import (
    EditedOrder,
    OrderAtTarget,
    OrderCard,
    OrderCopy,
    OrderPage,
    OrderRow,
    OrdersQuery,
    Timeline,
    TimelineEvent,
)
from olhubd.control.http.routes import Call, route
from olhubd.control.text import event_text
from olhubd.control.text.formatter import ENGLISH, Formatter
from olhubd.decide import order_edit, permitted
from olhubd.decide.override import Override
from olhubd.engine.flow.registry import Flows
from olhubd.engine.hub import Hub
from olhubd.model import Action, Delivery, DeliveryState, Event, OrderId, Run, reference
from olhubd.store import Reader, deliveries, events, offers, orders, overrides, runs, search, target_orders
from olhubd.store.orders import OrderSummary, StoredOrder

__all__ = ["ROUTES", "card_of", "timeline"]


async def listing(call: Call[OrdersQuery, Nothing]) -> OrderPage:
    """The newest first, by every filter that is given."""
    asked = call.query
    wanted = await filters.wanted(call.hub, asked)
    page = await call.hub.database.read(partial(_page, wanted=wanted, before=asked.before, limit=asked.limit))
    connectors = {name: config.connector.name for name, config in call.hub.configuration.accounts.items()}
    rows = tuple(
        _row(
            summary,
            connectors,
            page.owed.get(summary.id, ()),
            page.there.get(summary.id, ()),
            page.unlinked.get(summary.id, 0),
        )
        for summary in page.found
    )
    return OrderPage(items=rows, next=page.ids[-1] if len(page.ids) == asked.limit else None)


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What is read for one page of the list."""

    ids: Sequence[int]
    found: Sequence[OrderSummary]
    owed: Mapping[OrderId, Sequence[Delivery]]
    there: Mapping[OrderId, Sequence[target_orders.TargetOrder]]
    unlinked: Mapping[int, int]


async def _page(reader: Reader, wanted: search.OrderSearch, before: int | None, limit: int) -> _Page:
    ids = await search.find(reader, wanted, before=before, limit=limit)
    summaries = {summary.id: summary for summary in await orders.listing(reader, ids=ids, limit=len(ids))}
    return _Page(
        ids=ids,
        found=[summaries[OrderId(id_)] for id_ in ids],
        owed=await deliveries.of_orders(reader, ids),
        there=await target_orders.of_orders(reader, ids),
        unlinked=await search.unlinked(reader, ids),
    )


async def card(call: Call[Nothing, Nothing]) -> OrderCard:
    """One order with everything that is known of it."""
    return await card_of(call.hub, call.path["order"])


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """What is read for one card."""

    stored: StoredOrder
    owed: Sequence[Delivery]
    unsettled: Sequence[Delivery]
    around: DeliveryContext
    there: Sequence[target_orders.TargetOrder]
    remark: Override
    told: Sequence[Event]
    pictures: Mapping[str, str]


async def _sheet(reader: Reader, flows: Flows, name: str) -> _Sheet:
    stored = await one_order(reader, name)
    owed = (await deliveries.of_orders(reader, [stored.id])).get(stored.id, [])
    remark = (await overrides.of_orders(reader, [stored.id])).get(stored.id)
    unsettled = [one for one in owed if one.state not in (DeliveryState.CONFIRMED, DeliveryState.DROPPED)]
    return _Sheet(
        stored=stored,
        owed=owed,
        unsettled=unsettled,
        around=await surroundings(reader, flows, unsettled),
        there=(await target_orders.of_orders(reader, [stored.id])).get(stored.id, ()),
        remark=remark or Override(),
        told=await events.of_order(reader, stored.id),
        pictures=await _pictures(reader, stored),
    )


async def _pictures(reader: Reader, stored: StoredOrder) -> dict[str, str]:
    """What was bought by sight, by line."""
    sold = [line.offer_id for line in stored.order.lines if line.offer_id is not None and line.image is None]
    known = await offers.images(reader, stored.account, sold) if sold else {}
    found = {line.external_id: line.image or known.get(line.offer_id or "") for line in stored.order.lines}
    return {line: address for line, address in found.items() if address is not None}


async def card_of(hub: Hub, name: str) -> OrderCard:
    """The card of the order that `name` means."""
    sheet = await hub.database.read(partial(_sheet, flows=hub.flows, name=name))
    stored = sheet.stored
    standing = hub.order_actions.standing(stored, sheet.owed, sheet.remark)
    rows = delivery_views(hub, sheet.unsettled, sheet.around)
    return OrderCard(
        id=stored.id,
        reference=reference(stored.account, stored.order.external_id),
        account=stored.account,
        created_at=stored.created_at,
        changed_at=stored.changed_at,
        superseded_by=stored.superseded_by,
        order=stored.order,
        copies=tuple(map(_copy, sheet.there)),
        deliveries=tuple(sheet.owed),
        note=sheet.remark.note,
        actions=tuple(hub.order_actions.choices(standing)),
        statuses=permitted.statuses(standing),
        own_status=stored.own_status,
        own_statuses=permitted.own_statuses(standing),
        status_titles={one.name: one.title for one in standing.statuses.items},
        owed=tuple(row for row in rows if any(one.possible for one in row.actions)),
        history=order_history(sheet.told, sheet.owed, sheet.remark.bookings),
        pictures=dict(sheet.pictures),
        version=order_edit.version(stored.order, sheet.remark),
        edited=_edited(sheet.remark, standing),
        bookings=sheet.remark.bookings,
    )


def _edited(remark: Override, standing: permitted.OrderSituation) -> EditedOrder:
    return EditedOrder(
        parts=remark.edited,
        contested=remark.contested,
        stays=tuple(sorted(standing.there)),
        source_recipient=remark.address_instead_of,
        source_invoice=remark.invoice_instead_of,
        source_lines=remark.lines_instead_of,
        source_total=remark.total_instead_of,
    )


async def history(call: Call[Nothing, Nothing]) -> Timeline:
    """What happened to one order and to the accounts it concerns, oldest first, and why."""
    return await timeline(call.hub, call.path["order"])


async def timeline(hub: Hub, name: str, voice: Formatter = ENGLISH) -> Timeline:
    """The history of the order called `name`, in a language."""
    stored, owed, told, known = await hub.database.read(partial(_story, name=name))
    return Timeline(
        order=order_name(stored.id, stored.account, stored.order.external_id, stored.order.number),
        events=tuple(_moment(event, owed, known, voice) for event in told),
        deliveries=tuple(owed),
        now=tuple(event_text.still_open(owed, voice)),
    )


async def _story(
    reader: Reader, name: str
) -> tuple[StoredOrder, Sequence[Delivery], Sequence[Event], Mapping[int, Run]]:
    """The order, its deliveries, what happened, and the runs that brought it."""
    stored = await one_order(reader, name)
    owed = (await deliveries.of_orders(reader, [stored.id])).get(stored.id, [])
    told = await _told(reader, stored, owed)
    known = await runs.read(reader, [int(event.cause.id) for event in told if event.cause.kind == "run"])
    return stored, owed, told, known


async def _told(reader: Reader, stored: StoredOrder, owed: Sequence[Delivery]) -> list[Event]:
    """The order's events, with those of its accounts for as long as something of it was open."""
    own = await events.of_order(reader, stored.id)
    if not own:
        return own
    concerned = sorted({stored.account, *(delivery.target for delivery in owed)})
    around = await events.of_accounts(reader, concerned, after=own[0].id)
    if not any(delivery.state.open for delivery in owed):
        around = [event for event in around if event.id < own[-1].id]
    return sorted([*own, *around], key=lambda event: event.id)


def _moment(event: Event, owed: Sequence[Delivery], known: Mapping[int, Run], voice: Formatter) -> TimelineEvent:
    return TimelineEvent(
        id=event.id,
        at=event.at,
        kind=event.kind,
        account=event.account,
        text=event_text.tell(event, owed, voice),
        why=event_text.why(event.cause, known, voice),
        cause=event.cause,
        owes=tuple(delivery.id for delivery in owed if delivery.event_id == event.id),
        data=event.data,
    )


def _row(
    summary: OrderSummary,
    connectors: dict[str, str],
    owed: Sequence[Delivery],
    there: Sequence[target_orders.TargetOrder],
    unlinked: int,
) -> OrderRow:
    pushes = {delivery.target: delivery.state for delivery in owed if delivery.action is Action.PUSH_ORDER}
    held = {copy.account: copy for copy in there}
    return OrderRow(
        id=summary.id,
        reference=reference(summary.account, summary.external_id),
        account=summary.account,
        external_id=summary.external_id,
        number=summary.number,
        marketplace=connectors.get(summary.account, ""),
        stage=summary.stage,
        fulfilment=summary.fulfilment,
        own_status=summary.own_status,
        paid=summary.paid,
        placed_at=summary.placed_at,
        total=summary.total,
        buyer=summary.buyer,
        superseded_by=summary.superseded_by,
        unlinked=unlinked,
        targets=tuple(
            OrderAtTarget(
                account=target,
                state=pushes.get(target),
                external_id=held[target].external_id if target in held else None,
                number=held[target].number if target in held else None,
                status=held[target].status if target in held else None,
            )
            for target in sorted({*pushes, *held})
        ),
    )


def _copy(copy: target_orders.TargetOrder) -> OrderCopy:
    return OrderCopy(
        account=copy.account,
        external_id=copy.external_id,
        number=copy.number,
        total=copy.total,
        status=copy.status,
        url=copy.url,
        unlinked=copy.unlinked,
        shipments=copy.shipments,
        created_at=copy.created_at,
        seen_at=copy.seen_at,
    )


ROUTES = (
    route("GET", "/api/v1/orders", listing),
    route("GET", "/api/v1/orders/{order}", card),
    route("GET", "/api/v1/orders/{order}/events", history),
)
