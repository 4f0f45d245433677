"""The book of stock: what was bought, sold and shown, what was known of it when, and what may be shown by that.

It reckons by itself. Of the daemon it takes facts alone: which orders are stored, how far the shop's stock has
landed, which commands were kept, and what was answered. A piece is oversold when it is bought and is not there.
What is shared among channels can be oversold while news is under way. Each such piece is counted, and what explains
it is exactly that all of this held for every command and at any time:

- No command has a greater value than could be sold by what was stored when it was kept: the pieces that had come in
  and the shop had not sold itself by the newest count of the shop's that has landed or later, less all that the
  stored orders need of offers that are known.
- Where there is a brake, none has a smaller value than that while the shop says zero of all that it has.
- None shows more than was read last of its offer unless all is stored that buyers had bought on that marketplace
  until then, as far as its journal had it.
- None acts after a later one of its offer was sent. None is sent before it is kept, nor twice.
- Nothing is shown that is not there for longer than it takes to read the orders, settle the write before and write;
  after trouble, not for longer than that and the longest pause between two tries.

Once all has settled each offer shows exactly what is there.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from olhubd_torture.market import Market, Purchase
from olhubd_torture.shelf import LOWERED_BY
from olhubd_torture.shop import Shop
from olhubd_torture.stock_plan import StockPlan

__all__ = ["Desk", "StockBook", "StockCounts"]

SHOWN_FOR = 120.0
"""Seconds for which more may be shown than there is in quiet times."""
RECOVERS = 420.0
"""Seconds from the end of trouble until the last of those who waited for it tries again."""


class StockCounts(msgspec.Struct, kw_only=True):
    """What came of a stock. `written` are quantities of offers, `confirmed` those of them that were read back;
    `oversold` are pieces that were sold and not there, each explained unless there is a finding."""

    items: int = 0
    sold: int = 0
    written: int = 0
    confirmed: int = 0
    oversold: int = 0

    def plus(self, other: StockCounts) -> StockCounts:
        """The sum of two."""
        return StockCounts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class _Sent(msgspec.Struct):
    """A command that was sent, as the how-manieth, and whether a reading has shown it, by offer."""

    number: int
    value: int


class _Seen(msgspec.Struct, frozen=True):
    """The newest answer about an offer."""

    shown: int
    at: float


class _Known(msgspec.Struct, frozen=True):
    """What the file says: the orders that are stored and alive, the offers that are linked to an item, and up to
    which of the shop's changes its stock has landed."""

    orders: frozenset[tuple[str, str]] = frozenset()
    linked: frozenset[str] = frozenset()
    counted: int = 0


