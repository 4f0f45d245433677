"""When the products and price lists of a stock master are read, and whether a person may have them read now.

A day begins at a time of the seller's zone that the operator sets, such as 6:10, when a system has renewed its
data. It ends where the next one begins, also where clocks are put forward or back in between.
"""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from olhubd.model import Run, RunState

__all__ = ["NOT_READ", "ImportRule", "ImportSettings", "ProductImport", "uses_the_day"]


class ProductImport(enum.StrEnum):
    """By what an import begins."""

    OFF = "off"
    BY_HAND = "by-hand"
    """When a person asks for it, and never by a timer."""
    DAILY = "daily"
    """All of it, once a day."""
    ALWAYS = "always"
    """What was changed, after each interval, and all of it once a day."""


class ImportSettings(msgspec.Struct, frozen=True):
    """What an account's configuration says, without the zone that all accounts have in common."""

    mode: ProductImport = ProductImport.OFF
    day_begins: time = time()
    once_a_day: bool = False
    remind: bool = False

    @property
    def read(self) -> bool:
        """Whether products are read at all."""
        return self.mode is not ProductImport.OFF

    def rule(self, zone: tzinfo) -> ImportRule:
        """How the account is imported by the clocks of this zone."""
        return ImportRule(self.mode, zone, self.day_begins, self.once_a_day, self.remind)


NOT_READ = ImportSettings()
_GRACE = timedelta(hours=1)


class ImportRule(msgspec.Struct, frozen=True):
    """How one account is imported. `day_begins` is a time of `zone`."""

    mode: ProductImport
    zone: tzinfo = UTC
    day_begins: time = time()
    once_a_day: bool = False
    """Whether a second import on one day is refused."""
    remind: bool = False
    """Whether a person is reminded of a day on which none went well."""

    def day(self, at: datetime) -> date:
        """Which day it is then."""
        local = at.astimezone(self.zone).date()
        return local if at >= self.begins(local) else local - timedelta(days=1)

    def begins(self, day: date) -> datetime:
        """When a day begins, in UTC."""
        return datetime.combine(day, self.day_begins, self.zone).astimezone(UTC)

    def reminds_from(self, day: date) -> datetime:
        """From when on a person is reminded that none went well on a day, in UTC. A timer has an hour for it."""
        return self.begins(day) + (timedelta(0) if self.mode is ProductImport.BY_HAND else _GRACE)

    def next_day(self, at: datetime) -> datetime:
        """When the next day begins, in UTC."""
        return self.begins(self.day(at) + timedelta(days=1))


def uses_the_day(run: Run, rule: ImportRule) -> bool:
    """Whether no import is due any more on the day of a run: it went well; or it failed after it had read something
    and one a day is all that there may be. A run that read nothing uses up no day."""
    return run.state is RunState.DONE or (rule.once_a_day and run.seen > 0)
