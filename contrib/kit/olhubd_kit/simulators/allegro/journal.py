"""The simulator's order journal: ids that grow, events that repeat, come late, change places or never come."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from olhubd_kit.simulators.allegro.population import Json, stamp

__all__ = ["EventJournal", "JournalEvent"]

RETENTION = timedelta(days=60)
# The ids soon gain a digit: a client that compares them as text is found out.
FIRST_ID = 9_990


class JournalEvent(msgspec.Struct):
    """One event; `body` is ready to be sent, less its id. A late one is hidden until `visible`."""

    id: int
    type: str
    form_id: str
    occurred: datetime
    visible: datetime | None
    body: bytes

    def shown(self, now: datetime) -> bool:
        return self.visible is None or self.visible <= now

    def encode(self) -> bytes:
        return b'{"id":"%d",%s' % (self.id, self.body[1:])


class EventJournal:
    def __init__(self, seller: str, chance: random.Random) -> None:
        self.entries: list[JournalEvent] = []
        self._seller = seller
        self._random = chance
        self._next = FIRST_ID
        self._drop = 0
        self._late: list[float] = []

    def emit(self, kind: str, form: Json, at: datetime, *, named: bool = True) -> None:
        """Report `form`; not `named`, without its id, as for a purchase that has no form yet."""
        if self._drop:
            self._drop -= 1
            return
        visible = at + timedelta(seconds=self._late.pop(0)) if self._late else None
        body = msgspec.json.encode(self._event(kind, form, at, named))
        self.entries.append(JournalEvent(self._id(), kind, form["id"], at, visible, body))

    def _id(self) -> int:
        self._next += self._random.randrange(1, 4)
        return self._next

    def _event(self, kind: str, form: Json, at: datetime, named: bool) -> Json:
        buyer = form["buyer"]
        order: Json = {
            "seller": {"id": self._seller},
            "buyer": {key: buyer[key] for key in ("id", "email", "login", "guest", "preferences")},
            "lineItems": [
                {
                    "id": line["id"],
                    "offer": {key: line["offer"][key] for key in ("id", "name", "external")},
                    "quantity": line["quantity"],
                    "originalPrice": line["originalPrice"],
                    "price": line["price"],
                    "boughtAt": line["boughtAt"],
                }
                for line in form["lineItems"]
            ],
            "marketplace": form["marketplace"],
        }
        if named:
            order["checkoutForm"] = {"id": form["id"], "revision": form["revision"]}
        return {"type": kind, "occurredAt": stamp(at), "order": order}

    def after(self, start: int | None, kinds: Iterable[str], limit: int, now: datetime) -> list[JournalEvent]:
        """What is to be seen after the event `start`, or from the oldest that is still kept."""
        wanted = frozenset(kinds)
        begin = 0 if start is None else bisect.bisect_right(self.entries, start, key=lambda entry: entry.id)
        page: list[JournalEvent] = []
        for entry in self.entries[begin:]:
            if len(page) == limit:
                break
            if entry.shown(now) and now - entry.occurred < RETENTION and (not wanted or entry.type in wanted):
                page.append(entry)
        return page

    def latest(self, now: datetime) -> JournalEvent | None:
        return next((entry for entry in reversed(self.entries) if entry.shown(now)), None)

    def drop(self, count: int, form_ids: Iterable[str]) -> int:
        """Lose the next `count` events, and all there are of some forms; how many were taken out."""
        self._drop += count
        lost = frozenset(form_ids)
        before = len(self.entries)
        self.entries = [entry for entry in self.entries if entry.form_id not in lost]
        return before - len(self.entries)

    def duplicate(self, count: int) -> int:
        """Send the last `count` events once more: the same form and revision under new ids."""
        again = self.entries[-count:]
        self.entries.extend(msgspec.structs.replace(entry, id=self._id()) for entry in again)
        return len(again)

    def reorder(self, window: int) -> None:
        """Let the last `window` events change places; the ids keep growing."""
        tail = self.entries[-window:]
        mixed = self._random.sample(tail, len(tail))
        self.entries[-window:] = [
            msgspec.structs.replace(entry, id=place.id) for entry, place in zip(mixed, tail, strict=True)
        ]

    def age(self, count: int, days: float) -> int:
        """The last `count` events happened so long ago; what is older than the journal is not sent any more."""
        old = self.entries[-count:]
        for place, entry in enumerate(old, len(self.entries) - len(old)):
            occurred = entry.occurred - timedelta(days=days)
            body = msgspec.json.encode({**msgspec.json.decode(entry.body), "occurredAt": stamp(occurred)})
            self.entries[place] = msgspec.structs.replace(entry, occurred=occurred, body=body)
        return len(old)

    def delay(self, count: int, seconds: float) -> None:
        """The next `count` events show up late, at the places they would have had."""
        self._late.extend([seconds] * count)
