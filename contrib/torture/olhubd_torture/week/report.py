"""What came of the week, beside the week of the hourly copy, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from olhubd.decide.stock.oversold import OversoldCause
from olhubd_torture.week.ledger import Oversold, WeekResult
from olhubd_torture.week.plan import DAY

__all__ = ["explained", "post_mortem", "table"]


def table(hub: WeekResult, hourly: WeekResult) -> Iterator[str]:
    """Lines of a table: what was counted, with the hub, with an hourly copy."""
    yield f"{'':>34}  {'olhubd':>12}  {'hourly copy':>12}"
    for name, read in _ROWS.items():
        yield f"{name:>34}  {read(hub):>12}  {read(hourly):>12}"


def explained(causes: Mapping[OversoldCause, tuple[int, int]], braked: int) -> Iterator[str]:
    """What the hub itself wrote down of what was oversold, by cause, and how many plans its brake stopped."""
    orders, pieces = (sum(one[place] for one in causes.values()) for place in (0, 1))
    yield f"hub:   {orders} oversold orders written down, {pieces} pieces; {braked} plans stopped by the brake"
    for cause, (some, lacking) in causes.items():
        yield f"       {cause.value}: {some} orders, {lacking} pieces"


def post_mortem(one: Oversold) -> str:
    """How it came that this was sold and was not there."""
    day, rest = divmod(one.at, DAY)
    clock = f"{int(rest // 3600):02d}:{int(rest // 60 % 60):02d}:{int(rest % 60):02d}"
    pieces = "1 piece" if one.pieces == 1 else f"{one.pieces} pieces"
    why = f"the offer had shown too many for {one.since:.1f} s, since the last was sold at {one.after}"
    return f"day {int(day) + 1}, {clock}: {pieces} of {one.sku} at {one.place}: {why}"


def _minutes(value: float) -> str:
    return f"{value:,.0f}"


def _lag(result: WeekResult, share: float) -> str:
    lags = sorted(result.lags)
    return f"{lags[int((len(lags) - 1) * share)]:,.1f}" if lags else "-"


_ROWS: Mapping[str, Callable[[WeekResult], str]] = {
    "orders": lambda one: f"{one.orders:,}",
    "pieces sold": lambda one: f"{one.sold:,}",
    "pieces oversold": lambda one: f"{sum(row.pieces for row in one.oversold):,}",
    "pieces not shown to their buyers": lambda one: f"{one.turned_away:,}",
    "minutes of wrong numbers": lambda one: _minutes(one.wrong),
    "of these, of too high ones": lambda one: _minutes(one.too_much),
    "seconds until right, median": lambda one: _lag(one, 0.5),
    "seconds until right, 99 of 100": lambda one: _lag(one, 0.99),
    "calls": lambda one: f"{one.calls:,}",
}
