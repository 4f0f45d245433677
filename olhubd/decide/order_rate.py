"""Whether an account brings too few orders for the hour. Pure: counts in, a verdict out.

What is usual is learned from the hours in which the orders of the last weeks were placed, by weekday and hour of
the seller's zone. Orders do not come evenly but by good and bad days, so the chance of so few is that of a negative
binomial distribution, whose spread is learned too. Two questions are asked:

- Is the pause since the last order so long that it should not happen once in `rarity`, at as many pauses as there
  are orders in that time?
- Did the last day bring less than half of what is usual, and so little that it should not happen once in `rarity`?

A shop that sells little is asked the same, so its pause may last days before it is strange, and one that sells
next to nothing is never judged. A week that is weaker than those before lowers what is expected, so that the calm
after a season is no alarm; days that the seller names as quiet expect nothing and teach nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

__all__ = ["HISTORY", "RateVerdict", "UsualRate", "cumulative", "expected", "judge", "learn"]

HISTORY = timedelta(days=56)
"""What is older teaches nothing."""
_LEAST_DAYS = 14
_LEAST_ORDERS = 30
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SLOTS = 7 * 24
_PRIOR = 4.0
"""As many weeks of the smooth picture are mixed into what a single hour of the week has shown."""
_STEADIEST = 12.0
"""No market's good and bad days differ by less than this allows: by about three tenths."""
_WILDEST = 1.5
_SHOWN = 0.8
"""Weeks are few, so they show less of it than there is."""
_USUAL, _DOUBT = 9.0, 1400.0
"""How even the days of most shops are, and how much of what was seen it takes to believe otherwise."""
_SHUT = 8.0
"""A day without any order where so many were to be expected was a day off, or an outage: it teaches nothing."""
_HALF = 0.5
_RECENT = timedelta(hours=6)
_WINDOWS = 365 * 24
"""As many times a year the last day is looked at; they overlap, so this is on the safe side."""
_EASE = 100.0
"""How much likelier things must have become before an alarm ends, so that it does not flutter."""


