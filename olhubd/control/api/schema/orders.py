"""Orders: rows of the list, the card with its histories, the timeline, and what a person changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import (
    Amount,
    AnswerStruct,
    Before,
    Day,
    Limit,
    Name,
    OrderName,
    Page,
    RequestStruct,
    Text,
    TextLine,
    shape,
)
from olhubd.control.api.schema.deliveries import DeliveryRow
from olhubd.decide.override import Booking, EditedPart
from olhubd.decide.permitted import PermittedAction
from olhubd.model import (
    Address,
    Cause,
    Delivery,
    DeliveryState,
    Fulfilment,
    InvoiceParty,
    Line,
    Money,
    Order,
    Shipment,
    Stage,
)

__all__ = [
    "AddressRequest",
    "BookingRequest",
    "EditRequest",
    "EditedOrder",
    "ForwardRequest",
    "HistoryEntry",
    "LineRequest",
    "NoteRequest",
    "OrderAtTarget",
    "OrderCard",
    "OrderCopy",
    "OrderHistory",
    "OrderPage",
    "OrderRow",
    "OrdersFilter",
    "OrdersQuery",
    "OwnStatusChoice",
    "ShipmentRequest",
    "StatusRequest",
    "Timeline",
    "TimelineEvent",
    "UndoBookingRequest",
]


class OrdersFilter(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit.

    `q` is an id or a number, here or at a target, whole; `text` begins the buyer's name or login, or is the SKU or
    EAN of a line. Dates are days ("2026-01-31", in the time zone of the configuration, both included) or moments
    ("2026-01-31T12:00:00Z"). Amounts are in whatever currency the order is. `unlinked` orders have lines without a
    product. `own_status` is one of the seller's own list, by name.
    """

    account: str | None = None
    connector: str | None = None
    stage: Stage | None = None
    fulfilment: Fulfilment | None = None
    own_status: Name | None = None
    placed_from: Day | None = None
    placed_to: Day | None = None
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    q: Text | None = None
    text: Text | None = None
    unlinked: bool = False


class OrdersQuery(OrdersFilter, frozen=True, kw_only=True):
    """Pages go on by `before`, the `next` of the last one. With a date the order is that of placing."""

    before: Before | None = None
    limit: Limit = 50


class OrderAtTarget(AnswerStruct, frozen=True, kw_only=True):
    """An order at one target: the state of its forwarding and what is there."""

    account: str
    state: DeliveryState | None
    external_id: str | None
    number: str | None
    status: str | None


class OrderRow(AnswerStruct, frozen=True, kw_only=True):
    id: int
    reference: str
    account: str
    external_id: str
    number: str | None
    marketplace: str
    """The connector its account is at."""
    stage: Stage
    fulfilment: Fulfilment
    own_status: str | None
    paid: bool
    placed_at: datetime
    total: Money
    buyer: str | None
    superseded_by: int | None
    unlinked: int
    """How many of its lines are bound to no product: at a target, or before that by what the source says."""
    targets: tuple[OrderAtTarget, ...]


OrderPage = Page[OrderRow]


class OrderCopy(AnswerStruct, frozen=True, kw_only=True):
    """The order as it is at a target. `unlinked` are lines bound to no product there."""

    account: str
    external_id: str
    number: str | None
    total: Money
    status: str | None
    url: str | None
    unlinked: tuple[str, ...]
    shipments: tuple[Shipment, ...]
    created_at: datetime
    seen_at: datetime | None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a history. `who` is a person or what acted by itself; `text` says it in words."""

    at: datetime
    old: str | None
    new: str | None
    who: str
    text: str
    where: str | None = None
    """The target that it is about; None for the order itself."""
    comment: str | None = None
    """What the person wrote who booked a payment or undid that."""


class OrderHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first. `actions` are what the hub did by itself or for a person, with the outcome as `new`."""

    payments: tuple[HistoryEntry, ...]
    statuses: tuple[HistoryEntry, ...]
    actions: tuple[HistoryEntry, ...]


class EditedOrder(AnswerStruct, frozen=True, kw_only=True):
    """What of an order was edited in the hub: `parts` are the person's. Beside each edited part stands what the
    source says of it. `contested` are parts that the source changed after their edit; `stays` are targets that have
    the order and are sent nothing of an edit."""

    parts: tuple[EditedPart, ...]
    contested: tuple[EditedPart, ...]
    stays: tuple[str, ...]
    source_recipient: Address | None = None
    source_invoice: InvoiceParty | None = None
    source_lines: tuple[Line, ...] = ()
    source_total: Money | None = None


