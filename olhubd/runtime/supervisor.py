"""The keeper of all long-lived tasks: each has a plain name, a guard and a pulse.

A task that fails is logged once and started again after a growing pause; one that ends although nobody stopped it
is treated like one that failed. A loop promises by its heartbeat when the next one will come; a broken promise
makes the daemon unready and keeps the watchdog from being fed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from olhubd.plugin import Clock, Log

__all__ = ["Heartbeat", "Supervisor"]

_ENDING = 15.0
"""Seconds that a task has to end once it was cancelled, cleanup included; then it is left behind."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Heartbeat:
    """One loop's promise of progress."""

    def __init__(self, name: str, clock: Clock, recovered: Callable[[str], None] = lambda _name: None) -> None:
        self.name = name
        self._clock = clock
        self._recovered = recovered
        self._deadline: float | None = None

    def beat(self, within: float) -> None:
        """All is well; the next beat comes within so many seconds."""
        self._deadline = self._clock.monotonic() + within

    def well(self) -> None:
        """What failed before, if anything did, has just been done without failing."""
        self._recovered(self.name)

    def rest(self) -> None:
        """Nothing is promised: the loop waits for a person or has not begun."""
        self._deadline = None

    def overdue(self) -> float:
        """By how many seconds the promise is broken; 0 when it is kept."""
        if self._deadline is None:
            return 0.0
        return max(0.0, self._clock.monotonic() - self._deadline)


class Supervisor:
    """Starts, guards, restarts and stops the tasks of the daemon.

    `trouble`: failures of something outside, which are reported by their words and without a traceback.
    """

    def __init__(self, clock: Clock, log: Log, trouble: tuple[type[Exception], ...] = ()) -> None:
        self._clock = clock
        self._log = log
        self._trouble = trouble
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pulses: dict[str, Heartbeat] = {}
        self._failing: set[str] = set()
        self._left: dict[asyncio.Task[None], str] = {}

    def start(self, name: str, main: Callable[[Heartbeat], Awaitable[None]]) -> None:
        """Run `main(pulse)` for ever under `name`."""
        pulse = Heartbeat(name, self._clock, self.recovered)
        self._pulses[name] = pulse
        self._tasks[name] = asyncio.create_task(self._guard(name, main, pulse), name=name)

    def every(
        self,
        name: str,
        seconds: float | Callable[[], float],
        work: Callable[[Heartbeat], Awaitable[object]],
        *,
        limit: float = 0.0,
    ) -> None:
        """Run `work(pulse)` for ever under `name`, with a pause of `seconds` between two rounds.

        `limit`: the seconds that a round may take beyond three pauses. A round that takes longer beats by itself.
        """

        async def main(pulse: Heartbeat) -> None:
            pause = seconds if callable(seconds) else lambda: seconds
            while True:
                pulse.beat(4 * pause() + limit)
                await work(pulse)
                pulse.well()
                rest = pause()
                pulse.beat(4 * rest + limit)
                await self._clock.sleep(rest)

        self.start(name, main)

    def once(self, name: str, main: Callable[[Heartbeat], Awaitable[None]]) -> None:
        """Run `main(pulse)` to its end under `name`. A failure is logged and not repeated."""
        pulse = Heartbeat(name, self._clock)
        self._pulses[name] = pulse
        self._tasks[name] = asyncio.create_task(self._single(name, main, pulse), name=name)

    async def stop(self, name: str, grace: float = 0.0) -> None:
        """End one task; with `grace` seconds to end by itself first, when it was cancelled."""
        task = self._tasks.pop(name, None)
        self._pulses.pop(name, None)
        self._failing.discard(name)
        if task is None:
            return
        try:
            if grace > 0:
                await asyncio.wait([task], timeout=grace)
        finally:
            # Also when nobody waits for it any more: nobody else knows it now.
            task.cancel()
        await asyncio.wait([task], timeout=_ENDING)
        if not task.done():
            # The caller that waits for its end has others to end, too.
            self._log.error("does not end and is left behind", task=name)
            self._left[task] = name
            task.add_done_callback(self._left.pop)

    @property
    def left(self) -> frozenset[str]:
        """The tasks that were cancelled and have still not ended."""
        return frozenset(self._left.values())

    async def stop_all(self, grace: float = 0.0) -> None:
        """End everything, all at one time."""
        await asyncio.gather(*(self.stop(name, grace) for name in list(self._tasks)))

    def overdue(self) -> dict[str, float]:
        """The loops that broke their promise, with by how many seconds."""
        return {name: late for name, pulse in self._pulses.items() if (late := pulse.overdue()) > 0}

    @property
    def failing(self) -> frozenset[str]:
        """The tasks that have failed and not yet run well again."""
        return frozenset(self._failing)

    def __len__(self) -> int:
        return len(self._tasks)

    def recovered(self, name: str) -> None:
        """Report that the loop works again after a failure."""
        if name in self._failing:
            self._failing.discard(name)
            self._log.info("works again", task=name)

    async def _single(self, name: str, main: Callable[[Heartbeat], Awaitable[None]], pulse: Heartbeat) -> None:
        try:
            await main(pulse)
        except asyncio.CancelledError:
            if _told():
                raise
            self._log.error("has finished unexpectedly", task=name)
        except (Exception, SystemExit, KeyboardInterrupt):
            self._log.error("has failed", task=name, exc_info=True)
        finally:
            if self._pulses.get(name) is pulse:
                del self._tasks[name], self._pulses[name]

    async def _guard(self, name: str, main: Callable[[Heartbeat], Awaitable[None]], pulse: Heartbeat) -> None:
        pause = 0.0
        while True:
            began = self._clock.monotonic()
            try:
                await main(pulse)
            except self._trouble as error:
                # Nobody's mistake: what it says helps, and where it was noticed does not.
                report = self._log.debug if name in self._failing else self._log.error
                report("cannot work now", task=name, reason=str(error))
                pause = max(pause, _FIRST_PAUSE)
            except asyncio.CancelledError:
                if _told() or name not in self._tasks:
                    raise
                # Something broke off in there; nobody wanted the loop itself to end.
                self._log.error("has finished unexpectedly", task=name)
            except (Exception, SystemExit, KeyboardInterrupt):
                pause = max(pause, _FIRST_PAUSE)
                # Once when it starts to fail, not at each of its restarts.
                report = self._log.debug if name in self._failing else self._log.error
                report("has failed", task=name, exc_info=True)
            else:
                if name in self._tasks:
                    self._log.error("has finished unexpectedly", task=name)
                pause = max(pause, _FIRST_PAUSE)
            if name not in self._tasks:
                # It was cancelled. A failure while it tidied up has taken the place of the cancellation, and a
                # task that went on for that would never be got rid of.
                return
            self._failing.add(name)
            if self._clock.monotonic() - began > 10 * _LONGEST_PAUSE:
                pause = min(pause, _FIRST_PAUSE)
            await self._clock.sleep(pause)
            pause = min(max(pause, _FIRST_PAUSE / 2) * 2, _LONGEST_PAUSE)


def _told() -> bool:
    """Whether somebody cancelled this very task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