class UsualRate(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual: orders an hour for each of the week's hours, Monday's first.

    `spread` is the smaller the wilder the days are; `days` and `orders` say from how much it was learned.
    """

    rates: tuple[float, ...]
    spread: float
    days: int
    orders: int


class RateVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How it looks: what came `since` and what was to be expected."""

    silent: bool
    since: datetime
    came: int
    due: float
    chance: float


def learn(
    counts: Mapping[datetime, int], since: datetime, until: datetime, zone: ZoneInfo, quiet: Collection[str] = ()
) -> UsualRate | None:
    """What is usual between `since` and `until`; None when there is too little to learn from.

    `counts` are orders by the hour's beginning, in UTC; `quiet` are days of the year as "12-24".
    """
    first = _midnight_after(max(since, until - HISTORY), zone)
    by_day: dict[date, list[tuple[int, int]]] = {}
    hour = first
    while hour + _HOUR <= until:
        day, slot = _place(hour, zone)
        if f"{day:%m-%d}" not in quiet:
            by_day.setdefault(day, []).append((slot, counts.get(hour, 0)))
        hour += _HOUR
    days = _taught(by_day)
    orders = sum(count for day in days.values() for _, count in day)
    if len(days) < _LEAST_DAYS or orders < _LEAST_ORDERS:
        return None
    rates = _rates(days)
    return UsualRate(rates=rates, spread=_spread(days, rates), days=len(days), orders=orders)


def expected(
    learned: UsualRate, since: datetime, until: datetime, zone: ZoneInfo, quiet: Collection[str] = ()
) -> float:
    """How many orders are usual between two moments."""
    total, at = 0.0, since
    while at < until:
        # Full hours are the same in every zone that is used, or at most half an hour off.
        hour = at.replace(minute=0, second=0, microsecond=0)
        end = min(until, hour + _HOUR)
        day, slot = _place(hour, zone)
        if f"{day:%m-%d}" not in quiet:
            total += learned.rates[slot] * ((end - at) / _HOUR)
        at = end
    return total


def judge(
    learned: UsualRate,
    counts: Mapping[datetime, int],
    last: datetime | None,
    heard: datetime,
    zone: ZoneInfo,
    rarity: timedelta,
    quiet: Collection[str] = (),
    raised: bool = False,
) -> RateVerdict:
    """Whether it is too quiet. `counts` reach back two weeks at least, `last` is when the last order was placed and
    `heard` up to when all orders are known; `raised` says that the alarm is on."""
    ease = _EASE if raised else 1.0
    years = rarity / timedelta(days=365)
    last = max(last or heard - HISTORY, heard - HISTORY)
    yearly = learned.orders / learned.days * 365
    pause = expected(learned, last, heard, zone, quiet)
    strange = ease / (years * max(yearly, 1.0))
    # The level only lowers what is due, so it is asked for last.
    if cumulative(0, pause, learned.spread) < strange:
        pause *= _level(learned, counts, last, zone, quiet)
        chance = cumulative(0, pause, learned.spread)
        if chance < strange:
            return RateVerdict(silent=True, since=last, came=0, due=pause, chance=chance)
    day = heard.replace(minute=0, second=0, microsecond=0) - _DAY
    came = sum(counts.get(day + n * _HOUR, 0) for n in range(25))
    due = expected(learned, day, heard, zone, quiet)
    few = 1.0
    if raised and _back(learned, counts, heard, zone, quiet):
        return RateVerdict(silent=False, since=day, came=came, due=due, chance=few)
    if came < due * _HALF and learned.days >= 2 * _LEAST_DAYS:
        due *= _level(learned, counts, day, zone, quiet)
        few = cumulative(came, due, learned.spread) if came < due * _HALF else 1.0
    return RateVerdict(silent=few < ease / (years * _WINDOWS), since=day, came=came, due=due, chance=few)


@functools.lru_cache(maxsize=4096)
def _place(hour: datetime, zone: ZoneInfo) -> tuple[date, int]:
    """The local day and the hour of the week."""
    local = hour.astimezone(zone)
    return local.date(), local.weekday() * 24 + local.hour


def cumulative(most: int, mean: float, spread: float) -> float:
    """The chance of at most so many orders, where `mean` are usual: negative binomial, from its greater end."""
    if mean <= 0:
        return 1.0
    q = mean / (spread + mean)
    if most > mean:  # far beyond what is usual the terms are too small to begin with
        term, total = math.exp(spread * math.log1p(-q)), 0.0
        for count in range(most + 1):
            total += term
            term *= (count + spread) / (count + 1) * q
        return min(1.0, total)
    term = math.exp(
        math.lgamma(most + spread)
        - math.lgamma(spread)
        - math.lgamma(most + 1)
        + spread * math.log1p(-q)
        + most * math.log(q)
    )
    total = 0.0
    for count in range(most, -1, -1):
        total += term
        if count and term < total * 1e-12:
            break
        term *= count / ((count - 1 + spread) * q) if count else 0.0
    return min(1.0, total)


def _back(
    learned: UsualRate, counts: Mapping[datetime, int], heard: datetime, zone: ZoneInfo, quiet: Collection[str]
) -> bool:
    """Whether the last hours bring half of what is usual again, though the day as a whole does not."""
    since = heard.replace(minute=0, second=0, microsecond=0) - _RECENT
    came = sum(counts.get(since + n * _HOUR, 0) for n in range(_RECENT // _HOUR + 1))
    return came > 0 and came >= _HALF * expected(learned, since, heard, zone, quiet)


def _level(
    learned: UsualRate, counts: Mapping[datetime, int], before: datetime, zone: ZoneInfo, quiet: Collection[str]
) -> float:
    """How the week before compares to what is usual; never more than 1."""
    since = before - _WEEK
    due = expected(learned, since, before, zone, quiet)
    first = since.replace(minute=0, second=0, microsecond=0)
    came = sum(counts.get(first + n * _HOUR, 0) for n in range(7 * 24))
    return min(1.0, (came + 1.0) / (due + 1.0))


def _midnight_after(at: datetime, zone: ZoneInfo) -> datetime:
    """The first full hour of the first whole local day."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if hour < at:
        hour += _HOUR
    while hour.astimezone(zone).hour != 0:
        hour += _HOUR
    return hour


def _taught(by_day: Mapping[date, list[tuple[int, int]]]) -> dict[date, list[tuple[int, int]]]:
    """The days without those that were shut, and without a last one that is not over."""
    whole = {day: hours for day, hours in by_day.items() if len(hours) >= 23}
    totals = {day: sum(count for _, count in hours) for day, hours in whole.items()}
    usual: dict[int, float] = {}
    for weekday in range(7):
        same = [total for day, total in totals.items() if day.weekday() == weekday]
        usual[weekday] = sum(same) / len(same) if same else 0.0
    return {day: hours for day, hours in whole.items() if totals[day] or usual[day.weekday()] < _SHUT}


def _rates(days: Mapping[date, list[tuple[int, int]]]) -> tuple[float, ...]:
    """Each of the week's hours by what it brought, drawn towards weekday times hour where it brought little."""
    seen, came = [0] * _SLOTS, [0] * _SLOTS
    for hours in days.values():
        for slot, count in hours:
            seen[slot] += 1
            came[slot] += count
    mean = sum(came) / max(1, sum(seen))
    weekday = [_share(came, seen, range(day * 24, day * 24 + 24), mean) for day in range(7)]
    hourly = [_share(came, seen, range(hour, _SLOTS, 24), mean) for hour in range(24)]
    return tuple(
        (came[slot] + _PRIOR * mean * weekday[slot // 24] * hourly[slot % 24]) / (seen[slot] + _PRIOR)
        for slot in range(_SLOTS)
    )


def _share(came: list[int], seen: list[int], slots: range, mean: float) -> float:
    """How much more than the mean these hours bring."""
    if mean == 0:
        return 0.0
    return (sum(came[s] for s in slots) + mean) / (sum(seen[s] for s in slots) + 1) / mean


def _spread(days: Mapping[date, list[tuple[int, int]]], rates: tuple[float, ...]) -> float:
    """How even the days are, by the moments of the negative binomial distribution."""
    square = excess = 0.0
    for hours in days.values():
        mean = sum(rates[slot] for slot, _ in hours)
        total = sum(count for _, count in hours)
        square += mean * mean
        excess += (total - mean) ** 2 - mean
    # Where few orders come, chance hides how even the days are: then the usual evenness is taken.
    wild = (max(0.0, excess) / _SHOWN + _DOUBT / _USUAL) / (square + _DOUBT)
    return min(_STEADIEST, max(_WILDEST, 1 / wild))