class OrderCard(AnswerStruct, frozen=True, kw_only=True):
    """`actions` are what a person may do now, and why not the rest; `statuses` where each word that they may say
    would go, by account; `owed` those deliveries with which something may be done. `note` is the hub's own.

    `own_status` is the one that it has of the seller's own list, `own_statuses` where each of that list would
    go, in its order, and `status_titles` what people call them.

    `pictures` are addresses by line: the source's own, else that of the offer that was bought.
    """

    id: int
    reference: str
    account: str
    created_at: datetime
    changed_at: datetime
    superseded_by: int | None
    order: Order
    copies: tuple[OrderCopy, ...]
    deliveries: tuple[Delivery, ...]
    note: str | None
    actions: tuple[PermittedAction, ...]
    statuses: dict[Fulfilment, dict[str, str]]
    own_status: str | None
    own_statuses: dict[str, dict[str, str]]
    status_titles: dict[str, str]
    owed: tuple[DeliveryRow, ...]
    history: OrderHistory
    pictures: dict[str, str]
    version: str
    """The mark of the order as it is now, which an edit names."""
    edited: EditedOrder
    bookings: tuple[Booking, ...]
    """Payments that were booked by hand, also those that were undone."""


class TimelineEvent(AnswerStruct, frozen=True, kw_only=True):
    """One event: `text` says what happened and `why` who or what caused it; `owes` are deliveries it led to."""

    id: int
    at: datetime
    kind: str
    account: str
    text: str
    why: str
    cause: Cause
    owes: tuple[int, ...]
    data: msgspec.Raw


class Timeline(AnswerStruct, frozen=True, kw_only=True):
    """An order's history with its causes, oldest first. `now` says in words what is still open."""

    order: OrderName
    events: tuple[TimelineEvent, ...]
    deliveries: tuple[Delivery, ...]
    now: tuple[str, ...]


class NoteRequest(RequestStruct, frozen=True, kw_only=True):
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)] | None = None


class StatusRequest(RequestStruct, frozen=True, kw_only=True):
    status: Fulfilment


class OwnStatusChoice(RequestStruct, frozen=True, kw_only=True):
    """`status` is the name of one of the seller's own list; without it the order has none."""

    status: Name | None = None


class ShipmentRequest(RequestStruct, frozen=True, kw_only=True):
    """`lines` are the ids of the order's lines in the parcel; without them it is all."""

    carrier: Name
    waybill: Name
    carrier_name: Name | None = None
    url: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^https?://\S+$",
                max_length=1000,
                **shape("shape.url"),
            ),
        ]
        | None
    ) = None
    lines: tuple[str, ...] = ()


class AddressRequest(RequestStruct, frozen=True, kw_only=True):
    """Fields that are left out stay as they are. `country` is ISO 3166 alpha-2."""

    first_name: TextLine | None = None
    last_name: TextLine | None = None
    company: TextLine | None = None
    street: TextLine | None = None
    postcode: TextLine | None = None
    city: TextLine | None = None
    region: TextLine | None = None
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$", **shape("shape.country"))] | None = None
    phone: TextLine | None = None


class ForwardRequest(RequestStruct, frozen=True, kw_only=True):
    """`target` may be left out where only one route leads from the order's account."""

    target: str | None = None


class LineRequest(RequestStruct, frozen=True, kw_only=True):
    """A line as it is to be. `id` is that of a line of the order; without it the line is a new one, which needs a
    name, a quantity and a price. What is left out stays as it is. With `offer_id` a new line needs the stock of
    that offer."""

    id: Name | None = None
    name: TextLine | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10**6)] | None = None
    price: Amount | None = None
    sku: Name | None = None
    ean: Name | None = None
    offer_id: Name | None = None


class EditRequest(RequestStruct, frozen=True, kw_only=True):
    """`version` is that of the card that was edited; when the order is another one by now, nothing is changed.

    `lines` are all that the order is to have: one that is not named is taken out; without any they stay. `total`
    is what the order is expected to come to. `undo` are edited parts for which the source's word is to count again.
    """

    version: Name
    recipient: AddressRequest | None = None
    invoice: AddressRequest | None = None
    tax_number: Name | None = None
    lines: Annotated[tuple[LineRequest, ...], msgspec.Meta(max_length=1000)] = ()
    total: Amount | None = None
    undo: Annotated[tuple[EditedPart, ...], msgspec.Meta(max_length=3)] = ()


class BookingRequest(RequestStruct, frozen=True, kw_only=True):
    """`currency` is that of the order where it is left out."""

    amount: Amount
    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)] | None = None
    comment: Text | None = None


class UndoBookingRequest(RequestStruct, frozen=True, kw_only=True):
    comment: Text | None = None
