"""What the offers of the simulated seller cost, by the seller, by a command, or by a rule of the marketplace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.simulator import Verb
from olhubd_kit.simulators.allegro.population import Json

__all__ = ["OfferPrices", "selling_mode"]


class OfferPrices:
    """The prices of `offers`. `tell` writes in the journal of offers, `act` does what is due of the commands."""

    def __init__(
        self, offers: Mapping[str, Json], tell: Callable[[str, str], None], act: Callable[[], None]
    ) -> None:
        self._offers = offers
        self._tell = tell
        self._act = act

    def verbs(self) -> Mapping[str, Verb]:
        """What can be done to prices from outside."""
        return {"prices": self.prices, "set_prices": self.set_prices, "automate_price": self.automate_price}

    def set_price(self, offer: str, amount: str) -> None:
        """The seller, or another program, gives an offer another price. One under a rule keeps that of the rule."""
        mode = self._offers[offer]["sellingMode"]
        if mode.get("priceAutomation") is None:
            mode["price"] = _zlotys(amount)
        self._tell("OFFER_PRICE_CHANGED", offer)

    def set_prices(self, offers: Sequence[str], amount: str) -> None:
        """The seller gives these offers this price by hand."""
        self._act()
        for offer in offers:
            self.set_price(offer, amount)

    def automate_price(self, offer: str, amount: str, rule: str = "rule-1") -> None:
        """A rule of the marketplace sets the price of an offer from now on; an empty amount ends that."""
        mode = self._offers[offer]["sellingMode"]
        mode.pop("priceAutomation", None)
        if amount:
            mode["priceAutomation"] = {"rule": {"id": rule, "type": "EXCHANGE_RATE"}}
            mode["price"] = _zlotys(amount)
        self._tell("OFFER_PRICE_CHANGED", offer)

    def prices(self) -> dict[str, str]:
        """What each offer costs, by its number; an auction has no price."""
        self._act()
        return {
            number: offer["sellingMode"]["price"]["amount"]
            for number, offer in self._offers.items()
            if "price" in offer["sellingMode"]
        }


def selling_mode(sku: str, selling: str) -> Json:
    """How something is sold: at its price in the catalogue, or by bids."""
    price = next((str(one.price.amount) for one in PRODUCTS if one.sku == sku and one.price), "10.00")
    return {"format": selling} | ({"price": _zlotys(price)} if selling == "BUY_NOW" else {})


def _zlotys(amount: str) -> Json:
    return {"amount": amount, "currency": "PLN"}
