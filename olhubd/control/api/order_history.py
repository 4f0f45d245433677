"""The history of an order: what its events say about its money, its status and what was done, oldest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from olhubd.control.api.schema.orders import HistoryEntry, OrderHistory
from olhubd.control.text import event_text
from olhubd.decide.override import Booking
from olhubd.model import Cause, Delivery, Event

__all__ = ["order_history"]


def order_history(
    events: Sequence[Event], deliveries: Sequence[Delivery], bookings: Sequence[Booking] = ()
) -> OrderHistory:
    """What the log of an order says about its money, its status, and what was done."""
    payments: list[HistoryEntry] = []
    statuses: list[HistoryEntry] = []
    actions: list[HistoryEntry] = []
    known = {one.id: one for one in bookings}
    for event in events:
        facts: dict[str, Any] = msgspec.json.decode(event.data)
        match event.kind:
            case "order.payment-changed":
                payments.append(_entry(event, deliveries, _money(facts.get("old")), _money(facts.get("new"))))
            case "order.payment-booked":
                entry = _entry(event, deliveries, _money(facts.get("old")), _money(facts.get("new")))
                booking = known.get(facts.get("booking", 0))
                if booking is not None:
                    comment = booking.undone_comment if facts.get("undone") else booking.comment
                    entry = msgspec.structs.replace(entry, comment=comment)
                payments.append(entry)
            case "order.paid":
                payments.append(_entry(event, deliveries, None, _money(facts.get("amount"))))
            case "order.fulfilment-changed" | "order.own-status-changed" | "copy.status-changed":
                entry = _entry(event, deliveries, facts.get("old"), facts.get("new"), facts.get("target"))
                statuses.append(entry)
            case "order.placed" | "order.confirmed" | "order.reopened" | "order.stage-unknown":
                statuses.append(_entry(event, deliveries, None, facts.get("external_stage")))
            case "order.cancelled":
                statuses.append(_entry(event, deliveries, None, facts.get("external_word")))
            case "order.superseded":
                statuses.append(_entry(event, deliveries, None, "superseded"))
            case "order.edited" | "order.edit-contested":
                what = ", ".join(facts.get("what", ()))
                actions.append(_entry(event, deliveries, None, what))
            case kind if kind.startswith("delivery.") or kind == "order.forwarded":
                outcome = kind.removeprefix("delivery.").removeprefix("order.")
                actions.append(_entry(event, deliveries, None, outcome, _target(facts, event, deliveries)))
            case _:
                pass
    return OrderHistory(payments=tuple(payments), statuses=tuple(statuses), actions=tuple(actions))


def _entry(
    event: Event, deliveries: Sequence[Delivery], old: object, new: object, where: object = None
) -> HistoryEntry:
    return HistoryEntry(
        at=event.at,
        old=None if old is None else str(old),
        new=None if new is None else str(new),
        who=_who(event.cause),
        text=event_text.tell(event, deliveries),
        where=None if where is None else str(where),
    )


def _who(cause: Cause) -> str:
    return cause.id if cause.kind == "operator" else str(cause)


def _target(facts: Mapping[str, Any], event: Event, deliveries: Sequence[Delivery]) -> str | None:
    number = str(facts.get("delivery") or (event.cause.id if event.cause.kind == "delivery" else ""))
    return facts.get("target") or next((d.target for d in deliveries if str(d.id) == number), None)


def _money(value: object) -> str | None:
    return f"{value['amount']} {value['currency']}" if isinstance(value, Mapping) else None
