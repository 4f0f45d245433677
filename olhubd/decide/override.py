"""Values of an order that an operator has overridden, and how long they hold. Pure.

A status holds until the source reports a different one, for it is the later word about the same parcel. A part that
a person edited (the recipient, the invoice party, the lines) stays theirs: what the source reports of it later is
kept and shown beside it, and a person decides which of the two is meant. A note and a payment booked by hand are
the hub's own.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.erasure import anonymised
from olhubd.model import Address, Fulfilment, InvoiceParty, Line, Money, Order, Payment, PaymentType

__all__ = [
    "ADDED",
    "Booking",
    "EditedPart",
    "Override",
    "as_reported",
    "booked",
    "contested",
    "own_line",
    "retotalled",
    "stand",
]

ADDED = "olhubd:"
"""What the number of a line or payment begins with that was entered in the hub."""


class EditedPart(enum.StrEnum):
    """The parts of an order that a person edits as a whole."""

    RECIPIENT = "recipient"
    INVOICE = "invoice"
    LINES = "lines"


class Booking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money that a person says was received. One that was undone stays, with who undid it and why."""

    id: int
    amount: Money
    at: datetime
    who: str
    comment: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_comment: str | None = None


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`instead_of` beside each word is what the source says of it: for a status what it said when a person said
    otherwise, for an edited part what it said last. `contested` are the parts that it changed since their edit."""

    note: str | None = None
    fulfilment: Fulfilment | None = None
    fulfilment_instead_of: Fulfilment | None = None
    address: Address | None = None
    address_instead_of: Address | None = None
    invoice: InvoiceParty | None = None
    invoice_instead_of: InvoiceParty | None = None
    lines: tuple[Line, ...] | None = None
    lines_instead_of: tuple[Line, ...] = ()
    total_instead_of: Money | None = None
    contested: tuple[EditedPart, ...] = ()
    bookings: tuple[Booking, ...] = ()
    erased: bool = False
    """Its buyer was erased: nothing of a person is taken over any more."""

    @property
    def empty(self) -> bool:
        return self == Override()

    @property
    def edited(self) -> tuple[EditedPart, ...]:
        """The parts that a person edited."""
        given = {
            EditedPart.RECIPIENT: self.address,
            EditedPart.INVOICE: self.invoice,
            EditedPart.LINES: self.lines,
        }
        return tuple(part for part, value in given.items() if value is not None)

    def without_buyer(self) -> Override:
        """What is left when its buyer is erased: what was bought, what was paid, how far it is."""
        bookings = (msgspec.structs.replace(one, comment=None, undone_comment=None) for one in self.bookings)
        return Override(
            erased=True,
            fulfilment=self.fulfilment,
            fulfilment_instead_of=self.fulfilment_instead_of,
            lines=None if self.lines is None else _bare(self.lines),
            lines_instead_of=_bare(self.lines_instead_of),
            total_instead_of=self.total_instead_of,
            contested=tuple(one for one in self.contested if one is EditedPart.LINES),
            bookings=tuple(bookings),
        )

    def without(self, part: EditedPart) -> Override:
        """The override without the edit of a part."""
        left = tuple(one for one in self.contested if one is not part)
        match part:
            case EditedPart.RECIPIENT:
                return msgspec.structs.replace(self, address=None, address_instead_of=None, contested=left)
            case EditedPart.INVOICE:
                return msgspec.structs.replace(self, invoice=None, invoice_instead_of=None, contested=left)
        return msgspec.structs.replace(self, lines=None, lines_instead_of=(), total_instead_of=None, contested=left)


def _bare(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines without what their buyer may have written to them."""
    return tuple(msgspec.structs.replace(line, extra={}) for line in lines)


def own_line(external_id: str) -> bool:
    """Whether a line was added in the hub, so that no source knows it."""
    return external_id.startswith(ADDED)


def as_reported(remark: Override, held: Order) -> Order:
    """The order as its source reported it last, without what was edited or booked here."""
    told = held
    if remark.address is not None:
        shipping = msgspec.structs.replace(told.shipping, address=remark.address_instead_of)
        told = msgspec.structs.replace(told, shipping=shipping)
    if remark.invoice is not None:
        told = msgspec.structs.replace(told, invoice=remark.invoice_instead_of)
    if remark.lines is not None:
        total = remark.total_instead_of or held.total
        told = msgspec.structs.replace(told, lines=remark.lines_instead_of, total=total)
    return _unbooked(told)


