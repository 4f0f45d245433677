"""What is different between the records of two databases, in words that name rows and fields but show no values.

Numbers are not compared, since each database gives its own: records are compared by account and external id, events
and deliveries by their place in the history of their record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from olhubd.engine.flow.flow import Known, RecordFlow
from olhubd.model import Delivery, Event, Kind, OrderId, Subject
from olhubd.store import Reader, deliveries, events, history
from olhubd.store.history import RecordedHistory

__all__ = ["ReplayComparison", "ReplayDifference", "compare", "compare_kind", "stem"]

T = TypeVar("T", Event, Delivery)

_PART = 100
_TOLD = frozenset({"operator", "start"})
"""Causes of events that nobody decided."""
_NUMBERS = frozenset({"id", "event_id", "subject"})
"""What two databases number each for itself."""
_NUMBER = re.compile(r"#\d+$")


class ReplayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that is different with an order, or with a record of another `kind`: what there was, and what
    the replay made of it. `order` is its name in both, `order_id` its number there."""

    order: str
    order_id: int | None
    kind: Kind = Kind.ORDER
    was: str
    now: str


class ReplayComparison(msgspec.Struct, kw_only=True):
    orders: int = 0
    others: int = 0
    """Records of other kinds."""
    decisions: int = 0
    differences: list[ReplayDifference] = []


def stem(key: str) -> str:
    """A delivery's key without the number of the event that distinguishes it."""
    return _NUMBER.sub("", key)


async def compare(
    original: Reader, replayed: Reader, wanted: Collection[OrderId], until: datetime | None
) -> ReplayComparison:
    """Compare the orders with these numbers in `original`; with `until` only their events from before it."""
    result = ReplayComparison()
    there, here = await _names(original), await _names(replayed)
    numbers = {name: id_ for id_, name in here.items()}
    ids = sorted(wanted)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        theirs = await history.of_orders(original, part)
        ours = await history.of_orders(replayed, [numbers[there[id_]] for id_ in part if there[id_] in numbers])
        found = {name: one for one in ours.values() for name in [f"{one.account}:{one.external_id}"]}
        for one in theirs.values():
            events = _events(one, until)
            result.orders += 1
            result.decisions += sum(event.cause.kind not in _TOLD for event in events) + len(one.deliveries)
            name = there[one.id]
            if different := _different(name, one, found.get(name), there, here, until):
                result.differences.append(different)
    for name in sorted(numbers.keys() - set(there.values())):
        result.differences.append(
            ReplayDifference(order=name, order_id=None, was="no such order", now="an order that is decided upon")
        )
    return result


async def compare_kind(
    result: ReplayComparison,
    flow: RecordFlow[Any],
    original: Reader,
    replayed: Reader,
    wanted: Collection[int],
    until: datetime | None,
) -> None:
    """Add what is different with the records of a flow that have these numbers in `original`.

    Their events and deliveries are compared, and by its digest what is stored of each.
    """
    ids = sorted(wanted)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        names = await flow.names(original, part)
        theirs, ours = await _held(flow, original, names.values()), await _held(flow, replayed, names.values())
        was = await _told(original, [Subject(flow.kind, id_) for id_ in part])
        here = {name: Subject(flow.kind, known.id) for name, known in ours.items()}
        now = await _told(replayed, list(here.values()))
        for id_, name in names.items():
            old, new = was[Subject(flow.kind, id_)], now.get(here[name]) if name in here else None
            known = [event for event in old[0] if until is None or event.at < until]
            result.others += 1
            result.decisions += sum(event.cause.kind not in _TOLD for event in known) + len(old[1])
            if new is None:
                found: tuple[str, str] | None = (f"a {flow.kind}", f"no such {flow.kind}")
            else:
                made = [event for event in new[0] if until is None or event.at < until]
                found = _first(known, made, _plain_event, _event_words)
                if found is None and until is None:
                    found = _first(old[1], new[1], _plain_delivery, _delivery_words)
                if found is None and until is None and name in theirs and theirs[name].digest != ours[name].digest:
                    found = (f"{flow.kind} {id_}", "other: document")
            if found is not None:
                _add(result, flow.kind, name, id_, *found)
    made_here = sorted(await history.subjects_since(replayed, flow.kind, None))
    names = await flow.names(replayed, made_here) if made_here else {}
    there = await _held(flow, original, names.values())
    for name in sorted(set(names.values()) - there.keys()):
        _add(result, flow.kind, name, None, f"no such {flow.kind}", f"a {flow.kind} that is decided upon")


def _add(result: ReplayComparison, kind: Kind, name: tuple[str, str], id_: int | None, was: str, now: str) -> None:
    result.differences.append(ReplayDifference(order=":".join(name), order_id=id_, kind=kind, was=was, now=now))


async def _held(
    flow: RecordFlow[Any], reader: Reader, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """What is stored under these names of accounts and sources."""
    by_account: dict[str, list[str]] = {}
    for account, external_id in names:
        by_account.setdefault(account, []).append(external_id)
    return {
        (account, external_id): known
        for account, some in by_account.items()
        for external_id, known in (await flow.held(reader, account, some)).items()
    }


async def _told(
    reader: Reader, subjects: Sequence[Subject]
) -> dict[Subject, tuple[Sequence[Event], Sequence[Delivery]]]:
    """The events and the deliveries about each of these."""
    said = await events.of_subjects(reader, subjects)
    sent = await deliveries.of_subjects(reader, subjects)
    return {one: (said.get(one, ()), sent.get(one, ())) for one in subjects}


async def _names(reader: Reader) -> dict[OrderId, str]:
    """By what each order is known in both databases."""
    return {id_: f"{account}:{external_id}" for id_, account, external_id in await history.names(reader)}


def _different(
    name: str,
    one: RecordedHistory,
    other: RecordedHistory | None,
    there: Mapping[OrderId, str],
    here: Mapping[OrderId, str],
    until: datetime | None,
) -> ReplayDifference | None:
    if other is None:
        return ReplayDifference(order=name, order_id=one.id, was="an order", now="no such order")
    found = _first(_events(one, until), _events(other, until), _plain_event, _event_words)
    if found is None and until is None:
        found = _first(one.deliveries, other.deliveries, _plain_delivery, _delivery_words)
        found = found or _order(one, _plain_order(one, there), _plain_order(other, here))
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
        **{name: getattr(delivery, name) for name in Delivery.__struct_fields__ if name not in _NUMBERS},
        "key": stem(delivery.key),
        "payload": bytes(delivery.payload),
    }


def _delivery_words(delivery: Delivery) -> str:
    return f"delivery {delivery.id}: {delivery.action.value} to {delivery.target}, {delivery.state.value}"


def _plain_order(one: RecordedHistory, names: Mapping[OrderId, str]) -> dict[str, Any]:
    return {
        "superseded_by": names.get(one.superseded_by) if one.superseded_by is not None else None,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "document": one.document,
        "copies": [msgspec.structs.replace(copy, order_id=OrderId(0)) for copy in one.copies],
    }


def _order(one: RecordedHistory, was: dict[str, Any], now: dict[str, Any]) -> tuple[str, str] | None:
    fields = [name for name in was if was[name] != now[name]]
    return (f"order {one.id}", f"other: {', '.join(fields)}") if fields else None
