"""The silence detector: how often it is wrong, and how long it takes to be right.

Simulated shops, by fixed seeds: hours and weekdays differ, days are good and bad by a quarter, seasons come and go,
and clocks are put forward and back.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from olhubd.decide import order_rate

ZONE = ZoneInfo("Europe/Warsaw")
QUIET = ("01-01", "12-24", "12-25", "12-26")
HOUR = timedelta(hours=1)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
RARITY = timedelta(days=3650)
HOURS = (2, 1, 0.5, 0.5, 0.5, 1, 3, 6, 10, 13, 14, 14, 13, 13, 13, 13, 13, 13, 15, 18, 20, 19, 13, 6)
WEEKDAYS = (1.15, 1.1, 1.05, 1.0, 0.9, 0.7, 1.1)


class Shop:
    """A shop that sells so many a day; nothing at all from `shut` on."""

    def __init__(
        self, seed: int, daily: float, days: int, *, season: bool = True, shut: datetime | None = None
    ) -> None:
        self.chance = random.Random(seed)
        self.counts: dict[datetime, int] = {}
        self.shut = shut
        factor, day = 1.0, None
        for number in range(days * 24):
            hour = BEGIN + number * HOUR
            local = hour.astimezone(ZONE)
            if local.date() != day:
                day, factor = local.date(), self.chance.gammavariate(16, 1 / 16)
                factor *= self.season(local) if season else 1.0
            mean = daily * factor * WEEKDAYS[local.weekday()] * HOURS[local.hour] / sum(HOURS)
            self.counts[hour] = 0 if shut is not None and hour >= shut else self.draw(mean)

    @staticmethod
    def season(local: datetime) -> float:
        number = local.timetuple().tm_yday
        if f"{local:%m-%d}" in QUIET:
            return 0.3
        return 1 + 0.2 * math.sin(number / 58) + (0.9 if 320 < number < 356 else 0.0)

    def draw(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self.chance.gauss(mean, math.sqrt(mean))))
        limit, count, product = math.exp(-mean), 0, self.chance.random()
        while product > limit:
            count += 1
            product *= self.chance.random()
        return count

    def alarms(self, step: int = 1, since: datetime = BEGIN) -> list[datetime]:
        """When it would have been told that it is silent, asked every `step` hours."""
        raised, found = False, []
        last: datetime | None = None
        learned: order_rate.UsualRate | None = None
        for number, (hour, count) in enumerate(self.counts.items()):
            if count:
                last = hour + HOUR * self.chance.random() ** (1 / count)
            now = hour + HOUR
            if number % 24 == 0 and now >= since:
                learned = order_rate.learn(self.counts, BEGIN, now, ZONE, QUIET)
            if learned is None or number % step or now < since:
                continue
            verdict = order_rate.judge(learned, self.counts, last, now, ZONE, RARITY, QUIET, raised)
            if verdict.silent and not raised:
                found.append(now)
            raised = verdict.silent
        return found


@pytest.mark.parametrize(("daily", "seed"), [(2, 1), (10, 2), (60, 3), (800, 4)])
def test_a_year_of_usual_trade_raises_no_alarm(daily: float, seed: int) -> None:
    """One false alarm in ten years and account is accepted: four years without any. A season, its end, holidays at
    a third of the trade and two changes of the clock are among them."""
    assert Shop(seed, daily, 365).alarms(step=3) == []


@pytest.mark.parametrize(
    ("daily", "within"),
    [(3, timedelta(days=12)), (10, timedelta(days=3)), (60, timedelta(hours=24)), (800, timedelta(hours=10))],
)
def test_silence_is_told_in_time(daily: float, within: timedelta) -> None:
    """From the last order on; the longest is a shop that falls silent in the evening."""
    for seed in range(2):
        shut = BEGIN + timedelta(days=63, hours=8 + 6 * seed)
        found = Shop(seed, daily, 76, season=False, shut=shut).alarms(since=shut - timedelta(days=7))
        late = [at for at in found if at >= shut]
        assert len(late) == 1, "told once, for as long as it lasts"
        assert late[0] - shut <= within, late[0] - shut


def test_a_shop_that_sells_next_to_nothing_is_never_judged() -> None:
    shop = Shop(5, 0.2, 120)
    assert order_rate.learn(shop.counts, BEGIN, BEGIN + timedelta(days=120), ZONE) is None
    assert shop.alarms() == []


def test_the_first_weeks_are_not_judged() -> None:
    shop = Shop(6, 100, 14, season=False)
    assert order_rate.learn(shop.counts, BEGIN, BEGIN + timedelta(days=14), ZONE) is None, "no two whole weeks yet"
    shop = Shop(6, 100, 17, season=False)
    learned = order_rate.learn(shop.counts, BEGIN, BEGIN + timedelta(days=17), ZONE)
    assert learned is not None
    assert learned.days >= 14


def test_a_trickle_is_too_little() -> None:
    """Not silent, but a tenth of what is usual."""
    shop = Shop(7, 400, 60, season=False)
    now = BEGIN + timedelta(days=58)
    for hour in shop.counts:
        if now - timedelta(days=1) <= hour < now:
            shop.counts[hour] //= 10
    learned = order_rate.learn(shop.counts, BEGIN, now - timedelta(days=1), ZONE)
    assert learned is not None
    verdict = order_rate.judge(learned, shop.counts, now - HOUR, now, ZONE, RARITY)
    assert verdict.silent
    assert 0 < verdict.came < verdict.due / 5


def test_quiet_days_expect_nothing_and_teach_nothing() -> None:
    """A shop that is shut for Christmas."""
    counts = Shop(8, 100, 365, season=False).counts
    eve = datetime(2025, 12, 23, 23, tzinfo=UTC)
    learned = order_rate.learn(counts, BEGIN, eve, ZONE, QUIET)
    assert learned is not None
    back = eve + timedelta(days=3)
    assert order_rate.expected(learned, eve, back, ZONE, QUIET) == 0
    assert not order_rate.judge(learned, counts, eve, back, ZONE, RARITY, QUIET).silent
    assert order_rate.judge(learned, counts, eve, back, ZONE, RARITY).silent, "without the setting it is an alarm"


def test_a_day_off_teaches_nothing() -> None:
    """An outage of the marketplace must not teach that outages are usual."""
    counts = Shop(9, 100, 60, season=False).counts
    until = BEGIN + timedelta(days=60)
    usual = order_rate.learn(counts, BEGIN, until, ZONE)
    day = datetime(2025, 2, 11, 23, tzinfo=UTC)
    without = {hour: 0 if day <= hour < day + timedelta(days=1) else count for hour, count in counts.items()}
    learned = order_rate.learn(without, BEGIN, until, ZONE)
    assert usual is not None
    assert learned is not None
    assert learned.days == usual.days - 1
    assert sum(learned.rates) == pytest.approx(sum(usual.rates), rel=0.05)


@pytest.mark.parametrize("change", [datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 10, 26, tzinfo=UTC)])
def test_a_changed_clock_moves_no_expectation(change: datetime) -> None:
    """Nine o'clock stays nine o'clock; the day has 23 or 25 hours."""
    learned = order_rate.UsualRate(
        rates=tuple(float(slot % 24) for slot in range(168)), spread=9, days=56, orders=5000
    )
    for day in (change - timedelta(days=3), change + timedelta(days=3)):
        nine = datetime(day.year, day.month, day.day, 9, tzinfo=ZONE).astimezone(UTC)
        assert order_rate.expected(learned, nine, nine + HOUR, ZONE) == 9
    midnight = datetime(change.year, change.month, change.day, tzinfo=ZONE)
    whole = order_rate.expected(
        learned, midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC), ZONE
    )
    assert whole == sum(range(24)) - 2 if change.month == 3 else sum(range(24)) + 2


@example(most=116, mean=0.015625, spread=12.0)
@given(
    most=st.integers(0, 300),
    mean=st.floats(0.01, 3000, allow_nan=False),
    spread=st.floats(1.5, 12, allow_nan=False),
)
def test_the_chance_is_a_chance(most: int, mean: float, spread: float) -> None:
    """Between 0 and 1, growing with what came and falling with what is usual."""
    chance = order_rate.cumulative(most, mean, spread)
    assert 0 <= chance <= 1
    assert order_rate.cumulative(most + 1, mean, spread) >= chance - 1e-9
    assert order_rate.cumulative(most, mean * 1.5, spread) <= chance + 1e-9


@given(st.integers(0, 40), st.floats(0.5, 30), st.floats(1.5, 12))
def test_the_chance_is_the_sum_of_its_terms(most: int, mean: float, spread: float) -> None:
    p = spread / (spread + mean)
    term, total = p**spread, 0.0
    for count in range(most + 1):
        total += term
        term *= (count + spread) / (count + 1) * (1 - p)
    assert order_rate.cumulative(most, mean, spread) == pytest.approx(min(1.0, total), rel=1e-6)


@given(st.integers(0, 24 * 60), st.integers(1, 24 * 60))
def test_what_is_expected_adds_up(first: int, more: int) -> None:
    learned = order_rate.UsualRate(rates=tuple(slot / 10 for slot in range(168)), spread=9, days=56, orders=500)
    middle, end = BEGIN + timedelta(minutes=first), BEGIN + timedelta(minutes=first + more)
    parts = order_rate.expected(learned, BEGIN, middle, ZONE) + order_rate.expected(learned, middle, end, ZONE)
    assert order_rate.expected(learned, BEGIN, end, ZONE) == pytest.approx(parts)