def contested(remark: Override, told: Order) -> tuple[EditedPart, ...]:
    """The edited parts of which the source says something else than it said last, and than the person does."""
    found = []
    if remark.address is not None and told.shipping.address not in (remark.address, remark.address_instead_of):
        found.append(EditedPart.RECIPIENT)
    if remark.invoice is not None and told.invoice not in (remark.invoice, remark.invoice_instead_of):
        found.append(EditedPart.INVOICE)
    if remark.lines is not None and _bought(told.lines) not in (
        _bought(remark.lines),
        _bought(remark.lines_instead_of),
    ):
        found.append(EditedPart.LINES)
    return tuple(found)


def stand(remark: Override, told: Order) -> tuple[Order, Override]:
    """The order as the hub holds it after its source reported it again, and what of the override still holds."""
    order, left = told, remark
    if remark.fulfilment is not None:
        if told.fulfilment is remark.fulfilment_instead_of:
            order = msgspec.structs.replace(order, fulfilment=remark.fulfilment)
        else:
            left = msgspec.structs.replace(left, fulfilment=None, fulfilment_instead_of=None)
    again = contested(remark, told)
    if again:
        both = tuple(part for part in EditedPart if part in again or part in remark.contested)
        left = msgspec.structs.replace(left, contested=both)
    if remark.address is not None:
        if told.shipping.address == remark.address:
            left = left.without(EditedPart.RECIPIENT)
        else:
            left = msgspec.structs.replace(left, address_instead_of=told.shipping.address)
            shipping = msgspec.structs.replace(order.shipping, address=remark.address)
            order = msgspec.structs.replace(order, shipping=shipping)
    if remark.invoice is not None:
        if told.invoice == remark.invoice:
            left = left.without(EditedPart.INVOICE)
        else:
            left = msgspec.structs.replace(left, invoice_instead_of=told.invoice)
            order = msgspec.structs.replace(order, invoice=remark.invoice)
    if remark.lines is not None:
        if _bought(told.lines) == _bought(remark.lines):
            left = left.without(EditedPart.LINES)
        else:
            lines = _linked(remark.lines, told.lines)
            left = msgspec.structs.replace(
                left, lines=lines, lines_instead_of=told.lines, total_instead_of=told.total
            )
            order = retotalled(msgspec.structs.replace(order, lines=lines))
    order = booked(order, left.bookings)
    return (anonymised(order) if remark.erased else order), left


def retotalled(order: Order) -> Order:
    """The order with the total that its parts come to."""
    return msgspec.structs.replace(order, total=order.expected_total().rounded())


def booked(order: Order, bookings: Sequence[Booking]) -> Order:
    """The order with what was booked by hand, each as a payment of its own.

    A booking counts for no more than what is still open, so that money which the source reports as well is not
    counted twice.
    """
    told = _unbooked(order)
    left = max(told.total - told.paid, told.total * 0, key=lambda money: money.amount)
    payments = []
    for one in bookings:
        if one.undone_at is not None or one.amount.currency != left.currency:
            continue
        counts = min(one.amount, left, key=lambda money: money.amount)
        left -= counts
        if counts.amount > 0:
            payments.append(
                Payment(type=PaymentType.UNKNOWN, external_id=f"{ADDED}{one.id}", paid=counts, finished_at=one.at)
            )
    if not payments and told is order:
        return order
    return msgspec.structs.replace(told, surcharges=(*told.surcharges, *payments))


def _unbooked(order: Order) -> Order:
    kept = tuple(one for one in order.surcharges if not (one.external_id or "").startswith(ADDED))
    return order if len(kept) == len(order.surcharges) else msgspec.structs.replace(order, surcharges=kept)


def _bought(lines: Sequence[Line]) -> list[tuple[object, ...]]:
    """What a person edits of lines; a picture or a number that became known is no difference."""
    return sorted((one.external_id, one.name, one.quantity, one.price.amount, one.sku, one.ean) for one in lines)


def _linked(lines: tuple[Line, ...], told: Sequence[Line]) -> tuple[Line, ...]:
    """The lines with the offers of those of which the source says only now which it was."""
    offers = {line.external_id: line.offer_id for line in told}
    return tuple(
        msgspec.structs.replace(line, offer_id=offer)
        if line.offer_id is None and (offer := offers.get(line.external_id)) is not None
        else line
        for line in lines
    )
