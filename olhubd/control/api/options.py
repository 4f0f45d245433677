"""Answers about what waits for a person and why, and the histories on an order's card; made from records.

What is shown of what waits is what one needs to decide: sums, numbers, words of either side. Names and addresses
are on the order's card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.text import event_text
from olhubd.decide.hold import Hold, advice
from olhubd.decide.permitted import Choice
from olhubd.model import Cause, Delivery, DeliveryState, Event, Kind, Order, Quarantined, Reason, beside
from olhubd.store.target_orders import TargetOrder

__all__ = ["Entry", "Held", "Histories", "Reading", "held", "histories", "masked"]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Why a delivery waits for a person. `expected` is what was or is to be sent, `there` what the target has.

    `kind` is a word for programs, `field` the target's name for what it complains of.
    """

    kind: Hold
    reason: str
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None
    advice: str
    field: str | None
    expected: dict[str, str]
    there: dict[str, str]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a history. `who` is a person or what acted by itself; `text` says it in words."""

    at: datetime
    old: str | None
    new: str | None
    who: str
    text: str
    where: str | None = None
    """The target that it is about; None for the order itself."""


class Histories(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first. `actions` are what the hub did by itself or for a person, with the outcome as `new`."""

    payments: tuple[Entry, ...]
    statuses: tuple[Entry, ...]
    actions: tuple[Entry, ...]


def held(delivery: Delivery, said: Mapping[str, Any], order: Order | None, copy: TargetOrder | None) -> Held | None:
    """The view of a delivery that waits; None for one that does not. `said` is what was logged when it was held."""
    if delivery.state not in (DeliveryState.HOLD, DeliveryState.DEAD, DeliveryState.DISCARDED):
        return None
    word = said.get("kind")
    kind = next((known for known in Hold if known.value == word), Hold.OTHER)
    reason = delivery.reason or delivery.error or Reason("no-reason")
    return Held(
        kind=kind,
        reason=reason,
        **beside("reason", reason),
        advice=advice(kind),
        field=said.get("field"),
        expected=_expected(order) if order is not None else {},
        there=_there(copy) if copy is not None else {},
    )


def _expected(order: Order) -> dict[str, str]:
    pieces = sum(line.quantity for line in order.lines)
    facts = {
        "total": str(order.total),
        "paid": str(order.paid),
        "lines": str(len(order.lines)),
        "pieces": str(pieces),
        "shipping": order.shipping.method or order.shipping.method_id,
        "shipping_cost": str(order.shipping.cost) if order.shipping.cost is not None else None,
        "payment": order.payment.type.value if order.payment else None,
        "country": order.recipient.country if order.recipient else None,
        "skus": ", ".join(line.sku or "-" for line in order.lines[:20]),
    }
    return {name: value for name, value in facts.items() if value}


def _there(copy: TargetOrder) -> dict[str, str]:
    facts = {
        "id": copy.external_id,
        "number": copy.number,
        "total": str(copy.total),
        "status": copy.status,
        "url": copy.url,
        "unlinked": ", ".join(copy.unlinked),
        "parcels": ", ".join(f"{parcel.carrier} {parcel.waybill}" for parcel in copy.shipments),
    }
    return {name: value for name, value in facts.items() if value}


def histories(events: Sequence[Event], deliveries: Sequence[Delivery]) -> Histories:
    """What the log of an order says about its money, its status, and what was done."""
    payments: list[Entry] = []
    statuses: list[Entry] = []
    actions: list[Entry] = []
    for event in events:
        facts: dict[str, Any] = msgspec.json.decode(event.data)
        match event.kind:
            case "order.payment-changed":
                payments.append(_entry(event, deliveries, _money(facts.get("old")), _money(facts.get("new"))))
            case "order.paid":
                payments.append(_entry(event, deliveries, None, _money(facts.get("amount"))))
            case "order.fulfilment-changed" | "copy.status-changed":
                entry = _entry(event, deliveries, facts.get("old"), facts.get("new"), facts.get("target"))
                statuses.append(entry)
            case "order.placed" | "order.confirmed" | "order.reopened" | "order.stage-unknown":
                statuses.append(_entry(event, deliveries, None, facts.get("external_stage")))
            case "order.cancelled":
                statuses.append(_entry(event, deliveries, None, facts.get("external_word")))
            case "order.superseded":
                statuses.append(_entry(event, deliveries, None, "superseded"))
            case kind if kind.startswith("delivery.") or kind == "order.forwarded":
                outcome = kind.removeprefix("delivery.").removeprefix("order.")
                actions.append(_entry(event, deliveries, None, outcome, _target(facts, event, deliveries)))
            case _:
                pass
    return Histories(payments=tuple(payments), statuses=tuple(statuses), actions=tuple(actions))


def _entry(event: Event, deliveries: Sequence[Delivery], old: object, new: object, where: object = None) -> Entry:
    return Entry(
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


# What could not be read, for eyes that need no names

_MEND = (
    "Compare it with the order at its source. What is wrong there is mended there, and it lands as soon as the"
    " source tells it so; a retry asks at once. What is right there is a fault of the connector: report it with"
    " these facts. Discard it once it is dealt with by hand."
)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A record in quarantine; `raw` only where it was asked for."""

    id: int
    account: str
    feed: str
    kind: str
    """What the record is: `order`, or what a connector gave in place of one."""
    external_id: str
    reason: str
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None
    first_at: datetime
    last_at: datetime
    tries: int
    advice: str
    facts: str
    """The record with all that is personal covered."""
    actions: tuple[Choice, ...]
    raw: str | None = None

    @property
    def called(self) -> str:
        """What people call it. Most are orders, so that is not told."""
        return self.external_id if self.kind == Kind.ORDER else f"{self.kind} {self.external_id}"

    @classmethod
    def of(cls, record: Quarantined, raw: bool, actions: tuple[Choice, ...]) -> Reading:
        return cls(
            id=record.id,
            account=record.account,
            feed=record.feed,
            kind=record.kind,
            external_id=record.external_id,
            reason=record.reason,
            **beside("reason", record.reason),
            first_at=record.first_at,
            last_at=record.last_at,
            tries=record.tries,
            advice=_MEND,
            facts=masked(record.raw),
            actions=actions,
            raw=record.raw.decode(errors="replace") if raw else None,
        )


_PLAIN = re.compile(r"[A-Z]{3}|-?[0-9]+([.,][0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
_TELLING = frozenset(
    {
        "amount",
        "currency",
        "external_stage",
        "fulfilment",
        "id",
        "kind",
        "quantity",
        "rate",
        "sku",
        "stage",
        "state",
    }
    | {"status", "total", "type"}
)
"""Fields whose texts are words of a system and never of a person."""
_PRIVATE = frozenset(
    {"phone", "phonenumber", "postcode", "zipcode", "national_id", "value", "login", "personalidentity"}
)
_MASK = "***"


def masked(raw: bytes) -> str:
    """The record with the texts of persons covered: shape, sums, times and systems' words remain."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"{len(raw)} bytes that are no JSON"
    return msgspec.json.format(msgspec.json.encode(_covered(told, "")), indent=1).decode()


def _covered(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _covered(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_covered(one, name) for one in value]
    if value is None or isinstance(value, bool):
        return value
    private = name.lower().replace("_", "") in {one.replace("_", "") for one in _PRIVATE}
    if isinstance(value, str):
        plain = name in _TELLING or (_PLAIN.fullmatch(value) is not None and not private)
        return value if plain else _MASK
    return _MASK if private else value
