"""Many schedules, one after another: random ones by their seeds, and small ones with a kill at every crossing.

What fails is shrunk: steps are taken out as long as the same kind of finding remains.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import msgspec

from olhubd_torture.network_faults import NetworkFault
from olhubd_torture.parallel import Task, attempt, muster
from olhubd_torture.run_schedule import ScheduleResult
from olhubd_torture.schedule import MARKETS, SHOP, Schedule, ScheduleStep, draw
from olhubd_torture.stock_plan import ItemPlan, OfferPlan, StockPlan

__all__ = ["COUNTED", "SMALL", "at_every_crossing", "by_seed", "counted_and_lost", "outage", "restored", "shrink"]

_TRIES = 200
COUNTED = "KUB-BIA"
"""The item that small schedules count."""
_DAY = 24 * 3600.0
_BUY = ScheduleStep(at=5, verb="buy", where="market-a", it=1, count=2, what="ready")


def _small(*steps: ScheduleStep, lag: float = 0.0, rest: float = 40.0) -> Schedule:
    return Schedule(seed=0, markets=("market-a",), lag=lag, steps=steps, rest=rest)


def _counted(
    *steps: ScheduleStep, items: Sequence[str] = (COUNTED,), rest: float = 60.0, brake: bool = False
) -> Schedule:
    """Of items of which there are five each, on two marketplaces."""
    plan = StockPlan(
        items=tuple(ItemPlan(sku, 5) for sku in items),
        offers=tuple(OfferPlan(market, sku, 5) for sku in items for market in MARKETS),
        brake=brake,
    )
    return Schedule(seed=0, markets=MARKETS, lag=0.0, stock=plan, steps=steps, rest=rest)


def _repriced(*steps: ScheduleStep, rest: float = 90.0) -> Schedule:
    """Of one item on one marketplace, whose price goes there."""
    plan = StockPlan(items=(ItemPlan(COUNTED, 5),), offers=(OfferPlan("market-a", COUNTED, 5),), priced=True)
    return Schedule(seed=0, markets=MARKETS[:1], lag=0.0, stock=plan, steps=steps, rest=rest)


def _costs(at: float, amount: int) -> ScheduleStep:
    return ScheduleStep(at=at, verb="reprice", what=COUNTED, count=amount)


def _divided(*steps: ScheduleStep, rest: float = 120.0) -> Schedule:
    """Of what is divided between two marketplaces. What each may sell is known once both were swept."""
    plan = StockPlan(
        items=(ItemPlan(COUNTED, 6),),
        offers=(OfferPlan("market-a", COUNTED, 3), OfferPlan("market-b", COUNTED, 3)),
        allocated=True,
    )
    return Schedule(seed=0, markets=MARKETS, lag=0.0, stock=plan, steps=steps, rest=rest)


def _asked(at: float, what: str, *, count: int = 0, it: int = 0, also: int = 0) -> ScheduleStep:
    return ScheduleStep(
        at=at, verb="ask", where="market-a", what="OWN-1", match=what, count=count, it=it, also=also
    )


def _ill(at: float, where: str, what: NetworkFault, match: str, seconds: float = 0.0) -> ScheduleStep:
    return ScheduleStep(at=at, verb="spell", where=where, what=what.value, match=match, count=1, seconds=seconds)


def _sale(at: float, where: str, it: int) -> ScheduleStep:
    return ScheduleStep(at=at, verb="buy", where=where, it=it, count=1, what="ready")


def _throttle(where: str, match: str, count: int, seconds: float) -> ScheduleStep:
    return ScheduleStep(
        at=1, verb="spell", where=where, what=NetworkFault.THROTTLE.value, match=match, count=count, seconds=seconds
    )


_WRITTEN: dict[str, Schedule] = {
    "an order": _small(_BUY),
    "a refresh": _small(ScheduleStep(at=3, verb="expire", where="market-a"), _BUY),
    "a refresh whose answer is lost": _small(
        ScheduleStep(at=3, verb="expire", where="market-a"),
        ScheduleStep(at=3, verb="spell", where="market-a", what=NetworkFault.LOSE.value, match="refresh", count=1),
        _BUY,
    ),
    "a refresh that two wait for": _small(
        ScheduleStep(
            at=1, verb="spell", where=SHOP, what=NetworkFault.SLOW.value, match="push", count=1, seconds=25.0
        ),
        ScheduleStep(
            at=1,
            verb="spell",
            where="market-a",
            what=NetworkFault.SLOW.value,
            match="refresh",
            count=2,
            seconds=30.0,
        ),
        _BUY,
        ScheduleStep(at=30, verb="expire", where="market-a"),
    ),
    "an order that cannot be read at first": _small(
        ScheduleStep(at=1, verb="spell", where="market-a", what=NetworkFault.DOWN.value, match="read", count=1),
        _BUY,
    ),
    "a lost answer": _small(
        ScheduleStep(at=1, verb="spell", where=SHOP, what=NetworkFault.LOSE.value, match="push", count=1),
        _BUY,
        rest=90.0,
    ),
    "a shop that acts late": _small(
        ScheduleStep(at=1, verb="spell", where=SHOP, what=NetworkFault.LATE.value, match="push", count=1),
        _BUY,
        lag=15.0,
        rest=90.0,
    ),
    "a cancellation": _small(_BUY, ScheduleStep(at=25, verb="cancel", it=1, what="buyer")),
    "a merge": _small(
        ScheduleStep(at=5, verb="buy", where="market-a", it=1, count=1),
        ScheduleStep(at=6, verb="buy", where="market-a", it=2, count=1),
        ScheduleStep(at=7, verb="confirm", it=1, what="unpaid"),
        ScheduleStep(at=30, verb="merge", it=1, also=2),
    ),
    "an order made in steps": msgspec.structs.replace(_small(_BUY), workshop=True),
    "a half-made order that is cancelled": msgspec.structs.replace(
        _small(
            ScheduleStep(at=1, verb="spell", where=SHOP, what=NetworkFault.LOSE.value, match="push lines", count=1),
            _BUY,
            ScheduleStep(at=25, verb="cancel", it=1, what="buyer"),
            rest=90.0,
        ),
        workshop=True,
    ),
    "a parcel": _small(_BUY, ScheduleStep(at=30, verb="ship", it=1)),
    "a page of orders": _small(
        *(
            ScheduleStep(at=5, verb="buy", where="market-a", it=number, count=1, what="ready")
            for number in range(1, 5)
        )
    ),
    "a stranger's answer": _small(
        ScheduleStep(at=1, verb="spell", where=SHOP, what=NetworkFault.PAGE_AFTER.value, match="push", count=2),
        _BUY,
        rest=90.0,
    ),
    "a line that the shop drops": _small(ScheduleStep(at=1, verb="spoil", what="line", count=1), _BUY),
    "another currency": _small(ScheduleStep(at=1, verb="spoil", what="currency", count=1), _BUY),
    "a shop that asks for time": _small(_throttle(SHOP, "push", 1, 90.0), _BUY, rest=120.0),
    "a marketplace that asks for time": _small(_throttle("market-a", "journal", 1, 90.0), _BUY, rest=120.0),
    "a shop that asks everybody for time": _small(
        _throttle(SHOP, "push", 8, 150.0),
        *(
            ScheduleStep(at=5, verb="buy", where="market-a", it=number, count=1, what="ready")
            for number in range(1, 7)
        ),
        rest=600.0,
    ),
    "a sale of what is counted": _counted(_sale(25, "market-a", 1)),
    "a sale while offers are read": _counted(
        _ill(20, "market-a", NetworkFault.SLOW, "offers", 30.0), _sale(40, "market-a", 1)
    ),
    "a purchase that is not paid, and a restock": _counted(
        ScheduleStep(at=25, verb="buy", where="market-a", it=1, count=1),
        ScheduleStep(at=27, verb="restock", what=COUNTED, count=3),
    ),
    "a stock that is read late": _counted(
        _ill(30, SHOP, NetworkFault.SLOW, "stock", 60.0), _sale(25, "market-a", 1), rest=120.0
    ),
    "a quantity whose answer is lost": _counted(
        _ill(20, "market-a", NetworkFault.LOSE, "level"),
        ScheduleStep(at=25, verb="restock", what=COUNTED, count=3),
        _sale(45, "market-b", 1),
    ),
    "a quantity that is written late": _counted(
        _ill(20, "market-a", NetworkFault.HANG, "level", 30.0),
        ScheduleStep(at=25, verb="restock", what=COUNTED, count=3),
        _sale(50, "market-b", 1),
        rest=90.0,
    ),
    "a clock put forward after a quantity": _counted(
        _ill(20, "market-a", NetworkFault.LATE, "level"),
        _sale(25, "market-b", 1),
        *(ScheduleStep(at=38 + 0.5 * n, verb="jump", seconds=60.0) for n in range(20)),
        rest=90.0,
    ),
    "sales while a quantity is slow": _counted(
        _ill(20, "market-a", NetworkFault.SLOW, "level", 45.0),
        ScheduleStep(at=25, verb="restock", what=COUNTED, count=3),
        ScheduleStep(at=25, verb="restock", what="KUB-CZA", count=4),
        *(_sale(50, "market-b", it) for it in range(1, 5)),
        items=(COUNTED, "KUB-CZA"),
        rest=120.0,
    ),
    "a quantity that is refused": _counted(
        ScheduleStep(at=20, verb="fail", where="market-a", count=1), _sale(25, "market-b", 1)
    ),
    "a shop that says zero of all": _counted(
        ScheduleStep(at=25, verb="blank", seconds=90.0),
        _sale(50, "market-a", 1),
        items=(COUNTED, "KUB-CZA"),
        brake=True,
        rest=150.0,
    ),
    "a piece that moves slowly": _divided(
        ScheduleStep(at=690, verb="spell", where="market-a", what=NetworkFault.LATE.value, match="level", count=1),
        ScheduleStep(at=690, verb="spell", where="market-b", what=NetworkFault.LATE.value, match="level", count=1),
        *(_sale(700 + n, "market-b", 1 + n) for n in range(3)),
    ),
    "a raise that nobody knows of": _divided(
        _ill(690, "market-a", NetworkFault.LOSE, "level"),
        ScheduleStep(at=690, verb="forget", where="market-a", count=1),
        ScheduleStep(at=700, verb="restock", what=COUNTED, count=4),
    ),
    "a sale that nobody has reported": _divided(
        ScheduleStep(at=690, verb="drop", where="market-a", count=9),
        *(_sale(700 + n, "market-a", 1 + n) for n in range(2)),
    ),
    "a price that is said anew": _repriced(_costs(30, 40)),
    "a price below the floor": _repriced(_costs(30, 1)),
    "a price that somebody else writes": _repriced(
        _costs(30, 40), ScheduleStep(at=90, verb="retag", where="market-a", what=COUNTED, count=50), rest=700.0
    ),
    "a price that is written late, and another": _repriced(
        _ill(29, "market-a", NetworkFault.HANG, "price", 30.0), _costs(30, 40), _costs(55, 44), rest=150.0
    ),
    "an offer that is made, changed and ended": _small(
        _asked(5, "list", count=20, it=1, also=1), _asked(40, "edit", count=30), _asked(70, "withdraw"), rest=90.0
    ),
    "an offer whose answer is lost": _small(
        _ill(1, "market-a", NetworkFault.LOSE, "make"), _asked(5, "list", count=20, it=1, also=1), rest=90.0
    ),
    "an offer that is changed while it is made": _small(
        _ill(1, "market-a", NetworkFault.SLOW, "told", 30.0),
        _asked(5, "list", count=20, it=1, also=1),
        _asked(6, "edit", count=30),
        rest=120.0,
    ),
    "a draft that nobody publishes": _small(
        _asked(5, "list", count=20, it=1), _asked(30, "edit", count=30), rest=90.0
    ),
    "a publishing that acts late, and an end": _small(
        _ill(1, "market-a", NetworkFault.LATE, "publish"),
        _asked(5, "list", count=20, it=1, also=1),
        _asked(11, "withdraw"),
        rest=120.0,
    ),
    "a change that acts late, and another": _small(
        _asked(5, "list", count=20, it=1, also=1),
        _ill(30, "market-a", NetworkFault.LATE, "edit"),
        _asked(31, "edit", count=30),
        _asked(32, "edit", count=40),
        rest=150.0,
    ),
    "a cancelled sale of what is counted": _counted(
        _sale(25, "market-a", 1), ScheduleStep(at=60, verb="cancel", it=1, what="buyer")
    ),
}
SMALL = {name: msgspec.structs.replace(schedule, name=name) for name, schedule in _WRITTEN.items()}
"""By what happens in them; small enough for a kill at every crossing."""


def restored(what: str, skew: int) -> Schedule:
    """Orders bought after a copy of the file was kept, of which one is cancelled while the daemon is down; then the
    file of before, or none, and a clock that is wrong by `skew` seconds for ten minutes."""
    bought = (
        ScheduleStep(at=25 + 5.0 * n, verb="buy", where="market-a", it=n, count=1, what="ready") for n in (2, 3, 4)
    )
    steps = (
        _BUY,
        ScheduleStep(at=20, verb="save"),
        *bought,
        ScheduleStep(at=150, verb="restore", what=what, count=skew, also=600, seconds=61.0),
        ScheduleStep(at=160, verb="cancel", it=2, what="buyer"),
        ScheduleStep(at=240, verb="buy", where="market-a", it=5, count=1, what="ready"),
    )
    return Schedule(seed=0, name=f"{what}, {skew} s", markets=("market-a",), lag=3.0, steps=steps)


def counted_and_lost() -> Schedule:
    """The database is lost while many purchases wait for their buyers, so that no copy in the shop has their
    pieces, and there is more to show when it begins again."""
    plan = StockPlan(items=(ItemPlan(COUNTED, 120),), offers=(OfferPlan("market-a", COUNTED, 120),))
    steps = (
        *(ScheduleStep(at=20.0 + n, verb="buy", where="market-a", it=n, count=1) for n in range(1, 61)),
        ScheduleStep(at=120, verb="restore", what="lost", seconds=61.0),
        ScheduleStep(at=150, verb="restock", what=COUNTED, count=20),
    )
    return Schedule(seed=0, name="what is counted, and lost", markets=MARKETS[:1], lag=0.0, stock=plan, steps=steps)


def outage(where: str) -> Schedule:
    """A day without this system, people who buy all the while, and those who buy once it is back."""
    backlog = (
        ScheduleStep(at=60 + 700.0 * n, verb="buy", where="market-a", it=n, count=1, what="ready")
        for n in range(1, 121)
    )
    new = (
        ScheduleStep(at=_DAY + 25.0 * n, verb="buy", where="market-a", it=1000 + n, count=1, what="ready")
        for n in range(1, 9)
    )
    steps = (ScheduleStep(at=30, verb="outage", where=where, seconds=_DAY), *backlog, *new)
    return Schedule(seed=0, name=f"a day without {where}", markets=("market-a",), lag=3.0, steps=steps)


def by_seed(seeds: Iterable[int], jobs: int = 1, *, small: bool = False) -> Generator[ScheduleResult, None, None]:
    """Play the schedules of these seeds, `jobs` at a time, which come in the order they end in."""
    return muster(((draw(seed, small=small), ()) for seed in seeds), jobs)


def at_every_crossing(
    *schedules: Schedule, jobs: int = 1, stride: int = 1
) -> Generator[ScheduleResult, None, None]:
    """Play each schedule unharmed, then once for each crossing of its time of trouble, with a kill there.

    `stride` takes only every so many.
    """
    crossings: list[Task] = []
    for unharmed in muster(((schedule, ()) for schedule in schedules), jobs):
        yield unharmed
        crossings += ((unharmed.schedule, (number,)) for number in range(1, unharmed.troubled + 1, stride))
    yield from muster(crossings, jobs)


def shrink(failed: ScheduleResult, tries: int = _TRIES) -> ScheduleResult:
    """The result of a schedule with as few steps as still fail in one of the same ways."""
    # What is unsettled is so for another reason, if there is another finding.
    wanted = failed.kinds - {"unsettled"} or failed.kinds
    best = failed
    size = max(1, len(best.schedule.steps) // 2)
    while size and tries:
        start = 0
        while start < len(best.schedule.steps) and tries:
            steps = best.schedule.steps
            fewer = best.schedule.having(steps[:start] + steps[start + size :])
            tries -= 1
            result = attempt((fewer, failed.strikes))
            if result.kinds & wanted:
                best = result
            else:
                start += size
        size //= 2
    return best
