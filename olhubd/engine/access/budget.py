"""The budgets of the whole process: one gate per key, however many accounts and clients share it.

A gate asks three things before it lets a call through: is the other side willing (it is shut after a 429), is
a place free (`parallel`, or fewer where the server cannot bear so many), has the time come (a token bucket). It
waits, it decides nothing else: no retries, and no memory beyond the process. With several processes each has its
own gates, so the rate must be divided among them.
"""

from __future__ import annotations

import asyncio
import enum
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import msgspec

from olhubd.engine.access.value_window import ValueWindow
from olhubd.model import Reason
from olhubd.plugin.budget import Budget, Lane, ValueBudget
from olhubd.plugin.connector import Clock
from olhubd.plugin.errors import RateLimited

__all__ = ["Bucket", "BudgetBook", "BudgetState", "BudgetStatus"]

_BURST = 0.1
"""The share of a budget that may go at once after a rest; the remainder is spread evenly."""
_SHORTEST = 1.0
"""Seconds a gate stays shut at least: a server that says 0 still said no."""


_POLLS = 0.25
"""The share of a budget that polls may take that are made sooner than set; the remainder is for other work."""
_POLL_COST = 2
"""Calls that a poll makes, where one page and a look at what it names are enough."""
_SOON = 2.0
"""Seconds within which the bucket must be half full again, else the calls are needed for other work."""
_HEALED = 600.0
"""Seconds after a refusal or a late answer in which nobody polls sooner than set."""
_PROVEN = 8
"""So many good calls for each place before one more is tried, where the gate has narrowed itself."""


