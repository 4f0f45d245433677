"""A schedule: what happens in one small world and when. It is drawn from a seed, and a plain value from then on.

Purchases are named by the step that made them, so that a schedule remains one when steps are taken out of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from olhubd_torture.network_faults import NetworkFault
from olhubd_torture.offer_plan import draw_asks
from olhubd_torture.stock_plan import StockPlan, divide, draw_prices, draw_steps, draw_stock

__all__ = ["MARKETS", "SHOP", "Schedule", "ScheduleStep", "draw"]


class ScheduleStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At `at` seconds something happens; `verb` is a method of `World`.

    `where` is the system, `it` and `also` are purchases. What `seconds`, `count` and `what` are the verb says.
    """

    at: float
    verb: str
    where: str = ""
    it: int = 0
    also: int = 0
    count: int = 0
    seconds: float = 0.0
    chance: float = 1.0
    what: str = ""
    match: str = ""

    def __str__(self) -> str:
        facts = msgspec.to_builtins(self)
        told = " ".join(f"{key}={value}" for key, value in facts.items() if key not in ("at", "verb"))
        return f"{self.at:8.1f} s  {self.verb} {told}"


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """In seconds: `lag` is until the shop's search shows a new order, `rest` of trouble after the last step."""

    seed: int
    name: str = ""
    """Of one that was written and not drawn."""
    small: bool = False
    """Whether it was drawn as a small one."""
    markets: tuple[str, ...]
    lag: float
    workshop: bool = False
    """Whether the shop takes several calls for an order."""
    rogue: str = ""
    """What a plugin beside the others does that it must not."""
    power: bool = False
    """Whether each death is a cut of the power, and not only of the process."""
    stock: StockPlan | None = None
    """What the shop counts and the marketplaces sell of it; None where nobody counts."""
    rest: float = 60.0
    steps: tuple[ScheduleStep, ...]

    @property
    def lists(self) -> bool:
        """Whether a person lists offers in it."""
        return any(step.verb == "ask" for step in self.steps)

    @property
    def dark(self) -> bool:
        """Whether the power is cut in it, or the disk cannot sync."""
        return self.power or any(step.what in ("power", "unsynced") for step in self.steps)

    def having(self, steps: tuple[ScheduleStep, ...]) -> Schedule:
        """The same with other steps."""
        return msgspec.structs.replace(self, steps=steps)


MARKETS = ("market-a", "market-b")
SHOP = "shop"
HOUR = 3600.0
DAY = 24 * 3600
SPOILS = ("line", "quantity", "currency", "text")
"""What a shop may make of an order; see `olhubd_torture.shop`."""
WAYS = (
    "leaks a cancellation",
    "exits",
    "interrupts",
    "raises what nobody catches",
    "never comes to an end",
    "never comes to an end slowly",
    "asks for no time",
    "will not be cancelled",
    "forgets where it is",
    "tells what is no order",
    "forgets to answer",
)
"""What a plugin does that it must not; see `olhubd_torture.rogue`."""

# Ill, the calls it may strike, and whether it lasts or strikes so many times
_RESTORES = 0.15
_STOCKED = 0.3
_LISTED = 0.3
"""Of the worlds that count nothing, in so many a person lists offers."""
_ALLOCATED = 0.4
"""Of the worlds that count stock, so many divide it."""
_PRICED = 0.4
"""Of the worlds that count stock, in so many prices go to the offers."""
_SPELLS: tuple[tuple[NetworkFault, str], ...] = (
    (NetworkFault.DOWN, "journal|read|listing"),
    (NetworkFault.DOWN, "push|find|cancel|status|parcel|payment"),
    (NetworkFault.DOWN, "refresh"),
    (NetworkFault.REFUSED, "."),
    (NetworkFault.NAMELESS, "."),
    (NetworkFault.CUT, "push lines|push place|withdraw"),
    (NetworkFault.THROTTLE, "."),
    (NetworkFault.CUT, "read|push"),
    (NetworkFault.CUT, "refresh"),
    (NetworkFault.LOSE, "push"),
    (NetworkFault.LOSE, "push|cancel|status|payment|parcel"),
    (NetworkFault.LOSE, "refresh"),
    (NetworkFault.LATE, "push"),
    (NetworkFault.LATE, "push|cancel|refresh|parcel"),
    (NetworkFault.HANG, "push"),
    (NetworkFault.HANG, "journal|read|find|refresh"),
    (NetworkFault.SLOW, "push|read|refresh"),
)


def draw(seed: int, *, small: bool = False, further: bool = True) -> Schedule:
    """The schedule of a seed. A small one is another: of one or two purchases, for great numbers of them.

    Without `further` it has none of the trouble that was thought of later: restores, cuts of the power, strangers'
    answers, shops that store something else, and plugins that break the rules.
    """
    drawn = _Draw(seed, small).schedule()
    return _listed(_stocked(_Further(drawn).schedule())) if further else drawn


