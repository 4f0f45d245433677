"""What the offers of a marketplace in memory cost, and the commands by which their prices are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from olhubd.model import Money
from olhubd.plugin import Conflict
from olhubd_torture.listings import Listings, QuantityCommand

__all__ = ["PriceTags", "PriceWatcher"]

_FIRST = Decimal(35)


class PriceWatcher(Protocol):
    """Who looks on, and holds it against the books."""

    def called(self, command: str, offers: Sequence[str], price: Money) -> None:
        """A command is being sent."""

    def acted(self, command: str, offer: str) -> None:
        """A command has written the price of an offer."""


class PriceTags:
    """All prices of one marketplace. Set `watch` before it is asked anything."""

    watch: PriceWatcher

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._commands: dict[str, QuantityCommand] = {}
        self._refuse = 0
        for offer in listings.offers.values():
            offer.price = _FIRST

    def refuse(self, count: int) -> None:
        """So many offers of the next commands are refused."""
        self._refuse += count

    def calm(self) -> None:
        """Nothing is refused any more."""
        self._refuse = 0

    def tamper(self, sku: str, amount: int) -> None:
        """Somebody else gives the offers of an item another price."""
        for offer in self._listings.offers.values():
            if offer.sku == sku:
                self._listings.cost(offer, Decimal(amount))

    # What the connector asks

    def write(self, command: str, offers: Sequence[str], price: Money) -> QuantityCommand:
        """Give offers a price, under a number that is used once."""
        if command in self._commands:
            raise Conflict("this number was used")
        done = QuantityCommand(ready=self._listings.now(), outcomes={})
        for id_ in offers:
            offer = self._listings.offers.get(id_)
            if offer is None or self._refuse:
                self._refuse -= offer is not None
                done.outcomes[id_] = "it cannot be changed at present" if offer is not None else "no such offer"
                continue
            done.outcomes[id_] = None
            self._listings.cost(offer, price.amount)
            self.watch.acted(command, id_)
        self._commands[command] = done
        return done

    def report(self, command: str) -> QuantityCommand | None:
        return self._commands.get(command)

    def read(self, offers: Iterable[str]) -> dict[str, Decimal]:
        """What these cost."""
        there = self._listings.offers
        return {id_: price for id_ in offers if id_ in there and (price := there[id_].price) is not None}
