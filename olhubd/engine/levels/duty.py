"""One of the things that a leveller does with a channel, with a pause of its own after failures.

What fails at one of them, as a reading that nobody may make, says nothing of the others.
"""

from __future__ import annotations

from olhubd.engine.levels.channel import FIRST_PAUSE, LAST_PAUSE
from olhubd.plugin import Clock, PluginError, Temporary
from olhubd.runtime.backoff import Backoff

__all__ = ["Duty"]


class Duty:
    """`name` is what a person reads of it in the log: "read"."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        self._not_before = 0.0

    @property
    def left(self) -> float:
        """For how many seconds more it is left alone."""
        return max(0.0, self._not_before - self._clock.monotonic())

    @property
    def failing(self) -> bool:
        """Whether it failed when it was done last."""
        return self._backoff.failures > 0

    def well(self) -> None:
        """It was done, or is to be tried at once."""
        self._backoff.reset()
        self._not_before = 0.0

    def failed(self, error: PluginError) -> float:
        """It failed. Gives for how many seconds it is left alone: as long as its system says, else ever longer."""
        pause = self._backoff.next()
        if isinstance(error, Temporary) and error.retry_after is not None:
            pause = error.retry_after
        self._not_before = self._clock.monotonic() + pause
        return pause