def _listed(schedule: Schedule) -> Schedule:
    """In some worlds that count nothing a person lists offers. Drawn apart, as stock is; not where the database of
    before comes back, which knows nothing of what was asked for since."""
    dice = random.Random(f"listed {schedule.small} {schedule.seed}")
    restored = any(step.verb == "restore" for step in schedule.steps)
    if dice.random() >= _LISTED or schedule.stock is not None or restored:
        return schedule
    span = min(max((step.at for step in schedule.steps), default=0.0), 1800.0)
    asks = draw_asks(dice, schedule.markets, span, schedule.small)
    steps = [_step(at, verb, more) for at, verb, more in asks]
    return schedule.having(tuple(sorted((*schedule.steps, *steps), key=lambda step: step.at)))


def _stocked(schedule: Schedule) -> Schedule:
    """Some worlds count stock. Drawn apart, so that a seed goes on to play beside it what it always has."""
    dice = random.Random(f"stock {schedule.small} {schedule.seed}")
    if dice.random() >= _STOCKED:
        return schedule
    plan = draw_stock(dice, schedule.markets)
    # A shop that makes other lines of an order counts other pieces, which a person must put right.
    steps = [step for step in schedule.steps if step.verb != "spoil" or step.what not in ("line", "quantity")]
    span = min(max((step.at for step in steps), default=0.0), 1800.0)
    purchases = max((max(step.it, step.also) for step in steps), default=0)

    def add(verb: str, at: float | None = None, **more: object) -> None:
        steps.append(_step(dice.uniform(0, span) if at is None else at, verb, more))

    draw_steps(dice, plan, span, purchases, schedule.small, add)
    steps.sort(key=lambda step: step.at)
    dice = random.Random(f"allocated {schedule.small} {schedule.seed}")
    if dice.random() < _ALLOCATED:
        alone = dice.random() < 0.8
        plan = divide(dice, plan)
        steps = [step for step in steps if not _meddles(step, alone=alone)]
    dice = random.Random(f"priced {schedule.small} {schedule.seed}")
    if dice.random() < _PRICED:
        plan = msgspec.structs.replace(plan, priced=True)
        draw_prices(dice, plan, span, add)
        steps.sort(key=lambda step: step.at)
    return msgspec.structs.replace(schedule, stock=plan, steps=tuple(steps))


def _meddles(step: ScheduleStep, *, alone: bool) -> bool:
    """Whether a step takes from what is divided what the daemon cannot know of: lists that end and have not ended,
    and where the daemon is `alone` others who take pieces or put them up for sale."""
    return step.verb == "short" or (
        alone and (step.verb in ("vend", "tamper") or (step.verb == "restock" and step.count < 0))
    )


class _Further:
    """Drawn apart, so that a seed goes on to play what it always has."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._dice = random.Random(f"further {schedule.small} {schedule.seed}")
        self._span = max((step.at for step in schedule.steps), default=0.0)
        self._span = min(self._span, 1800.0)
        self._steps = list(schedule.steps)

    def schedule(self) -> Schedule:
        dice = self._dice
        for number, step in enumerate(self._steps):
            if step.verb == "kill" and dice.random() < 0.5:
                self._steps[number] = msgspec.structs.replace(step, what="power")
        chances: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.1, lambda: self._add("disk", seconds=dice.uniform(2, 60), what="unsynced")),
            (_RESTORES, self._restore),
            (0.3, self._stranger),
            (0.15, self._stranger),
            (0.12, lambda: self._add("spoil", count=dice.choice((1, 1, 2)), what=dice.choice(SPOILS))),
            (0.12, lambda: self._add("cap", count=dice.choice((1, 2, 3)))),
        )
        for chance, act in chances:
            if dice.random() < chance:
                act()
        rogue = dice.choice(WAYS) if dice.random() < 0.08 else ""
        steps = tuple(sorted(self._steps, key=lambda step: step.at))
        return msgspec.structs.replace(self._schedule, steps=steps, rogue=rogue)

    def _add(self, verb: str, at: float | None = None, **more: object) -> None:
        self._steps.append(_step(self._dice.uniform(0, self._span) if at is None else at, verb, more))

    def _stranger(self) -> None:
        """Somebody on the way answers in a system's place."""
        dice = self._dice
        markets = self._schedule.markets
        where, match = dice.choice(
            (
                (SHOP, "push"),
                (SHOP, "push|find|compare"),
                (SHOP, "cancel|status|payment"),
                (SHOP, "."),
                (dice.choice(markets), "journal|read|listing"),
                (dice.choice(markets), "status|parcel"),
                (dice.choice(markets), "refresh"),
            )
        )
        ill = dice.choice((NetworkFault.PAGE, NetworkFault.PAGE_AFTER, NetworkFault.PAGE_AFTER))
        chance, count = dice.choice((0.3, 1.0)), dice.choice((1, 1, 2, 3))
        self._add("spell", where=where, what=ill.value, match=match, chance=chance, count=count)

    def _restore(self) -> None:
        """The database of before, or none, or only a clock that is wrong; things happen in the meantime.

        Nobody restores within the time that a shop has to settle: what was sent just now is in no list yet.
        """
        dice = self._dice
        saved = dice.uniform(0, self._span)
        at, away = saved + dice.uniform(1, 600), dice.choice((61.0, 120.0, 300.0))
        skew = dice.choice((0, 0, -600, -3600, -DAY, 600, 3600, DAY))
        self._add("save", saved)
        right = dice.choice((1, 60, 600)) if abs(skew) > 600 else dice.choice((1, 600, 5000))
        if skew == DAY:
            right = 30 * DAY  # put back by a day, it would put off by a day what is due
        what = dice.choice(("older", "older", "older", "lost", "kept"))
        self._add("restore", at, what=what, count=skew, also=right, seconds=away)
        merged = {one for step in self._steps if step.verb == "merge" for one in (step.it, step.also)}
        bought = [step.it for step in self._steps if step.verb == "buy" and step.it not in merged]
        for _ in range(dice.randint(0, 3) if bought else 0):
            verb, moment = dice.choice(("cancel", "ship", "pay", "confirm")), dice.uniform(saved, at + away)
            self._add(verb, moment, it=dice.choice(bought), what="buyer" if verb == "cancel" else "")