class BudgetState(enum.StrEnum):
    OPEN = "open"
    SHUT = "shut"
    PROBING = "probing"
    """The server's time is over; one call finds out whether it agrees."""


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A gate as people and metrics see it.

    `left` calls could go at once; `waiting` counts per lane; `places` is how many may go at one time, of the
    `parallel` that are declared.
    """

    key: str
    state: BudgetState
    left: int
    active: int
    places: int
    parallel: int
    waiting: dict[Lane, int]
    closed_until: datetime | None = None


class _Waiter:
    __slots__ = ("cost", "future", "lane", "task")

    def __init__(self, lane: Lane, cost: int, loop: asyncio.AbstractEventLoop) -> None:
        self.lane = lane
        self.cost = cost
        self.future: asyncio.Future[None] = loop.create_future()
        self.task = asyncio.current_task()


class Bucket:
    """The gate of one budget; implements `olhubd.plugin.Gate`.

    In any `per` seconds at most `calls` pass: the bucket holds a tenth of them and fills at the rate that leaves. A
    call that costs more than the bucket holds passes when it is full and leaves a debt. The lower lane goes first,
    within a lane first come, first served, so nothing small slips past something big.

    A gate that is shut keeps all out but those who renew a token (`Lane.ACCESS`).

    Where answers come late or not in time, half as many calls go at one time, and one more again after a row of
    good ones: a small host answers more of them no faster, it loses those that wait in its queue.

    `patience` limits in seconds how long a call waits for a shut gate; what would take longer raises RateLimited at
    once, since that wait belongs to the planner of the call. `jitter` is the share added to a pause.
    """

    def __init__(
        self, budget: Budget, clock: Clock, *, patience: float, jitter: float, rand: Callable[[], float]
    ) -> None:
        self.key = budget.key
        self._clock = clock
        self._time = clock.monotonic
        self._patience = patience
        self._jitter = jitter
        self._rand = rand
        self._pause = budget.pause
        self._parallel = budget.parallel
        self._places = budget.parallel
        self._good = 0
        self._stale = 0
        """Calls that were under way when the gate narrowed: how they end is no news."""
        self._hold, self._rate = _pace(budget)
        self._tokens = self._hold
        self._filled_at = self._time()
        self._pollers: set[str] | None = None
        """The accounts that poll sooner than set."""
        self._hurt_at: float | None = None
        """When the server last refused a call for its number, or was late."""
        self._active = 0
        self._state = BudgetState.OPEN
        self._until = 0.0
        self._probe: asyncio.Task[object] | None = None
        self._lanes: tuple[OrderedDict[_Waiter, None], ...] = tuple(OrderedDict() for _ in Lane)
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def tighten(self, budget: Budget) -> None:
        """Another account declares the same key: in each respect the tighter of the two holds from now on."""
        self._fill()
        hold, rate = _pace(budget)
        self._hold, self._rate = min(self._hold, hold), min(self._rate, rate)
        self._tokens = min(self._tokens, self._hold)
        self._parallel = min(self._parallel, budget.parallel)
        self._places = min(self._places, self._parallel)
        self._pause = max(self._pause, budget.pause)

    async def acquire(self, lane: Lane = Lane.ORDERS, cost: int = 1) -> None:
        """Wait until `cost` calls may be made. Raises RateLimited when the gate stays shut beyond all patience."""
        if self._state is BudgetState.OPEN and not self._waiting and self._active < self._places:
            now = self._time()
            tokens = min(self._hold, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if tokens >= min(cost, self._hold):
                self._tokens = tokens - cost
                self._active += 1
                return
            self._tokens = tokens
        if lane is Lane.ACCESS and self._state is not BudgetState.OPEN:
            self._fill()
            self._take(cost)
            return
        await self._queue(lane, cost)

    def release(self) -> None:
        """The call that was acquired has ended, by whatever outcome."""
        self._active -= 1
        self._stale = max(0, self._stale - 1)
        if self._probe is not None and self._probe is asyncio.current_task():
            self._probe = None  # it found nothing out; the next one is the probe
        if self._waiting:
            self._admit()

    def close(self, seconds: float | None) -> None:
        """The server said 429: stop everybody for `seconds` (None: the budget's pause), then let one probe through.

        A gate that is shut already is only ever shut for longer.
        """
        self._hurt_at = self._time()
        pause = self._pause if seconds is None else max(seconds, _SHORTEST)
        until = self._time() + pause * (1.0 + self._jitter * self._rand())
        # Who passes a shut gate and gets that answer again without a time has learnt nothing new.
        if self._state is BudgetState.SHUT and (seconds is None or until <= self._until):
            return
        self._state = BudgetState.SHUT
        self._until = until
        self._probe = None
        # The timer also keeps a gate that nobody holds any more from being forgotten while it is shut.
        self._set_timer(until)
        self._pass(self._lanes[Lane.ACCESS])
        left = self._left()
        if left > self._patience:
            for lane in self._lanes:
                for waiter in lane:
                    if not waiter.future.done():
                        waiter.future.set_exception(self._refusal(left))
                lane.clear()
            self._waiting = 0

    def opened(self) -> None:
        """A call went well. Only the probe's success opens; others were on their way before the gate shut."""
        if self._places < self._parallel and not self._stale:
            self._good += 1
            if self._good >= _PROVEN * self._places:
                self._places, self._good = self._places + 1, 0
        if self._state is BudgetState.PROBING and self._probe is asyncio.current_task():
            self._state = BudgetState.OPEN
            self._probe = None
            self._admit()

    def strained(self) -> None:
        """A call got its answer late or not in time: half as many from now on, once for all that are under way."""
        self._good = 0
        self._hurt_at = self._time()
        if not self._stale:
            self._places = max(1, min(self._places, self._active) // 2)
            self._stale = self._active

    def open(self) -> bool:
        """A person says that the server is willing again: one probe goes at once. False when it was not shut."""
        if self._state is not BudgetState.SHUT:
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._until = self._time()
        self._on_timer()
        return True

    def poll_sooner(self, account: str) -> float | None:
        """Count an account among those that poll sooner than set, until `poll_as_set`.

        Returns the seconds that each of them leaves between two polls at least, so that together they take no more
        than their part of the budget; None while the calls are needed for other work, or the server was not willing
        of late.
        """
        self._pollers = self._pollers if self._pollers is not None else set()
        self._pollers.add(account)
        now = self._time()
        hurt = self._hurt_at is not None and now - self._hurt_at < _HEALED
        if hurt or self._waiting or self._state is not BudgetState.OPEN:
            return None
        self._fill()
        if min(self._hold, self._tokens + self._rate * _SOON) < self._hold / 2:
            return None
        return len(self._pollers) * _POLL_COST / (self._rate * _POLLS)

    def poll_as_set(self, account: str) -> None:
        """The account polls no sooner than set."""
        if self._pollers:
            self._pollers.discard(account)

    def status(self) -> BudgetStatus:
        self._fill()
        shut = self._state is BudgetState.SHUT
        return BudgetStatus(
            key=self.key,
            state=self._state,
            left=0 if shut else max(0, min(int(self._tokens), self._places - self._active)),
            active=self._active,
            places=self._places,
            parallel=self._parallel,
            waiting={lane: len(self._lanes[lane]) for lane in Lane},
            closed_until=self._clock.now() + timedelta(seconds=self._left()) if shut else None,
        )

    async def _queue(self, lane: Lane, cost: int) -> None:
        left = self._left()
        if left > self._patience:
            raise self._refusal(left)
        waiter = _Waiter(lane, cost, asyncio.get_running_loop())
        self._lanes[lane][waiter] = None
        self._waiting += 1
        self._admit()
        if waiter.future.done():
            return
        try:
            await waiter.future
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: _Waiter) -> None:
        """A waiter was cancelled: in the queue, or with the place already given to it but not yet taken."""
        if not waiter.future.done() or waiter.future.cancelled():
            if self._lanes[waiter.lane].pop(waiter, self) is None:
                self._waiting -= 1
        elif waiter.future.exception() is None:
            self._active -= 1
            self._tokens += waiter.cost
            if self._probe is waiter.task:
                self._probe = None
        self._admit()

    def _admit(self) -> None:
        """Let through the calls that may go now, and have the next looked at in time."""
        while self._waiting and self._active < self._places:
            if self._state is BudgetState.SHUT or (self._state is BudgetState.PROBING and self._probe is not None):
                return
            waiter = next(next(iter(lane)) for lane in self._lanes if lane)
            self._fill()
            missing = min(waiter.cost, self._hold) - self._tokens
            if missing > 1e-9:
                self._set_timer(self._filled_at + missing / self._rate)
                return
            del self._lanes[waiter.lane][waiter]
            self._waiting -= 1
            if waiter.future.done():
                continue
            self._take(waiter.cost)
            if self._state is BudgetState.PROBING:
                self._probe = waiter.task
            waiter.future.set_result(None)

    def _pass(self, lane: OrderedDict[_Waiter, None]) -> None:
        """Let through all who wait in a lane, at once."""
        self._fill()
        for waiter in lane:
            if not waiter.future.done():
                self._take(waiter.cost)
                waiter.future.set_result(None)
        self._waiting -= len(lane)
        lane.clear()

    def _take(self, cost: int) -> None:
        self._tokens -= cost
        self._active += 1

    def _fill(self) -> None:
        now = self._time()
        self._tokens = min(self._hold, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now

    def _left(self) -> float:
        """Seconds until the gate may be probed."""
        return max(0.0, self._until - self._time()) if self._state is BudgetState.SHUT else 0.0

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + max(0.0, when - self._time()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._state is BudgetState.SHUT:
            if self._left() > 1e-9:
                self._set_timer(self._until)
                return
            self._state = BudgetState.PROBING
        self._admit()

    def _refusal(self, left: float) -> RateLimited:
        return RateLimited(Reason("call.budget", budget=self.key, seconds=f"{left:.0f}"), retry_after=left)


class BudgetBook:
    """All gates. A gate lives as long as a client holds it, or as it is shut."""

    def __init__(
        self,
        clock: Clock,
        *,
        patience: float = 30.0,
        jitter: float = 0.05,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._jitter = jitter
        self._rand = rand
        self._buckets: WeakValueDictionary[str, Bucket] = WeakValueDictionary()
        self._windows: dict[str, ValueWindow] = {}

    def gate(self, budget: Budget) -> Bucket:
        """The gate that all share who name this key."""
        bucket = self._buckets.get(budget.key)
        if bucket is None:
            bucket = Bucket(budget, self._clock, patience=self._patience, jitter=self._jitter, rand=self._rand)
            self._buckets[budget.key] = bucket
        else:
            bucket.tighten(budget)
        return bucket

    def window(self, budget: ValueBudget, by: object = None) -> ValueWindow:
        """The window that all share who name this key. It outlives its clients, for the server remembers too; what
        is declared `by` a client holds until that leaves."""
        window = self._windows.get(budget.key)
        if window is None:
            window = self._windows[budget.key] = ValueWindow(budget, self._clock, by)
        else:
            window.tighten(budget, by)
        return window

    def leave(self, keys: Iterable[str], by: object) -> None:
        """Nothing that was declared `by` this one holds any more, since its clients are closed."""
        for key in keys:
            if (window := self._windows.get(key)) is not None:
                window.leave(by)

    def open(self, keys: Iterable[str]) -> list[str]:
        """Let a probe through each of these gates that is shut; the keys of those that were."""
        found = ((key, self._buckets.get(key) or self._windows.get(key)) for key in keys)
        return [key for key, one in found if one is not None and one.open()]

    def shut_until(self, keys: Iterable[str]) -> datetime | None:
        """When the last of these gates may be probed; None where none is shut."""
        buckets = (self._buckets.get(key) for key in keys)
        until = (bucket.status().closed_until for bucket in buckets if bucket is not None)
        return max((moment for moment in until if moment is not None), default=None)

    def gates(self, keys: Iterable[str]) -> list[Bucket]:
        """Those of these keys that somebody holds."""
        return [bucket for key in keys if (bucket := self._buckets.get(key)) is not None]

    def snapshot(self) -> list[BudgetStatus]:
        """The state of all gates, by key."""
        return [bucket.status() for _, bucket in sorted(self._buckets.items())]


def _pace(budget: Budget) -> tuple[float, float]:
    """What the bucket holds, and how many tokens a second it gains, so that no window sees more than `calls`.

    A window of `per` seconds that begins with a full bucket sees all it holds, and one less than the tokens that
    grow meanwhile.
    """
    if budget.calls < 1 or budget.per <= 0 or budget.parallel < 1:
        raise ValueError(f"the budget {budget.key} lets nobody through")
    hold = max(1, int(budget.calls * _BURST))
    return float(hold), (budget.calls - hold + 1) / budget.per
