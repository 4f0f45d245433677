"""Paging through the list of forms, which moves while it is read. Pure.

The list pages by offset, refuses offsets beyond ten thousand, and a form that changes jumps to another page. So the
sweep pages by time instead: it asks again from the time of the last form it got, and leaves out what it has just
seen. Offsets are used only where a whole page shares one instant, and then with pages that overlap by half. What an
instant has beyond the last offset cannot be had: the walk goes on behind it, and `cut_off` says so. The order is
looked at, since all of this rests on it.

The list is walked twice, by change and by purchase, because not every change moves a form's time of change.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from olhubd.plugin import ContractBroken, Cursor
from olhubd_allegro import wire

__all__ = ["FARTHEST", "LIMIT", "OrderSweep", "SweepPosition", "stamp"]

LIMIT = 100
"""Forms in one answer, at most."""

FARTHEST = 10_000
"""Forms of one list that can be asked for."""


class OrderSweep(enum.StrEnum):
    CHANGED = "updatedAt"
    BOUGHT = "lineItems.boughtAt"


class SweepPosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a sweep is. `seen` are the forms of the last page, which the next one repeats in part.

    `cut_off` is the instant of the last page, where more forms share it than the list can show.
    """

    since: datetime
    walk: OrderSweep = OrderSweep.CHANGED
    bound: datetime
    offset: int = 0
    seen: tuple[str, ...] = ()
    cut_off: datetime | None = None

    @classmethod
    def begin(cls, since: datetime) -> SweepPosition:
        return cls(since=since, bound=since)

    @classmethod
    def of(cls, cursor: Cursor) -> SweepPosition:
        return msgspec.json.decode(cursor, type=cls)

    @property
    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())

    @property
    def query(self) -> dict[str, str | int]:
        return {
            f"{self.walk}.gte": stamp(self.bound),
            "sort": str(self.walk),
            "limit": LIMIT,
            "offset": self.offset,
        }

    def after(self, page: Sequence[wire.FormKey], total: int | None = None) -> SweepPosition | None:
        """Where to go on after `page`, given how many forms fit in all; None when both walks are through.

        A page that is short is not the last one: the end is where the count says, or where nothing is new. Raises
        ContractBroken when the forms do not come in the order that was asked for.
        """
        self._look(page)
        read = self.offset + len(page)
        new = any(form.id not in self.seen for form in page)
        counted = total is not None and total > read
        if not page or (not new and not counted) or (total == read and len(page) < LIMIT):
            if self.walk is OrderSweep.CHANGED:
                return SweepPosition(since=self.since, walk=OrderSweep.BOUGHT, bound=self.since)
            return None
        bound, offset, cut_off = max(self.bound, self._time(page[-1])), 0, None
        if bound == self.bound:
            offset = self.offset + max(1, len(page) // 2)
            if offset + LIMIT > FARTHEST:
                if total is None or counted:
                    cut_off = bound
                bound, offset = bound + timedelta(milliseconds=1), 0
        return SweepPosition(
            since=self.since,
            walk=self.walk,
            bound=bound,
            offset=offset,
            seen=tuple(form.id for form in page),
            cut_off=cut_off,
        )

    def _look(self, page: Sequence[wire.FormKey]) -> None:
        """That no form is older than one before it. Which of its lines a form is sorted by is not documented, so
        that one is only surely older whose last line was bought before all lines of another. A senseless time is
        passed over: it is its own form's trouble."""
        low: datetime | None = None
        for form in page:
            times = [at for at in self._times(form) if 2000 < at.year < 2100]
            if times and low is not None and max(times) < low:
                raise ContractBroken(f"the forms are not in the order that was asked for, by {self.walk}")
            low = max([min(times), *([low] if low else [])]) if times else low

    def _time(self, form: wire.FormKey) -> datetime:
        """The form's place in the walk. Of its lines the earliest counts: whichever of them Allegro sorts by, no
        form that follows is bought before it."""
        return min(self._times(form), default=self.bound)

    def _times(self, form: wire.FormKey) -> list[datetime]:
        told = (
            [form.updated_at] if self.walk is OrderSweep.CHANGED else [line.bought_at for line in form.line_items]
        )
        return [_aware(at) for at in told if at is not None]


def _aware(moment: datetime) -> datetime:
    """Times compare only where all of them have a zone; one without is UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, rounded down so that nothing of that millisecond is left out."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
