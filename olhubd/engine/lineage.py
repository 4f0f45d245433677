"""What earlier processes may have done with orders that this one is about to send.

Two machines' clocks are never compared: after a restored backup or a reverted machine ours may be wrong by days
while orders go out. What is in doubt is decided by commits of this process and by a source's own times among
themselves. They are measured against its own Date, and by how much our monotonic clock went on since it was
received.

A machine can be set back with its memory, too: then a source's Date jumps ahead of our monotonic clock, and all is
in doubt again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from olhubd.decide.doubt import Doubt
from olhubd.model import OrderId
from olhubd.plugin import Clock, Log
from olhubd.plugin.dates import moment

__all__ = ["Lineage"]

MARGIN = timedelta(hours=1)
"""For a source whose servers disagree, and for the time an answer was under way."""
JUMP = 120.0
"""Seconds that a Date may be ahead of what our monotonic clock makes of the last one: answers are never early."""


class Lineage:
    """One for all accounts of a process. `generation` grows when it must be taken for another process."""

    def __init__(self, clock: Clock, log: Log | None = None) -> None:
        self._clock = clock
        self._log = log
        self._ahead: dict[str, float] = {}
        """By how much an account's Date was ahead of our monotonic clock, in seconds, at the most."""
        self._last: dict[str, str] = {}
        """The Date of an account's last answer."""
        self._doubts: dict[str, Doubt] = {}
        self._besides: set[OrderId] = set()
        self._newest: dict[str, datetime] = {}
        """When the youngest order was placed that an account reported, by its own time."""
        self.generation = 0

    def heard(self, account: str, date: str) -> None:
        """An answer of the account's system bore this Date."""
        if self._last.get(account) == date:
            return  # as many in a row do: by now it is ahead by less
        self._last[account] = date
        told = moment(date)
        if told is None:
            return
        ahead = told.timestamp() - self._clock.monotonic()
        before = self._ahead.get(account, ahead)
        # The answer that was under way for the shortest time is the best witness.
        self._ahead[account] = max(ahead, before)
        if ahead - before > JUMP:
            self.generation += 1
            self._doubts.clear()
            if self._log is not None:
                self._log.warning(
                    "this machine stood still or was set back", by=account, seconds=int(ahead - before)
                )

    def age(self, account: str, placed_at: datetime) -> timedelta | None:
        """How old an order placed then, as its source says, can be by now; None when the source gave no time."""
        now = self.now(account)
        return max(now - placed_at, timedelta()) + MARGIN if now is not None else None

    def reported(self, account: str, placed_at: datetime) -> None:
        """The account reported an order placed then, by its own time."""
        self._newest[account] = max(placed_at, self._newest.get(account, placed_at))

    def reached(self, account: str, last: OrderId) -> None:
        """The account's feed was read to its end. `last` is the newest row of all orders. Where the source's own
        Date is not known, the youngest order that it reported serves as the present."""
        if account not in self._doubts:
            # A Date has whole seconds, so this is the present at the latest: what is placed from now on is new.
            self._doubts[account] = Doubt(last=last, until=self.now(account) or self._newest.get(account))

    def settled(self, account: str) -> bool:
        """Whether its feed was read to its end already."""
        return account in self._doubts

    def doubt(self, account: str) -> Doubt:
        """What is in doubt of the account's orders that its feed reports now."""
        return self._doubts.get(account, Doubt())

    def otherwise(self, account: str, ids: Iterable[OrderId]) -> None:
        """Orders that came by another way than the feed, which had not reported them: they may be as old as any."""
        if account in self._doubts:
            self._besides.update(ids)

    def covers(self, account: str, order_id: OrderId, placed_at: datetime) -> bool:
        """Whether an earlier process may have sent this order."""
        return order_id in self._besides or self.doubt(account).covers(order_id, placed_at)

    def now(self, account: str) -> datetime | None:
        """What time it is by the clock of the account's system; None when it gave none."""
        ahead = self._ahead.get(account)
        return datetime.fromtimestamp(ahead + self._clock.monotonic(), UTC) if ahead is not None else None