class StockBook:
    """`now` gives seconds of the world, `rough` until when there was trouble; `tell` is called with what is
    found."""

    def __init__(
        self,
        plan: StockPlan,
        markets: Mapping[str, Market],
        shop: Shop,
        now: Callable[[], float],
        rough: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._markets = markets
        self._shop = shop
        self._now = now
        self._rough = rough
        self._tell = tell
        self.findings: list[str] = []
        self.excused = False
        """Whether orders waited for a person when it was looked last."""
        self.counts = StockCounts(items=len(plan.items))
        self._offers = {one.id: (markets[one.market], one.sku) for one in plan.offers}
        self._net: dict[str, list[tuple[float, int]]] = {one.sku: [(0.0, one.pieces)] for one in plan.items}
        """How many pieces there were for the marketplaces to sell, and since when, by item."""
        self._known = _Known()
        self._kept: set[str] = set()
        self._sent: dict[tuple[str, str], _Sent] = {}
        """By command and offer."""
        self._calls = 0
        self._latest: dict[str, int] = {}
        """The newest command of each offer."""
        self._written: dict[str, int] = {}
        """What was written and not read back yet, by offer."""
        self._seen: dict[str, _Seen] = {}
        self._over: dict[str, float] = {}
        """Since when an offer shows more than there is."""
        for name, market in markets.items():
            if market.listings is not None:
                market.listings.watch = Desk(self, name)
        self._besides = {one.sku: max(0, self.shown(one.sku) - one.pieces) for one in plan.items}
        """How many pieces others than the daemon took away or put up for sale, by item. It cannot undo that before
        it knows."""

    # What there is

    def _live(self) -> Iterator[tuple[Market, Purchase]]:
        """All purchases that need their pieces, or have them."""
        for market in self._markets.values():
            for purchase in market.purchases.values():
                gone = purchase.fulfilment == "SENT"
                if purchase.merged is None and (gone or not purchase.cancelled):
                    yield market, purchase

    def there(self, sku: str) -> int:
        """How many pieces can truly be sold yet; below zero where more were."""
        return self._net[sku][-1][1] - sum(_pieces(purchase, sku) for _, purchase in self._live())

    def shown(self, sku: str) -> int:
        """How many pieces of an item can be bought now, on all offers together."""
        mine = [market.offered.offers[id_] for id_, (market, mark) in self._offers.items() if mark == sku]
        return sum(offer.buyable for offer in mine)

    def _left(self, pieces: int) -> int:
        """How many of so many pieces the rule shows."""
        plan = self._plan
        rest = max(0, pieces - plan.buffer)
        rest -= math.ceil(rest * plan.share / 100)
        return rest if plan.most is None else min(rest, plan.most)

    # What happens

    def moved(self, sku: str, pieces: int) -> None:
        """Pieces came onto the shelf or were sold off it, by others than the marketplaces."""
        self._net[sku].append((self._now(), self._net[sku][-1][1] + pieces))
        self._besides[sku] += max(0, -pieces)
        self.look()

    def bought(self, purchase: Purchase) -> None:
        """Somebody has bought on a marketplace."""
        for line in purchase.lines:
            if line.offer_id is not None and line.sku in self._net:
                self.counts.sold += line.quantity
                short = -self.there(line.sku)
                self.counts.oversold += max(0, min(line.quantity, short))
                if self._plan.allocated and short > self._besides[line.sku]:
                    self._find(f"oversold: {line.offer_id} sold {line.quantity}, {short} are not there")
        self.look()

    def look(self) -> None:
        """See what is shown that is not there, and for how long."""
        now = self._now()
        if self._plan.allocated:
            self._divided()
        for id_, (market, sku) in self._offers.items():
            if market.offered.offers[id_].buyable <= max(0, self.there(sku)):
                self._over.pop(id_, None)
                continue
            since = self._over.setdefault(id_, now)
            rough = self._rough()
            if now > max(since + SHOWN_FOR, rough + RECOVERS + SHOWN_FOR if rough > 0 else 0.0):
                self._find(f"exposed: {id_} has shown more than there is for {now - since:.0f} s")
                self._over[id_] = math.inf

    def raised(self, sku: str, pieces: int) -> None:
        """Another program of the seller's has put so many pieces more for sale."""
        self._besides[sku] += pieces

    def _divided(self) -> None:
        """See that all offers of an item together never have more for sale than there is of it, but for what others
        than the daemon took away or put there."""
        for sku, besides in self._besides.items():
            shown = self.shown(sku)
            if shown - self.there(sku) > besides:
                self._find(f"divided: {shown} of {sku} are for sale, and {self.there(sku)} are there")

    def _find(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)
            self._tell(f"! {finding}")

    # What the daemon knows

    def begun(self, file: sqlite3.Connection) -> None:
        """Another life begins with what this file says. What was answered to an earlier one counts no more."""
        self._seen.clear()
        self._known = self._read(file)

    def failed(self) -> None:
        """Something could not be stored, so what was answered until now may not have landed."""
        self._seen.clear()

    def committed(self, file: sqlite3.Connection) -> None:
        """The daemon has committed. Commands that are new were decided by what was committed before."""
        rows = file.execute(
            "SELECT id, account, value, offers FROM level_commands WHERE ended_at IS NULL AND state = 'kept'"
            " AND kind = 'quantity'"
        ).fetchall()
        for id_, account, value, offers in rows:
            if id_ not in self._kept:
                self._kept.add(id_)
                self._decided(account, value or 0, msgspec.json.decode(offers, type=list[str]))
        self._known = self._read(file)

    def _read(self, file: sqlite3.Connection) -> _Known:
        rows = file.execute(
            "SELECT account, external_id FROM orders WHERE superseded_by IS NULL AND stage <> 'cancelled'"
            " AND fulfilment <> 'cancelled'"
        ).fetchall()
        row = file.execute("SELECT cursor FROM feeds WHERE account = ? AND feed = 'stock'", (self._shop.name,))
        found = row.fetchone()
        counted = int(found[0]) if found is not None and found[0] is not None else 0
        linked = file.execute("SELECT o.external_id FROM links l JOIN offers o ON o.id = l.offer_id").fetchall()
        return _Known(frozenset(rows), frozenset(id_ for (id_,) in linked), counted)

    def _may_sell(self, sku: str, orders: Iterator[tuple[str, Purchase]]) -> int:
        """What may be sold of an item where these are the orders that are known."""
        since = self._shop.stock.counted.get(self._known.counted, 0.0)
        moves = self._net[sku]
        first = max((at for at, _ in moves if at <= since), default=0.0)
        lines = {
            (market, line.external_id): line.quantity
            for market, purchase in orders
            for line in purchase.lines
            if line.offer_id in self._known.linked and line.sku == sku
        }
        return max(pieces for at, pieces in moves if at >= first) - sum(lines.values())

    def _stored(self) -> Iterator[tuple[str, Purchase]]:
        for account, id_ in self._known.orders:
            purchase = self._markets[account].purchases.get(id_) if account in self._markets else None
            if purchase is not None:
                yield account, purchase

    def _decided(self, account: str, value: int, offers: Sequence[str]) -> None:
        """A command was kept."""
        for id_ in offers:
            if self._offers.get(id_, (None,))[0] is not self._markets.get(account):
                self._find(f"foreign: {account} has no offer {id_}")
                continue
            market, sku = self._offers[id_]
            may = self._left(self._may_sell(sku, self._stored()))
            if value > may:
                self._find(f"promised: {id_} is to show {value}, and by what is stored {may} may be sold")
                continue
            if self._plan.brake and self._shop.stock.is_blank and value < may:
                self._find(f"emptied: {id_} is to show {value} while the shop says zero of all; {may} may be sold")
            seen = self._seen.get(id_)
            if seen is None or value <= seen.shown:
                continue
            before = [
                (account, one)
                for one in market.purchases.values()
                if one.made < seen.at and not one.hidden and not one.cancelled and one.merged is None
            ]
            may = self._left(self._may_sell(sku, iter([*self._stored(), *before])))
            if value > may:
                self._find(
                    f"raised: {id_} is to show {value}, which was {seen.shown} after sales that are not stored"
                    f" yet; {may} may be sold"
                )

    # What goes over the wire

    def called(self, account: str, command: str, offers: Sequence[str], value: int) -> None:
        """A command is being sent."""
        if command not in self._kept:
            self._find(f"unkept: a command to {account} was sent before it was kept")
        self._calls += 1
        for id_ in offers:
            if (command, id_) in self._sent:
                self._find(f"reused: a command for {id_} was sent twice")
            self._sent[command, id_] = _Sent(self._calls, value)
            self._latest[id_] = self._calls

    def acted(self, command: str, offer: str) -> None:
        """A command has written an offer."""
        sent = self._sent[command, offer]
        self.counts.written += 1
        market, _sku = self._offers[offer]
        self._written[offer] = shown = market.offered.offers[offer].shown
        if sent.number < self._latest[offer]:
            self._find(f"overtaken: {offer} shows {shown} by a command that acted after a later one was sent")
        self.look()

    def saw(self, offer: str, shown: int, asked: float) -> None:
        """The daemon was answered what an offer shows, which it had asked for at a second of the world."""
        if self._written.get(offer) == shown:
            del self._written[offer]
            self.counts.confirmed += 1
        before = self._seen.get(offer)
        if before is None or asked > before.at:
            self._seen[offer] = _Seen(shown, self._now())
        self.look()

    # What must be so in the end

    def settled(self, excused: bool) -> Iterator[str]:
        """What is not shown as it should be. `excused`: orders wait for a person, who may know better."""
        for sku, moves in self._net.items():
            free = self._shop.stock.free(sku)
            taken: Counter[str] = Counter()
            for sold in self._shop.orders.values():
                if sold.status in LOWERED_BY and sold.reference is not None:
                    taken[sold.reference] += sum(line.quantity for line in sold.lines if line.sku == sku)
            needed = {f"{market.name}:{one.id}": _pieces(one, sku) for market, one in self._live()}
            waiting = sum(max(0, pieces - taken[mark]) for mark, pieces in needed.items())
            there = self.there(sku)
            if there != free - waiting and not excused:
                yield f"book: of {sku} {moves[-1][1]} came in, {free} are there, {waiting} wait, {there} should be"
            may = self._left(free - waiting) if self._shop.stock.on_sale(sku) else 0
            if self._plan.allocated:
                all_active = all(
                    market.offered.offers[id_].active for id_, (market, mark) in self._offers.items() if mark == sku
                )
                shown = self.shown(sku)
                if shown > may or (all_active and not excused and shown != may):
                    yield f"shows: {shown} of {sku} are for sale of {may}"
                continue
            for id_, (market, mark) in self._offers.items():
                offer = market.offered.offers[id_]
                if mark != sku:
                    continue
                wrong = offer.buyable > may if excused or not offer.active else offer.buyable != may
                if wrong:
                    yield f"shows: {id_} shows {offer.buyable} of {may}"


class Desk:
    """The book as the listings of one marketplace see it."""

    def __init__(self, book: StockBook, market: str) -> None:
        self._book = book
        self._market = market

    def called(self, command: str, offers: Sequence[str], value: int, change: int | None) -> None:
        self._book.called(self._market, command, offers, value)

    def acted(self, command: str, offer: str) -> None:
        self._book.acted(command, offer)

    def saw(self, offer: str, shown: int, asked: float) -> None:
        self._book.saw(offer, shown, asked)


def _pieces(purchase: Purchase, sku: str) -> int:
    """The pieces of an item that a purchase needs of what is counted."""
    return sum(line.quantity for line in purchase.lines if line.offer_id is not None and line.sku == sku)
