"""Claimed deliveries become jobs: each with its record, as the flow of its kind reads it.

What cannot be read, or what nothing here can carry out, is put aside by itself: nothing that one row contains keeps
the others of its target from going.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.engine.flow.flow import RecordName, StoredRecord
from olhubd.engine.flow.prepared import fault
from olhubd.engine.flow.registry import Flows
from olhubd.engine.outbox.handler import Handler
from olhubd.engine.outbox.job import Job
from olhubd.model import Action, Buyer, Delivery, Kind, OrderId, Reason
from olhubd.store import TROUBLE, Reader, offer_drafts, overrides, target_orders
from olhubd.store.orders import StoredOrder

__all__ = ["UnfitDelivery", "jobs"]

_OWN = {Kind.DRAFT: offer_drafts.read}
"""What no feed brings, and no flow lands: the hub's own records."""


class UnfitDelivery(msgspec.Struct, frozen=True):
    """A delivery that waits for a person instead, and why. `error` is what reading its record broke."""

    job: Job[Any]
    why: str
    kind: Hold
    error: Exception | None = None


async def jobs(
    reader: Reader,
    target: str,
    claimed: Sequence[Delivery],
    flows: Flows,
    handlers: Mapping[Action, Handler[Any]],
) -> tuple[list[Job[Any]], list[UnfitDelivery]]:
    """The jobs of these deliveries to `target`, in their order, and those of which none can be made."""
    by_kind: dict[Kind, list[int]] = {}
    able: list[Delivery] = []
    aside: list[UnfitDelivery] = []
    for delivery in claimed:
        kind = delivery.subject.kind
        if kind in handlers[delivery.action].kinds and (kind in flows or kind in _OWN):
            by_kind.setdefault(kind, []).append(delivery.subject.id)
            able.append(delivery)
        else:
            why: str = Reason("unable.kind", kind=kind.value, action=delivery.action.value)
            aside.append(_aside(delivery, target, delivery.reason or why, Hold.UNABLE))
    found = {kind: await _read(reader, flows, kind, ids) for kind, ids in by_kind.items()}
    there = [d.order_id for d in able if handlers[d.action].on_copy and d.subject.kind is Kind.ORDER]
    known = await target_orders.of_orders(reader, there) if there else {}
    erased = await _erased(reader, found.get(Kind.ORDER, {}).values())
    ready: list[Job[Any]] = []
    for delivery in able:
        subject = delivery.subject
        stored = found[subject.kind].get(subject.id)
        if isinstance(stored, Exception):
            aside.append(_aside(delivery, target, fault(stored), Hold.BROKEN, stored))
            continue
        if stored is None:
            why = Reason("record.not-there", kind=subject.kind.value, record=subject.id)
            aside.append(_aside(delivery, target, why, Hold.OTHER))
            continue
        copies = known.get(delivery.order_id, ()) if subject.kind is Kind.ORDER else ()
        copy = next((one for one in copies if one.account == target), None)
        nobody = subject.kind is Kind.ORDER and subject.id in erased
        ready.append(Job(delivery=delivery, stored=stored, copy=copy, erased=nobody))
    return ready, aside


async def _erased(reader: Reader, stored: Iterable[StoredRecord | Exception]) -> set[int]:
    """Those of these orders whose buyer was erased. Only one without a buyer can be, so hardly any is asked for."""
    bare = [OrderId(one.id) for one in stored if isinstance(one, StoredOrder) and one.order.buyer == Buyer()]
    remarks = await overrides.of_orders(reader, bare) if bare else {}
    return {id_ for id_, remark in remarks.items() if remark.erased}


async def _read(
    reader: Reader, flows: Flows, kind: Kind, ids: Sequence[int]
) -> Mapping[int, StoredRecord | Exception]:
    """The records of a kind, by number; in the place of one that cannot be read, what it broke."""
    read: Callable[[Reader, Sequence[int]], Awaitable[Mapping[int, StoredRecord]]]
    read = flows[kind].read if kind in flows else _OWN[kind]
    try:
        return dict(await read(reader, ids))
    except TROUBLE:
        raise  # the database, not the record
    except Exception:
        pass  # one of them, so each by itself
    found: dict[int, StoredRecord | Exception] = {}
    for id_ in ids:
        try:
            found.update(await read(reader, [id_]))
        except TROUBLE:
            raise
        except Exception as error:
            found[id_] = error
    return found


def _aside(delivery: Delivery, target: str, why: str, kind: Hold, error: Exception | None = None) -> UnfitDelivery:
    nameless = RecordName(id=delivery.subject.id, account=target)
    return UnfitDelivery(Job(delivery=delivery, stored=nameless), why, kind, error)