class _Draw:
    def __init__(self, seed: int, small: bool) -> None:
        self._seed = seed
        self._small = small
        self._dice = random.Random(f"small schedule {seed}" if small else f"schedule {seed}")
        self._markets = MARKETS[: 1 if small else self._dice.choice((1, 2))]
        self._span = self._dice.uniform(60.0, 240.0 if small else 1200.0)
        self._steps: list[ScheduleStep] = []
        self._purchases = 0

    def schedule(self) -> Schedule:
        dice = self._dice
        for _ in range(dice.randint(1, 2 if self._small else 8)):
            self._purchase()
        for _ in range(dice.choice((0, 1, 1, 2) if self._small else (0, 1, 1, 2, 3, 4, 6))):
            self._spell()
        for _ in range(dice.choice((0, 1) if self._small else (0, 0, 1, 1, 1, 2, 3))):
            self._add("kill", count=dice.randint(1, 40), what=dice.choice(("", "", "torn")), seconds=self._pause())
        chances: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.2, lambda: self._add("stop", seconds=self._pause())),
            (0.15, lambda: self._add("jump", seconds=dice.choice((-HOUR, HOUR, HOUR, -90.0, 90.0)))),
            (0.15, lambda: self._add("jump", seconds=dice.choice((-HOUR, HOUR)))),
            (0.2, lambda: self._add("disk", seconds=dice.uniform(2, 90), what=self._disk())),
            (0.15, lambda: self._add("short", where=self._market(), count=dice.randint(1, 6))),
            (0.1, self._unearth),
            (0.1, lambda: self._add("haunt", where=self._market())),
            (0.0 if self._small else 0.004, self._day),
            (0.2, lambda: self._add("drop", where=self._market(), count=dice.randint(1, 3))),
            (0.2, lambda: self._add("duplicate", where=self._market(), count=dice.randint(1, 5))),
            (0.2, lambda: self._add("reorder", where=self._market(), count=dice.randint(2, 6))),
            (0.2, lambda: self._add("delay", where=self._market(), count=2, seconds=dice.uniform(5, 400))),
            (0.25, lambda: self._add("expire", where=self._market())),
            (0.15, lambda: self._add("sell")),
            (0.1, self._outage),
            (0.5, self._ambush),
        )
        for chance, act in chances:
            if dice.random() < chance:
                act()
        steps = tuple(sorted(self._steps, key=lambda step: step.at))
        lag, workshop = dice.choice((0.0, 3.0, 15.0)), dice.random() < 0.3
        return Schedule(
            seed=self._seed, small=self._small, markets=self._markets, lag=lag, workshop=workshop, steps=steps
        )

    def _add(self, verb: str, at: float | None = None, **more: object) -> None:
        self._steps.append(_step(self._dice.uniform(0, self._span) if at is None else at, verb, more))

    def _market(self) -> str:
        return self._dice.choice(self._markets)

    def _disk(self) -> str:
        return self._dice.choice(("full", "read-only", "locked"))

    def _unearth(self) -> None:
        self._purchases += 1
        self._add("unearth", where=self._market(), it=self._purchases, count=60)

    def _day(self) -> None:
        """A system is away for a day; people go on buying all the while and after."""
        dice = self._dice
        where, at = dice.choice((*self._markets, SHOP)), self._span
        self._add("outage", at, where=where, seconds=24 * HOUR)
        for moment in (*(dice.uniform(0, 24 * HOUR) for _ in range(25)), *(24 * HOUR + 40.0 * n for n in range(8))):
            self._purchases += 1
            self._add("buy", at + moment, where=self._market(), it=self._purchases, count=1, what="ready")

    def _pause(self) -> float:
        """For how long a daemon that ended is away."""
        return self._dice.choice((1.0, 1.0, 5.0, 30.0, 300.0))

    def _purchase(self) -> None:
        dice = self._dice
        at = dice.uniform(0, self._span)
        self._purchases += 1
        it, where = self._purchases, self._market()
        ready, cod = True, dice.random() < 0.15

        def later(verb: str, most: float, **more: object) -> None:
            self._add(verb, at + dice.uniform(0.1, most), it=it, **more)

        chance = dice.random()
        if chance < 0.15:
            ready = False
            later("confirm", 200, what=dice.choice(("", "unpaid")))
            later("pay", 600)
        elif chance < 0.3:
            later("cancel", dice.choice((3.0, 60.0, 600.0)), what=dice.choice(("buyer", "buyer", "seller")))
            if dice.random() < 0.5:
                self._add("reopen", at + dice.uniform(5, 900), it=it)
        elif chance < 0.45:
            ready, cod, also = False, False, self._purchases + 1
            self._purchases += 1
            self._add("buy", at + dice.uniform(0, 30), where=where, it=also, count=dice.randint(1, 2))
            if dice.random() < 0.4:
                later("confirm", 60, what="unpaid")
            self._add("merge", at + dice.uniform(1, 300), it=it, also=also)
        elif chance < 0.52:
            later("move", 120)
        elif chance < 0.6:
            later("surcharge", 120)
        elif chance < 0.75:
            later("ship", 900)
        more = "ready" if ready else ""
        self._add("buy", at, where=where, it=it, count=dice.randint(1, 3), what="cod" if cod else more)

    def _spell(self) -> None:
        dice = self._dice
        ill, match = dice.choice(_SPELLS)
        where = dice.choice((*self._markets, SHOP, SHOP))
        if match == "refresh":  # the shop has none
            where = self._market()
        seconds = (
            dice.uniform(20, 110)
            if ill in (NetworkFault.HANG, NetworkFault.SLOW)
            else dice.choice((0.0, 2.0, 60.0))
        )
        self._add(
            "spell",
            where=where,
            what=ill.value,
            match=match,
            chance=dice.choice((0.2, 0.5, 1.0)),
            count=dice.choice((1, 1, 2, 5, 0)),
            seconds=seconds,
        )

    def _ambush(self) -> None:
        """An order whose sending goes wrong, and something else while that is not yet known."""
        dice = self._dice
        at = dice.uniform(0, self._span)
        self._purchases += 1
        it = self._purchases
        ill = dice.choice(
            (NetworkFault.LATE, NetworkFault.LATE, NetworkFault.HANG, NetworkFault.LOSE, NetworkFault.CUT)
        )
        seconds = dice.uniform(20, 110) if ill is NetworkFault.HANG else 0.0
        self._add("spell", at, where=SHOP, what=ill.value, match="push", count=1, seconds=seconds)
        self._add("buy", at, where=self._market(), it=it, count=1, what="ready")
        then = at + dice.uniform(1, 90)
        match dice.randrange(6):
            case 0 | 1:
                self._add("jump", then, seconds=HOUR)
            case 2:
                self._add("kill", then, count=dice.randint(1, 12), seconds=self._pause())
            case 3:
                self._add("cancel", then, it=it, what=dice.choice(("buyer", "seller")))
                self._add("reopen", then + dice.uniform(5, 120), it=it)
            case 4:
                self._add("stop", then, seconds=self._pause())
            case _:
                self._add("disk", then, seconds=dice.uniform(2, 60), what=self._disk())

    def _outage(self) -> None:
        """A system is down for long."""
        where = self._dice.choice((*self._markets, SHOP))
        self._add("outage", where=where, seconds=self._dice.choice((600.0, HOUR)))


def _step(at: float, verb: str, more: dict[str, object]) -> ScheduleStep:
    return msgspec.convert({"at": round(at, 2), "verb": verb, **_rounded(more)}, ScheduleStep)


def _rounded(more: dict[str, object]) -> dict[str, object]:
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in more.items()}
