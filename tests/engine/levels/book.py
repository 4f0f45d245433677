"""The stock book: a seller's whole business with one item, in an order drawn from a seed, and what must add up.

Everything that can come between two others is a step of its own: a sale, its order, the copy that the shop makes
of it and the answer that says so, a reading that is asked for and one that lands, a command that is lost or acts
late, a process that ends. Sold and on hand must be what was bought.

The hub's writes are absolute, so a sale that nobody has told when a write is decided is overwritten by it. That is
the systems' own delay, and is counted; whatever else is sold beyond what was bought is a fault of the hub.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from olhubd.engine.flow.flow import Asked
from olhubd.model import Counting, Order, Stage, StockBasis, StockLevel
from olhubd.plugin import Accepted, LevelCall, RowOutcome
from olhubd.store import Database
from tests.engine.levels.stall import Channel, Stall

__all__ = ["Business", "Wrong"]

OFFER, SKU = "111", "A"
TAKES, GIVES = "processing", "pending"


class Wrong(AssertionError):
    """The book does not add up."""


@dataclass
class Sale:
    """One order. `copy` is its state in the shop, None without one there; `known` what the hub was told of it."""

    order: Order
    pieces: int
    landed: bool = False
    number: int | None = None
    copy: str | None = None
    known: str | None = None
    off: bool = False


class Booked(Channel):
    """Counts what absolute writes overwrite."""

    def __init__(self, business: Business) -> None:
        super().__init__()
        self.business = business
        self.overwrites: dict[str, int] = {}

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        raises = (call.value or 0) > self.shown[OFFER]
        self.overwrites[command] = self.business.excused(raises=raises)
        return await super().write_levels(command, call)

    def act(self, command: str, call: LevelCall) -> Sequence[RowOutcome]:
        if self.mode != "ignored":
            self.business.excuse += self.overwrites[command]
        return super().act(command, call)


@dataclass
class Business:
    """One shop, one channel, one item."""

    database: Database
    seed: int
    pieces: int = 6
    excuse: int = 0
    sales: list[Sale] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.stall = Stall(self.database)
        self.channel = self.stall.channel = Booked(self)
        self.bought = self.shelf = self.pieces
        self.through = {"allegro": 0, "shop": 0}
        self.asked: tuple[int, int, int] | None = None
        self.made, self.told = 0, self.pieces
        """How many sales there were when the reading in force was asked for, and what it says."""
        self.stall.through = lambda names: min(self.through[name] for name in names)
        self.stall.leveller = self.stall.make_leveller()

    @property
    def sold(self) -> int:
        return sum(sale.pieces for sale in self.sales if not sale.off)

    def excused(self, *, raises: bool) -> int:
        """Pieces of sales that nobody has told: of a raise only those made after the master was asked, since the
        orders have to be read after that."""
        since = self.sales[self.made :] if raises else self.sales
        return sum(sale.pieces for sale in since if not sale.landed)

    # The steps

    async def buy(self) -> None:
        if self.channel.active[OFFER] and self.channel.shown[OFFER]:
            pieces = min(self.random.choice([1, 1, 1, 2]), self.channel.shown[OFFER])
            self.channel.sell(OFFER, pieces)
            name = f"o{len(self.sales) + 1}"
            self.sales.append(Sale(self.stall.purchase(name, OFFER, pieces, stage=Stage.PLACED), pieces))
            for command, _ in self.channel.late:
                self.channel.overwrites[command] += pieces

    async def read_orders(self) -> None:
        asked = Asked(after=await self.stall.head(), through=self.through["allegro"])
        for sale in self.sales:
            if not sale.landed:
                await self.stall.land_asked("allegro", asked, sale.order)
                sale.landed = True
                sale.number = 1 + sum(one.number is not None for one in self.sales)
        self.through["allegro"] = asked.after

    async def read_some_orders(self) -> None:
        """A page of them, not to the end."""
        for sale in self.sales:
            if not sale.landed:
                asked = Asked(after=await self.stall.head(), through=self.through["allegro"])
                await self.stall.land_asked("allegro", asked, sale.order)
                sale.landed = True
                sale.number = 1 + sum(one.number is not None for one in self.sales)
                return

    async def copy(self) -> None:
        """The shop makes the copy and takes the pieces; its answer is on the way."""
        if sale := self._one(lambda one: one.number is not None and one.copy is None and not one.off):
            sale.copy = TAKES
            self.shelf -= sale.pieces

    async def answer(self) -> None:
        """The answer arrives: the hub knows of the copy."""
        if sale := self._one(lambda one: one.copy is not None and one.known is None):
            assert sale.number is not None
            sale.known = TAKES
            await self.stall.copied(sale.number, sale.known)

    async def toggle(self) -> None:
        """Somebody in the shop moves the copy to where it takes no pieces, or back."""
        if sale := self._one(lambda one: one.known is not None and not one.off):
            self.shelf += sale.pieces if sale.copy == TAKES else -sale.pieces
            sale.copy = GIVES if sale.copy == TAKES else TAKES

    async def read_shop_orders(self) -> None:
        asked = await self.stall.head()
        for sale in self.sales:
            if sale.known is not None and sale.copy is not None and sale.copy != sale.known:
                assert sale.number is not None
                sale.known = sale.copy
                await self.stall.copied(sale.number, sale.known)
        self.through["shop"] = asked

    async def cancel(self) -> None:
        """The buyer calls it off before the shop has it."""
        if sale := self._one(lambda one: one.number is not None and one.copy is None and not one.off):
            sale.off = True
            name, pieces = sale.order.external_id, sale.pieces
            await self.stall.land("allegro", self.stall.purchase(name, OFFER, pieces, stage=Stage.CANCELLED))

    async def restock(self) -> None:
        self.shelf += 1
        self.bought += 1

    async def shop_sells(self) -> None:
        """Somebody buys in the shop itself, once; until the hub hears of it the channel shows a piece too many."""
        if self.shelf > 1 and not self.shop_sold:
            self.shop_sold = True
            self.shelf -= 1
            self.bought -= 1
            self.excuse += 1

    shop_sold = False

    async def poll(self) -> None:
        """Both accounts are read in turn, as they are all day long."""
        await self.ask_stock()
        await self.land_stock()
        await self.read_orders()
        await self.read_shop_orders()

    async def ask_stock(self) -> None:
        if self.asked is None:
            asked = await self.stall.head()
            self.asked = asked, self.shelf, len(self.sales)

    async def land_stock(self) -> None:
        if self.asked is not None:
            (after, quantity, made), self.asked = self.asked, None
            if quantity != self.told:
                self.made, self.told = made, quantity
            await self.stall.land_asked("shop", Asked(after=after), _level(quantity))

    async def level(self) -> None:
        self.channel.mode = self.random.choice(["done", "done", "lost", "late", "never", "accepted", "ignored"])
        await self.stall.leveller.turn()
        self.channel.mode = "done"

    async def time(self) -> None:
        self.stall.clock.passed += self.random.choice([1.0, 3.0, 10.0])

    async def act_late(self) -> None:
        self.channel.act_late()

    async def restart(self) -> None:
        """The process ends, and another one goes on. It has to read all orders again before it knows of them."""
        self.through = {"allegro": 0, "shop": 0}
        self.stall.leveller = self.stall.make_leveller()
        await self.stall.leveller.begin()

    def _one(self, fits: Callable[[Sale], bool]) -> Sale | None:
        found = [sale for sale in self.sales if fits(sale)]
        return self.random.choice(found) if found else None

    # The run

    async def run(self, steps: int = 60, extra: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        await self.stall.land_asked("shop", Asked(after=await self.stall.head()), _level(self.shelf))
        await self.stall.offer(OFFER, SKU, self.shelf)
        await self.stall.leveller.begin()
        drawn = [self.buy, self.read_orders, self.read_some_orders, self.copy, self.answer, self.toggle]
        drawn += [self.read_shop_orders, self.cancel, self.restock, self.ask_stock, self.land_stock, self.time]
        drawn += [self.level] * 4 + [self.poll] * 3 + [self.act_late, self.restart, self.shop_sells, self.restock]
        for _ in range(steps):
            await self._do(self.random.choice([*drawn, *extra]))
        await self.calm(extra)

    async def _do(self, step: Callable[[], Awaitable[None]]) -> None:
        self.trail.append(getattr(step, "__name__", "extra"))
        await step()
        shown = self.channel.shown[OFFER] if self.channel.active[OFFER] else 0
        if shown + self.sold > self.bought + self.excuse:
            told = f"{self.sold} sold and {shown} shown of {self.bought}, {self.excuse} excused"
            raise Wrong(f"seed {self.seed}: {told}: {self.trail}")

    async def calm(self, extra: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        """No more trouble: everything arrives, and then the offer shows what is there."""
        for _ in range(12):
            for step in (*extra, self.act_late, self.read_orders, self.copy, self.answer, self.read_shop_orders):
                await step()
            for sale in self.sales:
                if sale.copy == GIVES:
                    sale.copy = TAKES
                    self.shelf -= sale.pieces
            for step in (self.read_shop_orders, self.land_stock, self.ask_stock, self.land_stock):
                await step()
            # Somebody else's event, as there always is one, and what is read after it.
            await self.stall.land("ebay", self.stall.purchase(f"e{len(self.trail)}-{_}", "none"))
            await self.read_orders()
            await self.read_shop_orders()
            await self.stall.turns(1000)
        if self.shelf != self.bought - self.sold:
            raise Wrong(f"seed {self.seed}: {self.shelf} on the shelf, {self.sold} sold of {self.bought}")
        shown, row = self.channel.shown[OFFER], await self.stall.level(OFFER)
        there = max(0, self.shelf)
        if self.channel.active[OFFER] and shown != there:
            raise Wrong(f"seed {self.seed}: shows {shown} of {there}, believes {row.confirmed}: {self.trail}")
        if row.wanted != there:
            raise Wrong(f"seed {self.seed}: wants {row.wanted} of {there}: {self.trail}")


def _level(quantity: int) -> StockLevel:
    return StockLevel(
        external_id="p-A",
        name=SKU,
        sku=SKU,
        counting=Counting.COUNTED,
        basis=StockBasis.FREE,
        quantity=quantity,
    )
