"""The leveller of an account as a task: it begins, waits and ends with the account, where there is one."""

from __future__ import annotations

from typing import Generic, TypeVar

from olhubd.engine.levels.leveller import Leveller
from olhubd.runtime.supervisor import Heartbeat, Supervisor

__all__ = ["AccountLeveller"]

L = TypeVar("L", bound=Leveller)


class AccountLeveller(Generic[L]):
    """Runs the leveller of an account below the name of its task; without a leveller nothing is done."""

    def __init__(self, task: str, supervisor: Supervisor, leveller: L | None) -> None:
        self.leveller = leveller
        self._task = task
        self._supervisor = supervisor

    def start(self, *, paused: bool) -> None:
        """Begin to keep what it keeps, or to wait for `resume`."""
        if self.leveller is not None:
            if paused:
                self.leveller.pause()
            self._supervisor.start(self._task, self._run)

    async def _run(self, pulse: Heartbeat) -> None:
        if self.leveller is not None:
            await self.leveller.run(pulse)

    def wake(self) -> None:
        """What is wanted may be otherwise now, or more is known of it."""
        if self.leveller is not None:
            self.leveller.wake()

    def orders_read(self) -> None:
        """The orders of an account were read to their end."""
        if self.leveller is not None:
            self.leveller.orders_read()

    def pause(self) -> None:
        if self.leveller is not None:
            self.leveller.pause()

    def resume(self) -> None:
        if self.leveller is not None:
            self.leveller.resume()

    async def stop(self) -> None:
        """End at once. What was sent is kept, and looked up by the next process."""
        await self._supervisor.stop(self._task)
