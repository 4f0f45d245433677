"""How many offers commands may change: the simulated marketplace counts offers, not commands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["ChangeLimit", "change_limits"]

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


class ChangeLimit:
    """One kind of command of one seller: at most `per_minute` offers in any minute, and `per_hour` in any hour.

    What is refused does not count.
    """

    def __init__(self, now: Callable[[], datetime], per_minute: int, per_hour: int) -> None:
        self._now = now
        self.per_minute, self.per_hour = per_minute, per_hour
        self._changed: deque[tuple[datetime, int]] = deque()

    def take(self, offers: int) -> bool:
        """Count a command about so many offers. False where that is too many."""
        now = self._now()
        while self._changed and self._changed[0][0] + _HOUR <= now:
            self._changed.popleft()
        hour = sum(count for _, count in self._changed)
        minute = sum(count for at, count in self._changed if at + _MINUTE > now)
        if hour + offers > self.per_hour or minute + offers > self.per_minute:
            return False
        self._changed.append((now, offers))
        return True


def change_limits(now: Callable[[], datetime]) -> dict[str, ChangeLimit]:
    """Those of one seller, by the kind of commands."""
    return {
        "quantity": ChangeLimit(now, 9_000, 250_000),
        "price": ChangeLimit(now, 9_000, 150_000),
        "publication": ChangeLimit(now, 9_000, 250_000),
    }
