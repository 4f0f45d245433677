"""What can happen to an order, as typed changes. Each becomes one event; its `kind` is the event's name.

A change holds facts a person may need (old and new words, sums, numbers) and no personal data.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from olhubd.model import Fulfilment, Money, Stage

__all__ = [
    "AddressChanged",
    "Amended",
    "Cancelled",
    "Change",
    "Confirmed",
    "CopyCancelled",
    "CopyDoubled",
    "CopyFound",
    "CopyRefunded",
    "CopyReopened",
    "CopyShipped",
    "CopyStatusChanged",
    "CopyTotalChanged",
    "DeliveryChanged",
    "EditContested",
    "Forwarded",
    "FulfilmentChanged",
    "InvoiceChanged",
    "LineChange",
    "LinesChanged",
    "LinesMoved",
    "NoteChanged",
    "OrderEdited",
    "OwnStatusChanged",
    "Paid",
    "PaymentBooked",
    "PaymentChanged",
    "Placed",
    "PriceChanged",
    "ProductChanged",
    "ProductGone",
    "ProductReturned",
    "Reopened",
    "Shipped",
    "StageUnknown",
    "StockCounted",
    "Superseded",
    "Vanished",
]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The root of all changes."""

    kind: ClassVar[str]


class Placed(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The hub sees the order for the first time."""

    kind = "order.placed"
    total: Money
    lines: int
    stage: Stage
    external_stage: str


class Confirmed(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The order is complete and the buyer's last word."""

    kind = "order.confirmed"
    external_stage: str


class Paid(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """All money is there."""

    kind = "order.paid"
    amount: Money


class PaymentChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.payment-changed"
    old: Money
    new: Money
    total: Money


class AddressChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.address-changed"


class DeliveryChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Another way of delivery, another day to send it by, or another way to pay, such as cash at the door.

    `what` are the canonical names of what is different.
    """

    kind = "order.delivery-changed"
    what: tuple[str, ...]


class InvoiceChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.invoice-changed"


class LinesChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Quantities, prices or lines are others than before."""

    kind = "order.lines-changed"
    old_total: Money
    new_total: Money


class LinesMoved(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Some of the lines now belong to another order."""

    kind = "order.lines-moved"
    lines: tuple[str, ...]
    to: str


class Cancelled(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.cancelled"
    external_word: str


class Reopened(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Cancelled before, not cancelled now."""

    kind = "order.reopened"
    external_stage: str


class Superseded(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Another order took over all of its lines: the buyer paid purchases together."""

    kind = "order.superseded"
    by: str


class FulfilmentChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.fulfilment-changed"
    old: Fulfilment
    new: Fulfilment
    external_word: str | None = None


class OwnStatusChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The order has another status of the seller's own list; None is none. They are the names in the list."""

    kind = "order.own-status-changed"
    old: str | None = None
    new: str | None = None


class Forwarded(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person sent it on, whatever the route's own rule is."""

    kind = "order.forwarded"
    target: str


class NoteChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person wrote, changed or removed the note; what it says stays out of the log."""

    kind = "order.noted"
    removed: bool = False


class LineChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was edited of one line. One without old values was added, one without new ones was taken out."""

    line: str
    old_quantity: int | None = None
    new_quantity: int | None = None
    old_price: Money | None = None
    new_price: Money | None = None
    old_name: str | None = None
    new_name: str | None = None


class OrderEdited(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person edited parts of the order, or undid that. `stays` are targets that have it already and are sent
    nothing of it. Addresses stay out of the log."""

    kind = "order.edited"
    what: tuple[str, ...]
    lines: tuple[LineChange, ...] = ()
    old_total: Money
    new_total: Money
    undone: bool = False
    stays: tuple[str, ...] = ()


class EditContested(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The source changed parts that a person had edited: the edit stands, and both are shown."""

    kind = "order.edit-contested"
    what: tuple[str, ...]
    old_total: Money
    new_total: Money


class PaymentBooked(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person booked a payment, or undid that; the comment stays out of the log. `old` and `new` are what counts
    as received."""

    kind = "order.payment-booked"
    booking: int
    amount: Money
    old: Money
    new: Money
    undone: bool = False


class StageUnknown(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The source uses a word that is not known; it is kept and shown, and nothing follows from it."""

    kind = "order.stage-unknown"
    external_stage: str


class Shipped(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    kind = "order.shipped"
    carrier: str
    waybill: str


class Amended(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something else is different: a note, a delivery window, additional information."""

    kind = "order.amended"


class Vanished(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The source answers that it has no such order."""

    kind = "order.vanished"


class CopyStatusChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, the order that was pushed there is in another state."""

    kind = "copy.status-changed"
    target: str
    old: str | None = None
    new: str


class CopyCancelled(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, the order that was pushed there is cancelled, and its purchase is not.

    `status` is its word there.
    """

    kind = "copy.cancelled"
    target: str
    status: str


class CopyReopened(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, the order that was cancelled there is alive again, and its purchase is off."""

    kind = "copy.reopened"
    target: str
    status: str


class CopyShipped(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, a parcel was registered for the order that was pushed there."""

    kind = "copy.shipped"
    target: str
    carrier: str
    waybill: str
    carrier_name: str | None = None
    url: str | None = None


class CopyTotalChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, somebody edited the order that was pushed there: it comes to another total."""

    kind = "copy.total-changed"
    target: str
    old: Money
    new: Money


class CopyRefunded(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """At a target, so much in all of the order that was pushed there was paid back."""

    kind = "copy.refunded"
    target: str
    amount: str


class CopyFound(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A target reports an order with our mark which the hub does not know there, as after a restore."""

    kind = "copy.found"
    target: str
    external_id: str


class CopyDoubled(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A second order at a target carries the same mark of ours: somebody copied it, or we failed."""

    kind = "copy.doubled"
    target: str
    known: str
    other: str


class StockCounted(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The stock master has another number of pieces that can be sold; None where it has none."""

    kind = "stock.counted"
    old: int | None = None
    new: int | None = None


class PriceChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The price list of a stock master has another price; None where it has none. `clock`: no one changed it, but a
    reduction began or ended."""

    kind = "price.changed"
    price_list: str
    old: Money | None = None
    new: Money | None = None
    clock: bool = False


class ProductChanged(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The stock master describes a product otherwise: `what` names the fields."""

    kind = "product.changed"
    what: tuple[str, ...]


class ProductGone(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reading of the whole catalogue did not have the product any more."""

    kind = "product.gone"


class ProductReturned(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A product that was gone is there again."""

    kind = "product.returned"
