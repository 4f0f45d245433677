"""What is different between the orders of two databases, in words that name rows and fields but show no values.

Identifiers are not compared, since one decision more shifts all that follow: events and deliveries are compared by
their place in the history of their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from olhubd.model import Delivery, Event
from olhubd.store import Reader, history
from olhubd.store.history import RecordedHistory

__all__ = ["ReplayComparison", "ReplayDifference", "compare", "stem"]

T = TypeVar("T", Event, Delivery)

_PART = 100
_TOLD = frozenset({"operator", "start"})
"""Causes of events that nobody decided."""
_NUMBER = re.compile(r"#\d+$")


class ReplayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that is different with an order: what there was, and what the replay made of it."""

    order: str
    order_id: int | None
    was: str
    now: str


class ReplayComparison(msgspec.Struct, kw_only=True):
    orders: int = 0
    decisions: int = 0
    differences: list[ReplayDifference] = []


def stem(key: str) -> str:
    """A delivery's key without the number of the event that distinguishes it."""
    return _NUMBER.sub("", key)


async def compare(
    original: Reader, replayed: Reader, wanted: Collection[int], known: Collection[int], until: datetime | None
) -> ReplayComparison:
    """Compare the orders `wanted`; with `until` only their events from before it.

    `known` are orders that are in both but were not decided again.
    """
    result = ReplayComparison()
    ids = sorted(wanted)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        theirs = await history.of_orders(original, part)
        ours = await history.of_orders(replayed, part)
        for id_, one in theirs.items():
            told = _events(one, until)
            result.orders += 1
            result.decisions += sum(event.cause.kind not in _TOLD for event in told) + len(one.deliveries)
            if found := _different(one, ours.get(id_), until):
                result.differences.append(found)
    for id_, account, external_id in await history.names(replayed):
        if id_ not in wanted and id_ not in known:
            order = f"{account}:{external_id}"
            result.differences.append(
                ReplayDifference(
                    order=order, order_id=id_, was="no such change", now="an order that is decided upon"
                )
            )
    return result


def _different(
    one: RecordedHistory, other: RecordedHistory | None, until: datetime | None
) -> ReplayDifference | None:
    name = f"{one.account}:{one.external_id}"
    if other is None or (other.account, other.external_id) != (one.account, one.external_id):
        return ReplayDifference(order=name, order_id=one.id, was="an order", now="no such order")
    told = _first(_events(one, until), _events(other, until), _plain_event, _event_words)
    found = told
    if found is None and until is None:
        found = _first(one.deliveries, other.deliveries, _plain_delivery, _delivery_words) or _order(one, other)
    return ReplayDifference(order=name, order_id=one.id, was=found[0], now=found[1]) if found else None


def _events(one: RecordedHistory, until: datetime | None) -> Sequence[Event]:
    return [event for event in one.events if until is None or event.at < until]


def _first(
    was: Sequence[T], now: Sequence[T], plain: Callable[[T], dict[str, Any]], words: Callable[[T], str]
) -> tuple[str, str] | None:
    """The first pair that differs, in words."""
    for index in range(max(len(was), len(now))):
        if index >= len(now):
            return words(was[index]), "nothing"
        if index >= len(was):
            return "nothing", words(now[index])
        left, right = plain(was[index]), plain(now[index])
        if left != right:
            fields = sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
            return words(was[index]), f"{words(now[index])}; other: {', '.join(fields)}"
    return None


def _plain_event(event: Event) -> dict[str, Any]:
    data = msgspec.json.decode(event.data)
    data.pop("delivery", None)
    return {"at": event.at, "kind": event.kind, "account": event.account, "cause": event.cause.kind, **data}


def _event_words(event: Event) -> str:
    return f"event {event.id}: {event.kind}"


def _plain_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        **{name: getattr(delivery, name) for name in Delivery.__struct_fields__ if name not in ("id", "event_id")},
        "key": stem(delivery.key),
        "payload": bytes(delivery.payload),
    }


def _delivery_words(delivery: Delivery) -> str:
    return f"delivery {delivery.id}: {delivery.action.value} to {delivery.target}, {delivery.state.value}"


def _order(one: RecordedHistory, other: RecordedHistory) -> tuple[str, str] | None:
    fields = [
        name
        for name in ("superseded_by", "created_at", "changed_at", "document", "copies")
        if getattr(one, name) != getattr(other, name)
    ]
    return (f"order {one.id}", f"other: {', '.join(fields)}") if fields else None
