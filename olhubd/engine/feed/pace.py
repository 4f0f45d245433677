"""How long an account waits between two pulls of its orders: as set while quiet, two seconds while orders come.

Every second is one in which two buyers can buy the last piece, and an order that is known sooner stops that. Orders
come where the hour usually brings some, by what the account has brought in the weeks before, and for a while after
each order. What is asked sooner costs calls, so the budgets of the connector have the last word: all accounts that
pull sooner share a part of each, and none does while the calls are needed for other work, or were refused of late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from olhubd.decide import order_rate
from olhubd.engine.access.budget import Bucket
from olhubd.model import Reason
from olhubd.plugin import Clock, Log

__all__ = ["AS_SET", "LATELY", "SOONEST", "PollPace"]

SOONEST = 2.0
"""Seconds between two pulls while orders come."""
LATELY = timedelta(minutes=15)
"""For how long after an order another one is expected, whatever the hour usually brings."""
_COME = 1.0
"""From how many orders an hour usually brings on orders are said to come at that hour."""
_HOUR = timedelta(hours=1)
_LOOK_AHEAD = timedelta(days=1)

AS_SET = Reason("poll.as-set")
_QUIET = Reason("poll.quiet")
_USUAL = Reason("poll.orders-come")
_LATELY = Reason("poll.order-came")
_NO_BUDGET = Reason("poll.no-budget")


class PollPace:
    """That of one account. `longest` is what is set or suggested, in seconds. `gates` are those of its calls.

    `seconds` is the interval that holds now, before chance makes it a little shorter or longer, and `why` says what
    it comes from.
    """

    __slots__ = (
        "_account",
        "_busy_from",
        "_clock",
        "_counted",
        "_gates",
        "_known_until",
        "_last",
        "_log",
        "_longest",
        "_quiet_days",
        "_usual",
        "_zone",
        "seconds",
        "why",
    )

    def __init__(
        self, account: str, longest: float, gates: Callable[[], Sequence[Bucket]], clock: Clock, log: Log
    ) -> None:
        self._account = account
        self._longest = longest
        self._gates = gates
        self._clock = clock
        self._log = log
        self._usual: order_rate.UsualRate | None = None
        self._zone: ZoneInfo | None = None
        self._quiet_days: Collection[str] = ()
        self._counted = False
        """Whether the gates count it among those that poll sooner than set."""
        self._last: float | None = None
        """When an order came last, by the monotonic clock."""
        self._busy_from: datetime | None = None
        self._known_until: datetime | None = None
        """The first hour that brings orders, the present one included, and until when that is known."""
        self.seconds = longest
        self.why = _QUIET

    def expect(self, usual: order_rate.UsualRate, zone: ZoneInfo, quiet_days: Collection[str]) -> bool:
        """Take what is usual from now on; whether that was news."""
        if (usual, zone, quiet_days) == (self._usual, self._zone, self._quiet_days):
            return False
        self._usual, self._zone, self._quiet_days = usual, zone, quiet_days
        self._known_until = None
        return True

    def came(self) -> None:
        """An order has come."""
        self._last = self._clock.monotonic()

    def rest(self) -> None:
        """It is not read for now: its share of the calls is left to others."""
        if self._counted:
            self._counted = False
            for gate in self._gates():
                gate.poll_as_set(self._account)
        self.seconds, self.why = self._longest, _QUIET

    def after_pull(self) -> float:
        """Seconds until the next pull."""
        wanted = self._wanted()
        if wanted is None or self._longest <= SOONEST:
            self.rest()
            return min(self._longest, max(SOONEST, self._until_busy()))
        seconds, why = self._afforded(wanted)
        if why is not wanted and why != self.why:
            self._log.info(
                "orders come, and their account is read no sooner than its calls allow",
                account=self._account,
                seconds=round(seconds, 1),
                reason=str(why),
            )
        self.seconds, self.why = seconds, why
        return seconds

    # What is wanted

    def _wanted(self) -> Reason | None:
        """Why orders are expected now; None where they are not."""
        if self._last is not None:
            if self._clock.monotonic() - self._last < LATELY.total_seconds():
                return _LATELY
            self._last = None
        return _USUAL if self._until_busy() <= 0 else None

    def _until_busy(self) -> float:
        """Seconds until an hour that usually brings orders; infinite where none is near."""
        if self._usual is None:
            return float("inf")
        now = self._clock.now()
        if self._known_until is None or not self._known_until - _HOUR <= now < self._known_until:
            hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            self._known_until = hour + _HOUR
            last = self._known_until + min(timedelta(seconds=self._longest), _LOOK_AHEAD)
            while hour <= last and not self._brings(hour):
                hour += _HOUR
            self._busy_from = hour if hour <= last else None
        return float("inf") if self._busy_from is None else (self._busy_from - now).total_seconds()

    def _brings(self, hour: datetime) -> bool:
        if self._usual is None or self._zone is None:
            return False
        return order_rate.expected(self._usual, hour, hour + _HOUR, self._zone, self._quiet_days) >= _COME

    # What is possible

    def _afforded(self, wanted: Reason) -> tuple[float, Reason]:
        """The interval that all budgets allow, and why it is that one."""
        gates, seconds, why = self._gates(), SOONEST, wanted
        self._counted = True
        if not gates:
            return self._longest, _NO_BUDGET
        for gate in gates:  # all of them, so that each counts it
            apart = gate.poll_sooner(self._account)
            if apart is None:
                seconds, why = self._longest, Reason("poll.scarce", budget=gate.key)
            elif apart > seconds and seconds < self._longest:
                seconds, why = apart, Reason("poll.shared", budget=gate.key)
        return min(seconds, self._longest), why
