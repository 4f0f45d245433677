"""Comparing an order as its source reports it now with what the hub holds: what is different, and for whom.

Pure: it gets all it needs and returns changes; storing them, and what follows from them, is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from olhubd.decide import changes
from olhubd.decide.changes import Change
from olhubd.decide.override import own_line
from olhubd.model import Fulfilment, Line, Order, OrderId, PaymentType, Stage

__all__ = ["Contest", "cancelled", "compare", "contest", "first_seen", "heir", "holds"]


def cancelled(order: Order) -> bool:
    """Whether it is off. A cancellation has two faces: the purchase's own, and the seller's in the panel."""
    return order.stage is Stage.CANCELLED or order.fulfilment is Fulfilment.CANCELLED


def first_seen(order: Order) -> list[Change]:
    """The changes of an order that the hub did not hold."""
    found: list[Change] = [
        changes.Placed(
            total=order.total,
            lines=len(order.lines),
            stage=order.stage,
            external_stage=order.external_stage,
        )
    ]
    if cancelled(order):
        found.append(changes.Cancelled(external_word=_cancel_word(order)))
    elif order.stage is Stage.CONFIRMED:
        found.append(changes.Confirmed(external_stage=order.external_stage))
    elif order.stage is Stage.UNKNOWN:
        found.append(changes.StageUnknown(external_stage=order.external_stage))
    if order.fully_paid:
        found.append(changes.Paid(amount=order.paid))
    return found


def compare(held: Order, incoming: Order) -> list[Change]:
    """The changes from `held` to `incoming`; empty only when they are equal in all that is stored.

    A revision and a time of change alone are none: views and our own writes move them, too.
    """
    found = [*_stage(held, incoming), *_payment(held, incoming), *_content(held, incoming)]
    old = {shipment.key for shipment in held.shipments}
    found.extend(
        changes.Shipped(carrier=shipment.carrier, waybill=shipment.waybill)
        for shipment in incoming.shipments
        if shipment.key not in old
    )
    if not found and _told(held) != _told(incoming):
        found.append(changes.Amended())
    return found


def _told(order: Order) -> Order:
    return msgspec.structs.replace(order, revision=None, updated_at=None)


def _stage(held: Order, incoming: Order) -> Iterator[Change]:
    if cancelled(incoming):
        if not cancelled(held):
            yield changes.Cancelled(external_word=_cancel_word(incoming))
        return
    if cancelled(held):
        yield changes.Reopened(external_stage=incoming.external_stage)
    if incoming.stage is Stage.CONFIRMED and held.stage is not Stage.CONFIRMED:
        yield changes.Confirmed(external_stage=incoming.external_stage)
    if incoming.stage is Stage.UNKNOWN and incoming.external_stage != held.external_stage:
        yield changes.StageUnknown(external_stage=incoming.external_stage)
    if incoming.fulfilment is not held.fulfilment:
        yield changes.FulfilmentChanged(
            old=held.fulfilment, new=incoming.fulfilment, external_word=incoming.external_fulfilment
        )


def _payment(held: Order, incoming: Order) -> Iterator[Change]:
    known = incoming.money_told and held.total.currency == incoming.total.currency
    if known and incoming.paid != held.paid:
        yield changes.PaymentChanged(old=held.paid, new=incoming.paid, total=incoming.total)
    if incoming.fully_paid and not held.fully_paid:
        yield changes.Paid(amount=incoming.paid)


def _content(held: Order, incoming: Order) -> Iterator[Change]:
    if held.recipient != incoming.recipient or held.shipping.pickup_point != incoming.shipping.pickup_point:
        yield changes.AddressChanged()
    if what := _delivery(held, incoming):
        yield changes.DeliveryChanged(what=what)
    if held.invoice != incoming.invoice:
        yield changes.InvoiceChanged()
    if held.total != incoming.total or _identified(held, incoming) != incoming.lines:
        yield changes.LinesChanged(old_total=held.total, new_total=incoming.total)


def _identified(held: Order, incoming: Order) -> tuple[Line, ...]:
    """The lines as held, with the offers of those of which only `incoming` says which it was: no line is another
    for that."""
    offers = {line.external_id: line.offer_id for line in incoming.lines}
    return tuple(
        msgspec.structs.replace(line, offer_id=offer)
        if line.offer_id is None and (offer := offers.get(line.external_id)) is not None
        else line
        for line in held.lines
    )


def _delivery(held: Order, incoming: Order) -> tuple[str, ...]:
    """What is different of the way to the buyer; what was not known before is no difference."""
    old, new = held.shipping, incoming.shipping
    told: dict[str, tuple[object, object]] = {
        "shipping.method": (old.method_id or old.method, new.method_id or new.method),
        "shipping.dispatch_by": (old.dispatch_by, new.dispatch_by),
        "payment.type": (_known_type(held), _known_type(incoming)),
    }
    return tuple(name for name, (was, now) in told.items() if was is not None and now is not None and was != now)


def _known_type(order: Order) -> PaymentType | None:
    payment = order.payment
    return payment.type if payment is not None and payment.type is not PaymentType.UNKNOWN else None


def _cancel_word(order: Order) -> str:
    return order.external_stage if order.stage is Stage.CANCELLED else order.external_fulfilment or "cancelled"


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of an incoming order that other live orders have.

    `superseded` are orders that lose all their lines to it, `moved` those that lose some, by their hub id. `lost`
    says that it is the incoming one that is out of date: its lines went to these orders since.
    """

    superseded: frozenset[OrderId] = frozenset()
    moved: Mapping[OrderId, tuple[str, ...]] = {}
    lost: frozenset[OrderId] = frozenset()


def contest(incoming: Order, owners: Mapping[OrderId, Order]) -> Contest:
    """Who gives up lines to whom. `owners` are the other live orders that have lines of `incoming` now.

    A merge makes a new order out of lines of older ones, so the order that its source touched last is right.
    An order without a time of change is as old as its placing.
    """
    mine = {line.external_id for line in incoming.lines}
    stale = frozenset(id_ for id_, owner in owners.items() if _age(owner) > _age(incoming))
    if stale:
        return Contest(lost=stale)
    superseded: set[OrderId] = set()
    moved: dict[OrderId, tuple[str, ...]] = {}
    for id_, owner in owners.items():
        theirs = _sources_lines(owner)
        if theirs <= mine:
            superseded.add(id_)
        else:
            moved[id_] = tuple(sorted(theirs & mine))
    return Contest(superseded=frozenset(superseded), moved=moved)


def holds(order: Order, part: Order) -> bool:
    """Whether `order` has all lines of `part`, and is not older."""
    mine = {line.external_id for line in order.lines}
    return _age(order) >= _age(part) and _sources_lines(part) <= mine


def _sources_lines(order: Order) -> set[str]:
    """The lines that the source knows; those that were added in the hub follow no purchase."""
    return {line.external_id for line in order.lines if not own_line(line.external_id)}


def heir(part: Order, cancelled_ones: Mapping[OrderId, Order]) -> OrderId | None:
    """Into which of these cancelled orders one that is gone was merged: the newest that has all its lines."""
    found = [(_age(order), id_) for id_, order in cancelled_ones.items() if holds(order, part)]
    return max(found)[1] if found else None


def _age(order: Order) -> float:
    return (order.updated_at or order.placed_at).timestamp()
