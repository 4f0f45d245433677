"""How many values were changed of late, where a marketplace limits these beside its calls.

A window waits for nothing: who plans the calls has other work meanwhile. It remembers what its own process did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from olhubd.model import Reason
from olhubd.plugin import ValueBudget, ValuesSpent
from olhubd.plugin.budget import spares
from olhubd.plugin.connector import Clock

__all__ = ["ValueWindow"]

_SHORTEST = 1.0
"""Seconds a window stays shut at least: a server that says 0 still said no."""
_LONG = 300.0
"""Seconds of a window in which something is spared: a shorter one is soon open again."""
_SPARED = 20
"""One of so many values is left to what may not wait, such as quantities that sell too much."""
_MOMENT = 1e-6
"""Seconds by which sums of times may be wrong: who comes back when that is due must find it open."""


class ValueWindow:
    """The window of one budget of values; fits `olhubd.plugin.budget.ValueGate`.

    Values count from when they are taken until `per` seconds after their call has ended: when the server counted
    them is not known, and it was not later than that. A call of more than the budget allows goes alone.
    """

    def __init__(self, budget: ValueBudget, clock: Clock, by: object = None) -> None:
        self.key = budget.key
        self._clock = clock
        self._declared: dict[object, ValueBudget] = {}
        self.tighten(budget, by)
        self._under_way = 0
        self._counted = 0
        self._ended: deque[tuple[float, int]] | None = None
        self._until = 0.0

    def tighten(self, budget: ValueBudget, by: object = None) -> None:
        """A client declares the key: in each respect the tightest of all declarations holds, until those `by` whom
        they were made `leave`."""
        if (known := self._declared.get(by)) is not None:
            budget = _tightest((known, budget))
        self._declared[by] = budget
        self._keep_to(self._declared.values())

    def leave(self, by: object) -> None:
        """What they declared holds no more, unless nobody else declares anything."""
        if self._declared.pop(by, None) is not None and self._declared:
            self._keep_to(self._declared.values())

    def _keep_to(self, declared: Collection[ValueBudget]) -> None:
        budget = _tightest(declared)
        self._most, self._per, self._pause = budget.values, budget.per, budget.pause

    def left(self, values: int) -> float:
        """Seconds until so many values may be changed; 0 where they may be now."""
        now = self._clock.monotonic()
        shut = max(0.0, self._until - now)
        shut = shut if shut > _MOMENT else 0.0
        ended = self._ended or ()
        while self._ended and self._ended[0][0] + self._per <= now + _MOMENT:
            self._counted -= self._ended.popleft()[1]
        most = self._most - self._most // _SPARED if spares() and self._per > _LONG else self._most
        over = self._under_way + self._counted + values - max(most, values)
        for at, some in ended:
            if over <= 0:
                return shut
            over -= some
            shut = max(shut, at + self._per - now)
        # What is still under way counts for at least the whole time after it.
        return shut if over <= 0 else max(shut, self._per)

    def take(self, values: int) -> None:
        """Count so many values. Raises ValuesSpent where they may not be changed yet."""
        if (left := self.left(values)) > 0:
            raise ValuesSpent(Reason("call.values", budget=self.key, seconds=f"{left:.0f}"), retry_after=left)
        self._under_way += values

    def ended(self, values: int) -> None:
        """The call that took them has ended, by whatever outcome."""
        self._under_way -= values
        self._counted += values
        if self._ended is None:
            self._ended = deque()
        self._ended.append((self._clock.monotonic(), values))

    def close(self, seconds: float | None) -> None:
        """The server refused them for their number: nothing more for `seconds` (None: the budget's pause)."""
        pause = self._pause if seconds is None else max(seconds, _SHORTEST)
        self._until = max(self._until, self._clock.monotonic() + pause)

    def open(self) -> bool:
        """A person says that the server is willing again. False when it was not shut."""
        shut = self._until > self._clock.monotonic()
        self._until = 0.0
        return shut


def _tightest(budgets: Collection[ValueBudget]) -> ValueBudget:
    return ValueBudget(
        key=next(iter(budgets)).key,
        values=min(one.values for one in budgets),
        per=max(one.per for one in budgets),
        pause=max(one.pause for one in budgets),
    )
