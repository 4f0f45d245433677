"""What earlier processes may have done with orders that this one is about to send.

Two machines' clocks are never compared: after a restored backup or a reverted machine ours may be wrong by days
while orders go out. A source's own times are measured against the source's own Date, and by how much our monotonic
clock went on since it was heard.
"""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime, timedelta

from olhubd.plugin import Clock

__all__ = ["Lineage"]

MARGIN = timedelta(hours=1)
"""For a source whose servers disagree, and for the time an answer was under way."""


class Lineage:
    """One for all accounts of a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: dict[str, float] = {}
        """By how much an account's Date was ahead of our monotonic clock, in seconds, at the most."""

    def heard(self, account: str, date: str) -> None:
        """An answer of the account's system bore this Date."""
        try:
            told = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return
        if told.tzinfo is None:  # "-0000" says UTC too
            told = told.replace(tzinfo=UTC)
        ahead = told.timestamp() - self._clock.monotonic()
        # The answer that was under way for the shortest time is the best witness.
        self._ahead[account] = max(ahead, self._ahead.get(account, ahead))

    def now(self, account: str) -> datetime | None:
        """What time it is by the clock of the account's system; None when it told none."""
        ahead = self._ahead.get(account)
        return None if ahead is None else datetime.fromtimestamp(ahead + self._clock.monotonic(), UTC)

    def age(self, account: str, placed_at: datetime) -> timedelta | None:
        """How old an order placed then, as its source says, can be by now; None when the source told no time."""
        ahead = self._ahead.get(account)
        if ahead is None:
            return None
        seconds = ahead + self._clock.monotonic() - placed_at.timestamp()
        return timedelta(seconds=max(seconds, 0.0)) + MARGIN
