"""One small world: marketplaces, a shop, and what buyers, sellers and bad luck do to them, as the schedule says.

It knows nothing of the daemon; what a step does to that is reported by the two callbacks `killing` and `stopping`.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.listings import Listings
from olhubd_torture.market import Market
from olhubd_torture.network_faults import FaultPeriod, FaultyNetwork, NetworkFault
from olhubd_torture.offer_book import Ask, AskedOffers
from olhubd_torture.price_book import PriceBook
from olhubd_torture.price_tags import PriceTags
from olhubd_torture.schedule import SHOP, Schedule, ScheduleStep
from olhubd_torture.shop import Shop
from olhubd_torture.stall import Stall
from olhubd_torture.stock_book import StockBook
from olhubd_torture.stock_plan import ItemPlan, StockPlan
from olhubd_torture.store import DiskState

__all__ = ["World"]

_LASTS = 120.0
"""Seconds that a spell lies which is not limited by times."""


_LAST_WORD = 900.0
"""Seconds after all trouble until the list says a last time what things cost; each offer is linked again then."""
LONG = 12 * 3600.0
"""Seconds from which on an outage is a long one."""


_SWEEP = 700.0
"""Seconds until a sweep has found what a journal does not report."""
_FELT_FOR = {
    **dict.fromkeys(("spell", "kill", "stop", "outage", "disk", "fail", "postpone", "forget", "expire"), 0.0),
    **dict.fromkeys(("drop", "delay", "duplicate", "reorder", "short", "haunt", "unearth", "cap"), _SWEEP),
    "jump": _SWEEP,
    "restore": 2 * _SWEEP + 2 * 24 * 3600.0,
}
"""Seconds for which trouble is felt after it has begun, besides those that its step has."""


class World:
    """Make it inside of the loop. `trace` is what happened, `away` for how many seconds a dead daemon is."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.trace: list[str] = []
        self.frontier = CrashPoints(self.tell)
        dice = random.Random(f"world {schedule.seed}")
        self.clock = VirtualClock()
        """The clock of the daemon's machine, which may jump. Those of the others do not."""
        self.began = asyncio.get_running_loop().time()
        self.weather = FaultyNetwork(random.Random(f"weather {schedule.seed}"), self.frontier)
        self.markets = {name: Market(name, dice, self.now) for name in schedule.markets}
        self.shop = Shop(SHOP, schedule.lag, self.now)
        self.rough_until = -math.inf
        """The second until which there was trouble, as far as is known."""
        self._struck = 0
        self.book = self._stocked(schedule.stock) if schedule.stock is not None else None
        self.price_book = self._priced(schedule.stock) if schedule.stock is not None else None
        self.offer_book = self._listed() if schedule.lists else None
        self.away = 1.0
        self.torn = False
        self.dark = schedule.power
        """Whether the next death is a cut of the power."""
        self.disk = DiskState.SOUND
        self.disk_until = 0.0
        self.disk_failed = False
        self.stopping = asyncio.Event()
        self.saving = False
        """Whether a person wants a copy of the database's file."""
        self.restoring: ScheduleStep | None = None
        """How the next life begins otherwise than the one before it ended."""
        self.restored = 0
        self.accepted: set[str] = set()
        """The orders whose total in the shop a person took as it is."""
        self.outages: list[float] = []
        """When long ones ended, if there was no other trouble then."""
        self._bought: dict[int, tuple[Market, str]] = {}

    @property
    def _items(self) -> tuple[ItemPlan, ...]:
        return self.schedule.stock.items if self.schedule.stock is not None else ()

    def _stocked(self, plan: StockPlan) -> StockBook:
        """Count stock in this world, and keep the book of it."""
        seconds = lambda: self.time  # noqa: E731
        self.shop.stocked(plan.items, seconds)
        for name, market in self.markets.items():
            offers = [one for one in plan.offers if one.market == name]
            market.listings = Listings(plan, offers, seconds, f"{self.schedule.seed} {name}")
        return StockBook(plan, self.markets, self.shop, seconds, self._rough, self.tell)

    def _priced(self, plan: StockPlan) -> PriceBook | None:
        """Let prices go to the offers in this world, and keep the book of them."""
        if not plan.priced:
            return None
        for market in self.markets.values():
            market.tags = PriceTags(market.offered)
        return PriceBook(plan, self.markets, self.shop.prices, self.tell)

    def _listed(self) -> AskedOffers:
        """Let programs list offers in this world, and keep the book of them."""
        stalls = {}
        for name, market in self.markets.items():
            market.stall = stalls[name] = Stall(name, lambda: self.time)
        return AskedOffers(stalls, self.tell)

    def _rough(self) -> float:
        """Until when there was trouble: until now where there is some."""
        bad = self.weather.bad or self.frontier.dead or self.time < self.disk_until or self.stopping.is_set()
        if bad or self.weather.struck > self._struck:
            self._struck = self.weather.struck
            self.roughen(0.0)
        return self.rough_until

    def roughen(self, seconds: float) -> None:
        """There is trouble that is felt for so many seconds from now on."""
        self.rough_until = max(self.rough_until, self.time + seconds)

    @property
    def time(self) -> float:
        """Seconds since the beginning."""
        return asyncio.get_running_loop().time() - self.began

    def now(self) -> datetime:
        """The true time."""
        return EPOCH + timedelta(seconds=self.time)

    def tell(self, what: str) -> None:
        self.trace.append(f"{self.time:9.2f}  {what}")

    def do(self, step: ScheduleStep) -> None:
        """Let one step happen."""
        self.tell(f"* {step}")
        if step.verb in _FELT_FOR:
            self.roughen(_FELT_FOR[step.verb] + abs(step.seconds))
        act: Callable[[ScheduleStep], None] = getattr(self, f"_{step.verb}")
        act(step)
        if self.book is not None:
            self.book.look()

    def calm(self) -> None:
        """No more trouble."""
        self.weather.clear()
        self.frontier.spare()
        self.disk_until = 0.0
        self.shop.calm()
        for market in self.markets.values():
            market.calm()
            if market.tags is not None:
                market.tags.calm()
        if self.price_book is not None and not self.price_book.last_said:
            asyncio.get_running_loop().call_later(_LAST_WORD, self._say_last, self.price_book)

    def _say_last(self, book: PriceBook) -> None:
        """The shop's list says a last time what its items cost."""
        for number, item in enumerate(self._items):
            self.shop.prices.say(item.sku, 71 + number)
        book.last_said = True

    # Buyers and sellers

    def _buy(self, step: ScheduleStep) -> None:
        market = self.markets[step.where]
        ready, cod = bool(step.what), step.what == "cod"
        made = market.buy(buyer=step.it, lines=step.count or 1, ready=ready, cod=cod)
        self._bought[step.it] = market, made
        if self.book is not None:
            self.book.bought(market.purchases[made])

    def _with(self, step: ScheduleStep, act: Callable[[Market, str], object]) -> None:
        """Do something with a purchase, if it was made."""
        if found := self._bought.get(step.it):
            act(*found)

    def _confirm(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: market.confirm(id_, paid=step.what != "unpaid"))

    def _pay(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: market.pay(id_))

    def _cancel(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: market.cancel(id_, step.what))

    def _reopen(self, step: ScheduleStep) -> None:
        """The seller takes back a cancellation, with pieces that may have been given to others meanwhile."""
        if self.book is None:
            self._with(step, lambda market, id_: market.reopen(id_))
            return
        before = {item.sku: self.book.there(item.sku) for item in self._items}
        self._with(step, lambda market, id_: market.reopen(id_))
        for sku, pieces in before.items():
            self.book.raised(sku, max(0, pieces - self.book.there(sku)))

    def _move(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: market.move(id_))

    def _surcharge(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: market.surcharge(id_))

    def _merge(self, step: ScheduleStep) -> None:
        other = self._bought.get(step.also)

        def merge(market: Market, id_: str) -> None:
            if other is not None and other[0] is market and (both := market.merge([id_, other[1]])):
                self._bought[step.it] = market, both

        self._with(step, merge)

    def _ship(self, step: ScheduleStep) -> None:
        self._with(step, lambda market, id_: self.shop.ship(f"{market.name}:{id_}"))

    def _sell(self, _step: ScheduleStep) -> None:
        self.shop.sell()

    # The stock

    def _restock(self, step: ScheduleStep) -> None:
        """So many pieces of `what` come in, or are missed on the shelf."""
        if self.book is not None:
            self.shop.stock.move(step.what, step.count)
            self.book.moved(step.what, step.count)

    def _vend(self, step: ScheduleStep) -> None:
        """Somebody buys in the shop itself what is counted there."""
        if self.book is not None and (pieces := self.shop.vend(step.what, step.count)):
            self.book.moved(step.what, -pieces)

    def _draft(self, step: ScheduleStep) -> None:
        """An item is not sold for a while, for a person is at work on it."""
        if self.book is not None:
            self.shop.stock.drafts[step.what] = self.time + step.seconds

    def _blank(self, step: ScheduleStep) -> None:
        """The shop says for a while that it has nothing of anything, which is not so."""
        if self.book is not None:
            self.shop.stock.blank = self.time + step.seconds

    def _fail(self, step: ScheduleStep) -> None:
        self._listings(step, lambda listings: listings.fail(step.count))

    def _postpone(self, step: ScheduleStep) -> None:
        self._listings(step, lambda listings: listings.postpone(step.count, step.seconds))

    def _forget(self, step: ScheduleStep) -> None:
        self._listings(step, lambda listings: listings.forget(step.count))

    def _tamper(self, step: ScheduleStep) -> None:
        if self.book is not None:
            before = self.book.shown(step.what)
            self._listings(step, lambda listings: listings.tamper(step.what, step.count))
            self.book.raised(step.what, max(0, self.book.shown(step.what) - before))

    def _end(self, step: ScheduleStep) -> None:
        self._listings(step, lambda listings: listings.end(step.what))

    def _listings(self, step: ScheduleStep, act: Callable[[Listings], object]) -> None:
        listings = self.markets[step.where].listings
        if listings is not None:
            act(listings)

    # Prices

    def _reprice(self, step: ScheduleStep) -> None:
        """The item `what` costs `count` in the shop's list from now on; 0 is no price."""
        if self.price_book is not None:
            self.shop.prices.say(step.what, step.count)

    def _retag(self, step: ScheduleStep) -> None:
        """Somebody else gives the offers of an item another price."""
        if (tags := self.markets[step.where].tags) is not None:
            tags.tamper(step.what, step.count)

    def _misprice(self, step: ScheduleStep) -> None:
        """The marketplace refuses the prices of some offers."""
        if (tags := self.markets[step.where].tags) is not None:
            tags.refuse(step.count)

    # What a person asks for of offers

    def _ask(self, step: ScheduleStep) -> None:
        """`match` is what is asked of the offer under the mark `what`: its price is `count`, its name by `it`."""
        if self.offer_book is not None:
            self.offer_book.asks.append(
                Ask(
                    verb=step.match,
                    market=step.where,
                    sku=step.what,
                    price=step.count,
                    name=f"Mug {step.it}" if step.it else "",
                    public=bool(step.also),
                )
            )

    def _tarry(self, step: ScheduleStep) -> None:
        """The marketplace does the next offers later."""
        if (stall := self.markets[step.where].stall) is not None:
            stall.accept_later(step.count)

    # Trouble

    def _spell(self, step: ScheduleStep) -> None:
        until = asyncio.get_running_loop().time() + (1e9 if step.count else _LASTS)
        self.weather.add(
            FaultPeriod(
                ill=NetworkFault(step.what),
                match=rf"^{step.where}\.({step.match})",
                until=until,
                chance=step.chance,
                times=step.count or None,
                seconds=step.seconds or None,
            )
        )

    def _outage(self, step: ScheduleStep) -> None:
        loop = asyncio.get_running_loop()
        self.weather.add(
            FaultPeriod(ill=NetworkFault.DOWN, match=rf"^{step.where}\.", until=loop.time() + step.seconds)
        )
        if step.seconds >= LONG:
            loop.call_later(step.seconds, self._over)

    def _over(self) -> None:
        if not self.weather.bad:
            self.outages.append(self.time)

    def _kill(self, step: ScheduleStep) -> None:
        self.away, self.torn = step.seconds, step.what == "torn"
        self.dark = self.schedule.power or step.what == "power"
        self.frontier.kill_at([self.frontier.count + step.count])

    def _stop(self, step: ScheduleStep) -> None:
        self.away = step.seconds
        self.stopping.set()

    def _save(self, _step: ScheduleStep) -> None:
        self.saving = True

    def _restore(self, step: ScheduleStep) -> None:
        """Stop the daemon; it begins on another file, and at `count` seconds from the true time, for `also`."""
        self.away, self.restoring = step.seconds, step
        self.stopping.set()

    def skew(self, step: ScheduleStep) -> None:
        """The machine begins with a wrong clock, until a server of time or a person puts it right."""
        if step.count:
            self.clock.jump(step.count)
            asyncio.get_running_loop().call_later(step.also, self.clock.jump, -step.count)

    def _jump(self, step: ScheduleStep) -> None:
        self.clock.jump(step.seconds)

    def _disk(self, step: ScheduleStep) -> None:
        self.disk, self.disk_failed = DiskState(step.what), True
        self.disk_until = self.time + step.seconds

    def _short(self, step: ScheduleStep) -> None:
        self.markets[step.where].shorten(step.count)

    def _unearth(self, step: ScheduleStep) -> None:
        self._bought[step.it] = self.markets[step.where], self.markets[step.where].unearth(step.it, step.count)

    def _haunt(self, step: ScheduleStep) -> None:
        self.markets[step.where].haunt()

    def _drop(self, step: ScheduleStep) -> None:
        self.markets[step.where].drop(step.count)

    def _delay(self, step: ScheduleStep) -> None:
        self.markets[step.where].delay(step.count, step.seconds)

    def _duplicate(self, step: ScheduleStep) -> None:
        self.markets[step.where].duplicate(step.count)

    def _reorder(self, step: ScheduleStep) -> None:
        self.markets[step.where].reorder(step.count)

    def _spoil(self, step: ScheduleStep) -> None:
        self.shop.spoil(step.what, step.count)

    def _cap(self, step: ScheduleStep) -> None:
        """The shop's pages are shorter than asked for, and rows move while they are read."""
        self.shop.cap, self.shop.shifts = step.count, True

    def _expire(self, step: ScheduleStep) -> None:
        self.markets[step.where].grant.expire()
