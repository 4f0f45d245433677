"""The book of prices: what the shop's list said, and what the offers of the marketplaces cost.

It reckons by itself. Of the daemon it takes facts alone: which prices of the list are stored, which commands were
kept, and which offers it holds for done. At any time:

- No command has a price below the floor, nor another one than the rule makes of what the right list is stored to
  say, nor of what it never said.
- None is for a price that the offer has shown already: what somebody else makes of it later is left alone until
  the list says something new.
- None is sent before it is kept, nor twice; none acts after a later one of its offer was sent.

Once all has settled, and the list has said a last time what its items cost, each offer costs what the rule makes of
it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.level import Phase
from olhubd.model import ListPrice, Money
from olhubd_torture.market import Market
from olhubd_torture.price_lists import RETAIL, PriceLists, item_number
from olhubd_torture.stock_plan import StockPlan

__all__ = ["PriceBook", "price_rule"]

FLOOR = Decimal(3)
"""Below the cheapest ware, since what was bought below it waits for a person."""
_TIMES = Decimal("1.5")


def price_rule(master: str, channels: frozenset[str]) -> PriceRule:
    """By which the prices of the shop go to the marketplaces."""
    return PriceRule(master=master, channels=channels, price_list=RETAIL, multiply=_TIMES, floor=FLOOR, step=None)


class _Listed(msgspec.Struct, frozen=True):
    """What is stored of an item in the right list, as the how-manieth price; 0 is none."""

    version: int = 0
    amount: int = 0


class _SentPrice(msgspec.Struct, frozen=True):
    number: int
    price: Money


class PriceBook:
    """`tell` is called with what is found."""

    def __init__(
        self, plan: StockPlan, markets: Mapping[str, Market], lists: PriceLists, tell: Callable[[str], None]
    ) -> None:
        self._markets = markets
        self._lists = lists
        self._tell = tell
        self.findings: list[str] = []
        self.last_said = False
        """Whether the list has said a last time what its items cost."""
        self.written = 0
        """How many prices of offers were written."""
        self._items = {offer.id: offer.sku for offer in plan.offers}
        self._skus = {item_number(item.sku): item.sku for item in plan.items}
        self._listed: dict[str, _Listed] = {}
        self._versions = 0
        self._served: dict[str, int] = {}
        """Up to which price of its item an offer was seen to cost what it should."""
        self._kept: set[str] = set()
        self._sent: dict[tuple[str, str], _SentPrice] = {}
        self._calls = 0
        self._latest: dict[str, int] = {}
        for name, market in markets.items():
            if market.tags is not None:
                market.tags.watch = _PriceDesk(self, name)

    # What the daemon knows

    def begun(self, file: sqlite3.Connection) -> None:
        """Another life begins with what this file says, which may be an older one."""
        self._listed.clear()
        self._served.clear()
        self._read(file)

    def failed(self) -> None:
        """Something could not be stored: nothing is known by it."""

    def committed(self, file: sqlite3.Connection) -> None:
        """The daemon has committed. A command that is new was decided by what was stored before, or with it."""
        before, served = dict(self._listed), dict(self._served)
        self._read(file)
        rows = file.execute(
            "SELECT id, account, value, action, offers FROM level_commands WHERE ended_at IS NULL"
            " AND state = 'kept' AND kind = 'price'"
        ).fetchall()
        for id_, account, value, action, offers in rows:
            if id_ not in self._kept:
                self._kept.add(id_)
                price = Money.of_minor(value, action.rsplit(" ", 1)[1])
                for offer in msgspec.json.decode(offers, type=list[str]):
                    self._decided(account, offer, price, before, served)

    def _read(self, file: sqlite3.Connection) -> None:
        rows = file.execute("SELECT document FROM list_prices WHERE price_list = ?", (RETAIL,)).fetchall()
        for (document,) in rows:
            record = msgspec.json.decode(document, type=ListPrice)
            amount = int(record.price.amount) if record.price is not None else 0
            sku = self._skus[record.item]
            if sku not in self._listed or self._listed[sku].amount != amount:
                self._versions += 1
                self._listed[sku] = _Listed(self._versions, amount)
                if amount not in self._lists.said[sku]:
                    self._find(f"invented: {amount} is stored of {sku}, and the list never said so")
        # Nothing is to come of these any more: they cost what the list said.
        done = file.execute(
            "SELECT o.external_id, l.wanted FROM levels l JOIN offers o ON o.id = l.offer_id WHERE l.kind = 'price'"
            " AND l.phase = ? AND l.wanted = l.confirmed AND l.wanted_at IS NULL",
            (Phase.SETTLED.value,),
        ).fetchall()
        for offer, wanted in done:
            listed = self._listed.get(self._items[offer], _Listed())
            if listed.amount and _priced(listed.amount).minor() == wanted:
                self._served[offer] = listed.version

    def _decided(
        self,
        account: str,
        offer: str,
        price: Money,
        before: Mapping[str, _Listed],
        served: Mapping[str, int],
    ) -> None:
        sku = self._items.get(offer)
        if sku is None or offer not in self._markets[account].offered.offers:
            self._find(f"foreign: {account} has no offer {offer}")
            return
        if price.amount < FLOOR:
            self._find(f"floor: {offer} is to cost {price}, and nothing may cost less than {FLOOR}")
            return
        known = [one for one in (before.get(sku), self._listed.get(sku)) if one is not None]
        right = [one for one in known if one.amount and _priced(one.amount) == price]
        if not right:
            said = ", ".join(str(one.amount) for one in known)
            self._find(f"listed: {offer} is to cost {price}, and the list says {said}")
        elif all(served.get(offer) == one.version for one in right):
            self._find(f"unbrought: {offer} is to cost {price} again, of which the list has said nothing new")

    # What goes over the wire

    def called(self, account: str, command: str, offers: Sequence[str], price: Money) -> None:
        """A command is being sent."""
        if command not in self._kept:
            self._find(f"unkept: a price for {account} was sent before it was kept")
        self._calls += 1
        for offer in offers:
            if (command, offer) in self._sent:
                self._find(f"reused: a price for {offer} was sent twice")
            self._sent[command, offer] = _SentPrice(self._calls, price)
            self._latest[offer] = self._calls

    def acted(self, command: str, offer: str) -> None:
        """A command has written the price of an offer."""
        self.written += 1
        sent = self._sent[command, offer]
        if sent.number < self._latest[offer]:
            self._find(f"overtaken: {offer} costs {sent.price} by a command that acted after a later one was sent")

    def _find(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)
            self._tell(f"! {finding}")

    # What must be so in the end

    def settled(self) -> Iterator[str]:
        """What does not cost what it should."""
        if not self.last_said:
            yield "unsaid: the list has something more to say"
            return
        for market in self._markets.values():
            for offer in market.offered.offers.values():
                listed = self._lists.amounts[offer.sku]
                right = _priced(listed).amount
                if offer.price != right:
                    yield f"costs: {offer.id} costs {offer.price}, and by the list's {listed} it is {right}"


class _PriceDesk:
    """The book as the prices of one marketplace see it."""

    def __init__(self, book: PriceBook, market: str) -> None:
        self._book = book
        self._market = market

    def called(self, command: str, offers: Sequence[str], price: Money) -> None:
        self._book.called(self._market, command, offers, price)

    def acted(self, command: str, offer: str) -> None:
        self._book.acted(command, offer)


def _priced(amount: int) -> Money:
    return Money((amount * _TIMES).quantize(Decimal("0.01")), "PLN")
