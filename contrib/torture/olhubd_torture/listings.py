"""The offers of a marketplace in memory: what buyers see, and the commands by which quantities are written.

A command may be done later, forgotten, or fail for an offer, and its report may come late. An offer whose quantity
was just written is shown as it was before for a while, but what buyers buy is never more than what is there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from olhubd.model import Money, Offer, OfferState
from olhubd.plugin import Conflict
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.stock_plan import OfferPlan, StockPlan

__all__ = ["ListedOffer", "Listings", "QuantityCommand", "Watcher"]


_CURRENCY = "PLN"
_LATER = timedelta(days=3650)


class ListedOffer(msgspec.Struct, kw_only=True):
    """One offer. It showed `before` until it was `written` last, at a second of the world."""

    id: str
    sku: str
    shown: int
    active: bool
    change: int
    before: tuple[int, bool] = (0, False)
    written: float = -1e9
    price: Decimal | None = None
    """What it costs, where that is looked at."""

    @property
    def buyable(self) -> int:
        """How many pieces a buyer could buy now."""
        return self.shown if self.active else 0


class QuantityCommand(msgspec.Struct, kw_only=True):
    """A command that has acted: its `outcomes` by offer, None for done, and when they are reported."""

    ready: float
    outcomes: dict[str, str | None]


class Watcher(Protocol):
    """Who looks on, and holds it against the books. Numbers are pieces that buyers could buy."""

    def called(self, command: str, offers: Sequence[str], value: int, change: int | None) -> None:
        """A command is being sent: it gives the offers a value, or changes them by so many pieces."""

    def acted(self, command: str, offer: str) -> None:
        """A command has written an offer, which shows it already."""

    def saw(self, offer: str, shown: int, asked: float) -> None:
        """The daemon was answered what an offer shows, which it asked for at a second of the world."""


class Listings:
    """All offers of one marketplace. `now` gives seconds of the world; set `watch` before it is asked anything."""

    watch: Watcher

    def __init__(self, plan: StockPlan, offers: Iterable[OfferPlan], now: Callable[[], float], seed: str) -> None:
        self._plan = plan
        self.now = now
        self._dice = random.Random(f"listings {seed}")
        self._changes = 0
        self._commands: dict[str, QuantityCommand] = {}
        self._fail = self._forget = 0
        self._postponed: list[float] = []
        self.reports = plan.commands
        """Whether what became of a command is reported."""
        self.counted = frozenset(item.sku for item in plan.items)
        self.offers: dict[str, ListedOffer] = {}
        for one in offers:
            self._changes += 1
            self.offers[one.id] = ListedOffer(
                id=one.id,
                sku=one.sku,
                shown=one.shown,
                active=one.shown > 0 or not plan.ends,
                change=self._changes,
            )

    def _set(self, offer: ListedOffer, shown: int) -> None:
        offer.shown = shown
        if not shown and self._plan.ends:
            offer.active = False
        self._changes += 1
        offer.change = self._changes

    def cost(self, offer: ListedOffer, price: Decimal) -> None:
        """An offer costs so much from now on."""
        offer.price = price
        self._changes += 1
        offer.change = self._changes

    # What buyers and the seller do

    def buy(self) -> tuple[ListedOffer, int] | None:
        """Some pieces of an offer that has some, no more than it shows; None where all are sold out."""
        there = [offer for offer in self.offers.values() if offer.buyable]
        if not there:
            return None
        offer = self._dice.choice(there)
        pieces = min(self._dice.choice((1, 1, 1, 2, 3)), offer.buyable)
        self._set(offer, offer.shown - pieces)
        return offer, pieces

    def tamper(self, sku: str, pieces: int) -> bool:
        """Another program of the seller's writes a quantity."""
        found = [offer for offer in self.offers.values() if offer.sku == sku and offer.active]
        for offer in found:
            self._set(offer, pieces)
        return bool(found)

    def end(self, sku: str) -> None:
        """Somebody ends an offer."""
        for offer in self.offers.values():
            if offer.sku == sku and offer.active:
                offer.active = False
                self._changes += 1
                offer.change = self._changes

    def fail(self, count: int) -> None:
        """So many offers of the next commands are refused."""
        self._fail += count

    def postpone(self, count: int, seconds: float) -> None:
        """The reports of the next commands come late."""
        self._postponed += [seconds] * count

    def forget(self, count: int) -> None:
        """The next commands act, and are not known afterwards."""
        self._forget += count

    def calm(self) -> None:
        """All is as it should be with what comes from now on."""
        self._fail = self._forget = 0
        self._postponed.clear()

    # What the connector asks

    def write(self, command: str, offers: Sequence[str], value: int, change: int | None = None) -> QuantityCommand:
        """Give offers a quantity, or change it, under a number that is used once."""
        if command in self._commands:
            raise Conflict("this number was used")
        delay = self._postponed.pop(0) if self._postponed else 0.0
        done = QuantityCommand(ready=self.now() + delay, outcomes={})
        for id_ in offers:
            offer = self.offers.get(id_)
            if offer is None or self._fail:
                self._fail -= offer is not None
                done.outcomes[id_] = "it cannot be changed at present" if offer is not None else "no such offer"
                continue
            if change is not None and (not offer.active or offer.shown + change < 0):
                done.outcomes[id_] = "it has not so many"
                continue
            done.outcomes[id_] = None
            offer.before, offer.written = (offer.shown, offer.active), self.now()
            self._set(offer, value if change is None else offer.shown + change)
            self.watch.acted(command, offer.id)
        if self._forget:
            self._forget -= 1
        else:
            self._commands[command] = done
        return done

    def report(self, command: str) -> QuantityCommand | None:
        return self._commands.get(command)

    def read(self, offers: Iterable[str]) -> list[tuple[ListedOffer, int, bool]]:
        """What is shown of these, which may be what was before."""
        return [(offer, *self._seen(offer)) for id_ in offers if (offer := self.offers.get(id_))]

    def _seen(self, offer: ListedOffer) -> tuple[int, bool]:
        late = self.now() - offer.written < self._plan.lag
        return offer.before if late else (offer.shown, offer.active)

    def changed(self, after: int, limit: int) -> list[ListedOffer]:
        """What changed, in the order of changes."""
        found = sorted((one for one in self.offers.values() if one.change > after), key=lambda one: one.change)
        return found[:limit]

    def told(self, offer: ListedOffer) -> Offer:
        """An offer in the shape of the model."""
        shown, active = self._seen(offer)
        state = OfferState.ACTIVE if active else OfferState.ENDED
        return Offer(
            external_id=offer.id,
            name=offer.sku,
            state=state,
            sku=offer.sku,
            quantity=shown,
            price=Money(offer.price, _CURRENCY) if offer.price is not None else None,
            # Not before any database of the daemon began, so that each follows the price of its product.
            listed_at=EPOCH + _LATER if offer.price is not None else None,
        )
