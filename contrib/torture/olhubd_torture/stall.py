"""The offers that programs list at a marketplace in memory: as drafts, at once or later, as often as it is asked.

Nothing is deduplicated there: two requests are two offers. What is accepted and done later is known by a ticket.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

import msgspec

from olhubd.model import Money, Offer, OfferDraft, OfferState
from olhubd.plugin import NotFound

__all__ = ["Stall", "StallOffer", "StallWatcher"]

CURRENCY = "PLN"


class StallOffer(msgspec.Struct, kw_only=True):
    """One offer. It was made under the mark `sku`; `state` is draft, active or ended."""

    id: str
    sku: str
    name: str
    price: Decimal
    quantity: int
    state: str = "draft"


class StallWatcher(Protocol):
    """Who looks on, and holds it against what was asked for."""

    def listed(self, market: str, sku: str) -> None:
        """A program has made an offer under this mark."""

    def woken(self, market: str, sku: str) -> None:
        """A program has published an offer."""


_STATES = {"draft": OfferState.INACTIVE, "active": OfferState.ACTIVE, "ended": OfferState.ENDED}


class Stall:
    """All of one marketplace. `now` gives seconds of the world; set `watch` before it is asked anything."""

    watch: StallWatcher

    def __init__(self, market: str, now: Callable[[], float]) -> None:
        self.market = market
        self._now = now
        self.offers: dict[str, StallOffer] = {}
        self._tickets: dict[str, tuple[float, str, OfferDraft]] = {}
        self._done: dict[str, str] = {}
        self._later = 0

    def accept_later(self, count: int) -> None:
        """The next so many requests are accepted, and done half a minute later."""
        self._later += count

    def calm(self) -> None:
        """All is done at once from now on."""
        self._later = 0

    def _act(self) -> None:
        for ticket, (at, offer, draft) in [*self._tickets.items()]:
            if at <= self._now():
                del self._tickets[ticket]
                self._done[ticket] = self._write(offer, draft)

    def _write(self, offer: str, draft: OfferDraft) -> str:
        there = self.offers.get(offer)
        if there is None:
            there = StallOffer(id=offer, sku=draft.sku, name="", price=Decimal(0), quantity=draft.quantity or 0)
            self.offers[offer] = there
            self.watch.listed(self.market, draft.sku)
        if draft.name is not None:
            there.name = draft.name
        if draft.price is not None:
            there.price = draft.price.amount
        return offer

    # What the connector asks

    def write(self, draft: OfferDraft, offer: str | None = None) -> str:
        """Make an offer or change one; the ticket under which it is reported."""
        self._act()
        if offer is not None and offer not in self.offers:
            raise NotFound("no such offer")
        number = len(self.offers) + len(self._tickets) + 1
        ticket, named = f"t{len(self._tickets) + len(self._done)}", offer or f"{self.market}-made-{number}"
        later = 30.0 if self._later else 0.0
        self._later -= bool(self._later)
        self._tickets[ticket] = (self._now() + later, named, draft)
        self._act()
        return ticket

    def report(self, ticket: str) -> Offer | str | None:
        """What became of a ticket: the offer, the ticket again while it waits, None where it is not known."""
        self._act()
        if ticket in self._tickets:
            return ticket
        done = self._done.get(ticket)
        return self.told(self.offers[done]) if done is not None else None

    def turn(self, offer: str, state: str) -> Offer:
        """Publish an offer or end it."""
        self._act()
        if (there := self.offers.get(offer)) is None:
            raise NotFound("no such offer")
        if state == "active" and there.state != "active":
            self.watch.woken(self.market, there.sku)
        if state == "active" or there.state == "active":
            there.state = state
        return self.told(there)

    def bearing(self, sku: str) -> list[StallOffer]:
        """All under a mark."""
        self._act()
        return [one for one in self.offers.values() if one.sku == sku]

    def told(self, there: StallOffer) -> Offer:
        """An offer in the shape of the model."""
        return Offer(
            external_id=there.id,
            name=there.name,
            state=_STATES[there.state],
            external_state=there.state,
            sku=there.sku,
            price=Money(there.price, CURRENCY),
            quantity=there.quantity,
        )
