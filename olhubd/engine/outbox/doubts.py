"""Deliveries of unknown outcome: for how long "not there" means nothing yet, and what was looked up.

Since when is stored with the delivery, as the last moment at which it may have been sent, and so is how often it
was tried (`Delivery.unknown_tries`). Here it is by the clock that never jumps, as far as this process knows it.
"""

from __future__ import annotations

from datetime import timedelta

from olhubd.model import Delivery, DeliveryId, DeliveryState
from olhubd.plugin import Clock

__all__ = ["Doubts"]


class Doubts:
    """Those of one target."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By the clock that never jumps: a wall clock put forward would make a target look settled that is not.
        self._began = clock.monotonic()
        self._anew: float | None = None
        self._since: dict[DeliveryId, float] = {}
        self.absent: set[DeliveryId] = set()
        """What was looked up and is not there, so that it is not looked up at each try."""

    def begin(self, delivery: Delivery) -> None:
        """From now on its outcome is unknown."""
        self._since[delivery.id] = self._clock.monotonic()

    def settling(self, delivery: Delivery, settle: timedelta) -> float:
        """For how many seconds "not there" does not mean anything yet; none where nothing is in doubt."""
        if delivery.state is not DeliveryState.SENT or delivery.sent_at is None:
            return 0.0
        since = self._since.get(delivery.id)
        if since is None:
            # Another process sent it. By its clock and ours, which may be wrong, and not before this one began, by
            # which time that one had stopped: the later of the two.
            age = (self._clock.now() - delivery.sent_at).total_seconds()
            since = max(self._began, self._clock.monotonic() - age) if age >= 0 else self._began
        left = since + settle.total_seconds() - self._clock.monotonic()
        return max(left, 0.001) if left > 0 else 0.0  # a wall clock cannot measure less

    def begin_anew(self) -> None:
        """This is to be taken for another process: what it did before is an earlier one's, and not long ago."""
        self._began = self._anew = self._clock.monotonic()
        self._since.clear()
        self.absent.clear()

    def early(self, settle: timedelta) -> float:
        """For how many seconds what was sent before the restart may still come into being; none where it did
        not: a file is not restored by hand as quickly as that."""
        if self._anew is None:
            return 0.0
        return max(self._anew + settle.total_seconds() - self._clock.monotonic(), 0.0)

    def forget(self, delivery: Delivery) -> None:
        """It has ended."""
        self._since.pop(delivery.id, None)
        self.absent.discard(delivery.id)
