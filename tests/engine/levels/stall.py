"""A stock master and a channel in memory, with the hub's own landing and leveller between them."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Generic, TypeVar

import msgspec
import structlog

from olhubd.decide.route import Route
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.flow.flow import Asked
from olhubd.engine.flow.landing import Landing
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.horizon import Horizon
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.levels.reserving import reserve
from olhubd.engine.levels.sold_products import SoldProducts
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import (
    Cause,
    Counting,
    EndedBy,
    LevelStep,
    Offer,
    OfferState,
    OfferTerms,
    Order,
    OrderId,
    Reservation,
    Run,
    RunId,
    StockBasis,
    StockLevel,
    Subject,
    reference,
)
from olhubd.plugin import (
    Accepted,
    LevelCall,
    LevelSink,
    LevelWish,
    OfferProducts,
    OutcomeUnknown,
    PluginError,
    Record,
    RowOutcome,
    ShownLevel,
)
from olhubd.store import (
    Database,
    Transaction,
    events,
    levels,
    offers,
    orders,
    reservations,
    stock_items,
    target_orders,
)
from olhubd.store.target_orders import TargetOrder
from tests.orders import EPOCH, line, order, pln

__all__ = ["Channel", "Commands", "Stall", "Time"]

C = TypeVar("C")
"""A call of the sink."""


class Time:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.wrong = timedelta(0)
        """By how much the wall clock is wrong."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.passed) + self.wrong

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Commands(abc.ABC, Generic[C]):
    """What a channel in memory makes of the commands that it is sent, by `mode`."""

    def __init__(self) -> None:
        self.commands: dict[str, Sequence[RowOutcome]] = {}
        self.late: list[tuple[str, C]] = []
        """Commands that have not acted."""
        self.mode = "done"
        self.refused: dict[str, str] = {}
        self.trouble: PluginError | None = None

    async def send(self, command: str, call: C) -> Sequence[RowOutcome] | Accepted:
        if self.trouble is not None:
            raise self.trouble
        assert command not in self.commands, "a command is used once"
        self.note(call)
        if self.mode == "never":
            raise OutcomeUnknown("no answer")
        if self.mode == "late":
            self.late.append((command, call))
            raise OutcomeUnknown("no answer")
        outcomes = self.act(command, call)
        if self.mode == "lost":
            raise OutcomeUnknown("no answer")
        return Accepted(after=1.0) if self.mode == "accepted" else outcomes

    @abc.abstractmethod
    def note(self, call: C) -> None:
        """A call has come, whatever becomes of it."""

    @abc.abstractmethod
    def act(self, command: str, call: C) -> Sequence[RowOutcome]:
        """Do what is commanded, and keep what became of it."""

    def act_late(self) -> None:
        for command, call in self.late:
            self.act(command, call)
        self.late.clear()


