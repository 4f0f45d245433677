"""The last days of each account as the source and the hub count them, for the overview: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from olhubd.control.api.schema.alarms import ReconciliationRow

__all__ = ["DAYS", "Grid", "grid"]

DAYS = 7
"""Days that are shown, the newest."""


@dataclass(frozen=True)
class Grid:
    """`rows` have for each of `days` what was found, or None where nobody has looked yet."""

    days: tuple[date, ...]
    rows: tuple[tuple[str, tuple[ReconciliationRow | None, ...]], ...]

    @property
    def difference(self) -> int:
        """What is expected to be zero."""
        return sum(one.missing + one.surplus for _, found in self.rows for one in found if one is not None)


def grid(found: Sequence[ReconciliationRow]) -> Grid:
    """The newest days, the oldest of them first."""
    days = tuple(sorted({one.day for one in found})[-DAYS:])
    known = {(one.account, one.day): one for one in found}
    names = sorted({one.account for one in found if one.day in days})
    return Grid(days, tuple((name, tuple(known.get((name, day)) for day in days)) for name in names))
