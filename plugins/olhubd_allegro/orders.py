"""Orders in: the journal and the forms it names, the sweep over their list, one form by its id, their count."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec

from olhubd.model import Order, Reason, Stage
from olhubd.plugin import (
    Client,
    ContractBroken,
    Cursor,
    Gone,
    Later,
    NotFound,
    OrderCount,
    OrderFeed,
    OrderLookup,
    Page,
    Record,
    Rejected,
    Sweep,
    Temporary,
    Unavailable,
    Unreadable,
    decode,
    guarded,
)
from olhubd_allegro import journal, wire
from olhubd_allegro.mapping import order
from olhubd_allegro.sweep import FARTHEST, SweepPosition, stamp

__all__ = ["FORMS", "Orders", "form_id"]

FORMS = "/order/checkout-forms"
READERS = 8
"""Forms that are read at one time."""
SETTLE = 30.0
"""Seconds until a form that lags behind its event is read again."""
STUBBORN = 5
"""So many pulls in a row may one form's server error hold up the journal; then it is put aside for later."""
ASIDE = 600.0
"""Seconds for which such a form is put aside."""

T = TypeVar("T")

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Orders(OrderFeed, Sweep, OrderCount, OrderLookup):
    """The orders of one account."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._refusals: dict[str, int] = {}

    async def start(self, since: datetime | None) -> Cursor:
        """The journal's end, also with `since`: what came before is the sweep's, which needs no replay."""
        stats = await self._api.get("/order/event-stats", wire.Stats)
        return Cursor(stats.latest_event.id if stats.latest_event else str(journal.EMPTY))

    async def pull(self, cursor: Cursor) -> Page:
        start = journal.position(cursor)
        query: dict[str, str | int] = {"limit": journal.LIMIT}
        if start != journal.EMPTY:
            query["from"] = cursor
        events = (await self._api.get("/order/events", wire.Events, query)).events
        hints, end = journal.hints(events, start)
        found, failure = await self._read_all(hints)
        records = [record for group in found for record in group]
        if failure is None:
            self._refusals.clear()
            return Page(records=records, cursor=Cursor(str(end)), more=len(events) >= journal.LIMIT)
        blocked = hints[len(found)]
        self._refusals = {blocked.form_id: self._refusals.get(blocked.form_id, 0) + 1}
        return Page(records=records, cursor=Cursor(str(blocked.before)), failure=failure)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        place = SweepPosition.of(cursor) if cursor else SweepPosition.begin(since)
        page = await self._api.get(FORMS, wire.Forms, place.query)
        keys = [_key(raw) for raw in page.checkout_forms]
        seen = frozenset(place.seen)
        records = [
            _record(key.id, bytes(raw))
            for key, raw in zip(keys, page.checkout_forms, strict=True)
            if key.id not in seen
        ]
        then = place.after(keys, page.total_count)
        if then is not None and then.cut_off is not None:
            records.append(_crowd(then, then.cut_off))
        return Page(records=records, cursor=(then or place).cursor, more=then is not None)

    async def count_orders(self, since: datetime, until: datetime) -> int:
        query: dict[str, str | int] = {"lineItems.boughtAt.gte": stamp(since), "limit": 1}
        # The list takes both bounds as belonging to it.
        query["lineItems.boughtAt.lte"] = stamp(until - timedelta(milliseconds=1))
        return (await self._api.get(FORMS, wire.FormCount, query)).total_count

    async def read_order(self, external_id: str) -> Record:
        try:
            raw = await self.form(external_id, msgspec.Raw)
        except NotFound:
            return Gone(external_id=external_id)
        return _record(external_id, bytes(raw))

    async def _read_all(self, hints: Sequence[journal.JournalHint]) -> tuple[list[list[Record]], Temporary | None]:
        """The records of as many hints from the first on as could be read, and why it ended there."""
        found: dict[int, list[Record]] = {}
        failures: dict[int, Temporary] = {}
        fatal: list[Exception] = []
        queue = iter(range(len(hints)))

        async def reader() -> None:
            # What follows a failure cannot be covered by the cursor, so nobody starts on it.
            for i in queue:
                if fatal or failures:
                    return
                try:
                    found[i] = await self._read_hint(hints[i])
                except Temporary as error:
                    failures[i] = error
                except Exception as error:
                    fatal.append(error)

        if hints:
            async with asyncio.TaskGroup() as readers:
                for _ in range(min(READERS, len(hints))):
                    readers.create_task(reader())
        if fatal:
            raise fatal[0]
        end = min(failures, default=len(hints))
        return [found[i] for i in range(end)], failures.get(end)

    async def _read_hint(self, hint: journal.JournalHint) -> list[Record]:
        try:
            record = await self.read_order(hint.form_id)
        except (Rejected, ContractBroken) as error:
            return [Unreadable(external_id=hint.form_id, reason=str(error), raw=b"")]
        except Unavailable as error:
            # Without a status it may be the network; but the events were read just before.
            patience = STUBBORN if error.status is not None else 2 * STUBBORN
            if self._refusals.get(hint.form_id, 0) < patience:
                raise
            return [Later(external_id=hint.form_id, seconds=ASIDE, reason=str(error))]
        if hint.ready and isinstance(record, Order) and record.stage is Stage.PLACED:
            behind = Later(external_id=hint.form_id, seconds=SETTLE, reason="the form lags behind its event")
            return [record, behind]
        return [record]

    async def form(self, external_id: str, into: type[T]) -> T:
        """The form as `into`."""
        return await self._api.get(f"{FORMS}/{form_id(external_id)}", into)


def _crowd(place: SweepPosition, instant: datetime) -> Unreadable:
    """What stands for the forms of one instant that the list does not show, so that a person hears of them."""
    at = stamp(instant)
    return Unreadable(
        kind="instant",
        external_id=f"{place.walk} {at}",
        reason=Reason("olhubd_allegro:crowd", n=FARTHEST, at=at),
        raw=b"",
    )


def form_id(external_id: str) -> str:
    """The id as part of a path; it came from outside and must not become another path."""
    if _ID.fullmatch(external_id) is None:
        raise Rejected(Reason("olhubd_allegro:no-form-id"), field="id")
    return external_id


def _key(raw: msgspec.Raw) -> wire.FormKey:
    """What a sweep needs of a form; a form that has no such thing keeps its id, or a name made from its text."""
    key = guarded(raw, lambda raw: decode(raw, wire.FormId).id, lambda raw: decode(raw, wire.FormKey))
    return wire.FormKey(id=key.external_id) if isinstance(key, Unreadable) else key


def _record(external_id: str, raw: bytes) -> Record:
    return guarded(raw, external_id, partial(_order, external_id))


def _order(external_id: str, raw: bytes) -> Order:
    form = decode(raw, wire.Form)
    if form.id != external_id:
        raise ContractBroken("the answer is another order's", field="id")
    return order(form)