class Channel(Commands[LevelCall], LevelSink):
    """Offers that buyers lower. Absolute writes by command, grouped by value; zero ends an offer.

    One that has ended keeps what is in it, and can be filled and activated. `renewing` lists offers again.
    """

    resumes = True
    renews = True
    changes = True

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, int] = {}
        self.active: dict[str, bool] = {}
        self.calls: list[tuple[str, int | None, tuple[str, ...]]] = []
        self.unreadable: set[str] = set()
        """Offers of which it is not known how many they show."""
        self.one_by_one = False
        """Whether an offer needs a call of its own."""
        self.terms: dict[str, OfferTerms] = {}
        self.asked: list[str] = []
        """Offers whose terms were read."""
        self.now: Callable[[], datetime] = lambda: EPOCH

    def list(self, offer: str, quantity: int) -> None:
        self.shown[offer], self.active[offer] = quantity, quantity > 0
        self.terms[offer] = OfferTerms(offer=offer, state=OfferState.ACTIVE, buy_now=True, renews=False)
        if not quantity:
            self.end(offer, EndedBy.SOLD_OUT)

    def end(self, offer: str, by: EndedBy, at: datetime | None = None) -> None:
        self.active[offer] = False
        self.terms[offer] = msgspec.structs.replace(
            self.terms[offer], state=OfferState.ENDED, ended_by=by, ended_at=at or self.now()
        )

    def activate(self, offer: str) -> None:
        assert self.shown[offer], "nothing is in it"
        self.active[offer] = True
        self.terms[offer] = msgspec.structs.replace(
            self.terms[offer], state=OfferState.ACTIVE, ended_by=None, ended_at=None
        )

    def sell(self, offer: str, quantity: int) -> None:
        assert self.active[offer], "an offer that has ended sells nothing"
        assert self.shown[offer] >= quantity, "a marketplace sells no more than it shows"
        self.shown[offer] -= quantity
        if not self.shown[offer]:
            self.end(offer, EndedBy.SOLD_OUT)

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        by_value: dict[tuple[str, int], list[str]] = {}
        for wish in wishes:
            stuck = wish.value < wish.shown and wish.refused >= 2
            action = "activate" if wish.step is LevelStep.ACTIVATE else "end" if stuck or not wish.value else "set"
            value = wish.value if action == "set" else 0
            if action == "set" and wish.change is not None:
                action, value = "change", wish.change
            by_value.setdefault((action, value), []).append(wish.offer)
        return [
            LevelCall(action=action, change=value, offers=tuple(part))
            if action == "change"
            else LevelCall(action=action, value=value or None, offers=tuple(part), ends=action == "end")
            for (action, value), some in sorted(by_value.items(), key=lambda one: (one[0][0] != "end", one[0]))
            for part in ([[offer] for offer in some] if self.one_by_one else [some])
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        return await self.send(command, call)

    def note(self, call: LevelCall) -> None:
        self.calls.append((call.action, call.value if call.change is None else call.change, call.offers))

    def act(self, command: str, call: LevelCall) -> Sequence[RowOutcome]:
        outcomes = []
        for offer in call.offers:
            if (why := self.refused.get(f"{call.action} {offer}") or self.refused.get(offer)) is not None:
                outcomes.append(RowOutcome(offer=offer, done=False, error=why))
                continue
            outcomes.append(RowOutcome(offer=offer, done=True))
            if self.mode != "ignored":
                if call.action == "set":
                    self.shown[offer] = call.value or 0
                elif call.action == "change":
                    self.shown[offer] += call.change or 0
                elif call.action == "end":
                    self.end(offer, EndedBy.SELLER)
                else:
                    self.activate(offer)
        self.commands[command] = outcomes
        return outcomes

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        return self.commands.get(command)

    async def read_terms(self, offers: Sequence[str]) -> Sequence[OfferTerms]:
        self.asked += offers
        return [self.terms[offer] for offer in offers if offer in self.terms]

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [
            ShownLevel(offer=o, quantity=None if o in self.unreadable else self.shown[o], active=self.active[o])
            for o in offers
            if o in self.shown
        ]


class Stall:
    """One master, `shop`, whose stock is sold on `allegro`. Orders of `allegro` go to the shop."""

    def __init__(self, database: Database, rule: StockRule | None = None) -> None:
        self.database = database
        self.clock = Time()
        self.channel = Channel()
        self.channel.now = self.clock.now
        self.rules = [
            rule
            or StockRule(
                master="shop", channels=frozenset({"allegro"}), lowered_by=frozenset({"processing", "on-hold"})
            )
        ]
        self.routes = [Route(target="shop", sources=frozenset({"allegro"}))]
        self.landing = Landing(database, self.clock, lambda: self.routes, lambda _: None, rules=lambda: self.rules)
        self.read_through = 0
        self.horizon = Horizon(database, lambda: True, lambda: None)
        self.through: Callable[[Iterable[str]], int] = lambda _names: self.read_through
        self.lost: list[PluginError] = []
        self.products: OfferProducts | None = None
        """Says what the offers sell by a catalogue; put one there before a leveller is made."""
        self._ids = (f"command-{n}" for n in count(1))
        self._runs = count(1)
        self.leveller = self.make_leveller()

    def make_leveller(self, account: str = "allegro", channel: Channel | None = None) -> Leveller:
        log = structlog.get_logger()
        sold = SalesChannel(
            account,
            channel or self.channel,
            Calls(account, self.clock, log, OverdueCalls()),
            self.database,
            self.clock,
            log,
            rules=lambda: self.rules,
            through=lambda names: self.through(names),
            horizon=self.horizon,
            before_resuming=self.before_resuming,
        )
        told = SoldProducts(sold, self.products, lambda: self.routes) if self.products is not None else None
        return Leveller(sold, lost=self._lost, make_id=lambda: next(self._ids), products=told)

    async def _lost(self, error: PluginError) -> None:
        self.lost.append(error)

    async def before_resuming(self, ids: Collection[int]) -> Collection[int]:
        """Offers that must cost something else first; no prices go here."""
        return ()

    async def head(self) -> int:
        return await events.head(self.database.reader)

    async def land(
        self, account: str, *records: Record, asked: int | None = None, through: int | None = None
    ) -> None:
        after = await self.head() if asked is None else asked
        await self.land_asked(account, Asked(after=after, through=self.read_through), *records)

    async def land_asked(self, account: str, asked: Asked, *records: Record) -> None:
        run = Run(id=RunId(next(self._runs)), account=account, feed="orders", trigger="timer", started_at=EPOCH)
        await self.landing.land(account, records, run=run, asked=asked)

    async def stock(self, sku: str, quantity: int | None, *, asked: int | None = None, **more: object) -> None:
        """The master says how many there are; `asked` is the newest event when it was asked."""
        counting = Counting.COUNTED if quantity is not None else Counting.UNKNOWN
        names = {"external_id": f"p-{sku}", "name": sku, "sku": sku}
        fields = {**names, "counting": counting, "basis": StockBasis.FREE, "quantity": quantity, **more}
        level = StockLevel(**fields)  # type: ignore[arg-type]
        await self.land("shop", level, asked=asked)

    async def offer(self, number: str, sku: str, quantity: int, account: str = "allegro") -> None:
        self.channel.list(number, quantity)
        await self.listed(number, sku, account)

    async def listed(self, number: str, sku: str = "A", account: str = "allegro") -> None:
        """The feed of offers reads one as it is."""
        state = OfferState.ACTIVE if self.channel.active[number] else OfferState.ENDED
        quantity = self.channel.shown[number]
        await self.land(account, Offer(external_id=number, name=sku, sku=sku, state=state, quantity=quantity))

    def purchase(self, name: str, offer: str, quantity: int = 1, **more: object) -> Order:
        return order(name, (line(f"{name}-1", quantity=quantity, offer_id=offer),), **more)

    async def bought(self, name: str, offer: str, quantity: int = 1, **more: object) -> Order:
        """A buyer buys, and the order lands."""
        self.channel.sell(offer, quantity)
        made = self.purchase(name, offer, quantity, **more)
        await self.land("allegro", made)
        return made

    async def copied(self, order_id: int, status: str) -> None:
        """The shop has a copy of the order, or moves it."""
        known = await target_orders.of_orders(self.database.reader, [order_id])
        if not known:

            async def work(tx: Transaction) -> None:
                recorder = Recorder(tx, self.clock.now(), Cause("delivery", "1"))
                copy = TargetOrder(
                    order_id=OrderId(order_id),
                    account="shop",
                    external_id=f"copy-{order_id}",
                    total=pln(1),
                    created_at=self.clock.now(),
                    status=status,
                )
                await target_orders.arrive(tx, [copy])
                await recorder.event("delivery.confirmed", "allegro", Subject.order(order_id), {"target": "shop"})
                await reserve(tx, recorder, self.routes, self.rules)
                await recorder.write(tx)

            await self.database.write(work)
            return
        rows = await orders.read(self.database.reader, [OrderId(order_id)])
        mark = reference("allegro", rows[OrderId(order_id)].order.external_id)
        told = order(f"copy-{order_id}", external_stage=status, reference=mark)
        await self.land("shop", told)

    async def swept(self, *accounts: str) -> None:
        """A second pass over the orders of these accounts begins now, and finds all that has landed."""
        for account in accounts:
            self.horizon.swept(account, Asked(after=await self.head()))

    async def orders_read(self) -> None:
        """The orders of all accounts are read to their end now."""
        self.read_through = await self.head()

    async def turns(self, seconds: float = 0.0) -> None:
        """Let the leveller work until nothing is due within so many seconds."""
        await self.let(self.leveller, seconds)

    async def let(self, leveller: Leveller, seconds: float) -> None:
        until = self.clock.passed + seconds
        while True:
            pause = await leveller.turn()
            if self.clock.passed + pause > until:
                self.clock.passed = until
                return
            self.clock.passed += max(pause, 0.001)

    async def level(self, number: str = "111", account: str = "allegro") -> OfferLevel:
        listed = (await offers.by_external(self.database.reader, account, [number]))[number]
        return (await levels.of_offers(self.database.reader, [listed.id]))[listed.id]

    async def reserved(self, sku: str = "A") -> list[Reservation]:
        (item,) = await stock_items.find(self.database.reader, sku)
        return (await reservations.of_items(self.database.reader, [item.id])).get(item.id, [])

    async def unseen(self, sku: str = "A") -> int:
        (item,) = await stock_items.find(self.database.reader, sku)
        return (await reservations.unseen(self.database.reader, [item.id])).get(item.id, 0)
