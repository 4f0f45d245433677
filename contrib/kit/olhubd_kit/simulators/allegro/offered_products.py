"""Which products of the catalogue the simulated seller's offers sell, and what the catalogue says of them.

As at Allegro: an offer bears no article number, its product does; a set has several products, or pieces of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from olhubd_kit.catalogue import ShelfProduct
from olhubd_kit.simulator import Verb
from olhubd_kit.simulators.allegro.listing_rules import catalogue, gtin, product
from olhubd_kit.simulators.allegro.offers import OfferBook
from olhubd_kit.simulators.allegro.population import Json

__all__ = ["OfferedProducts"]


class OfferedProducts:
    """The catalogue, by article number, and what each offer of one seller sells of it."""

    def __init__(self, book: OfferBook, wares: Sequence[ShelfProduct]) -> None:
        self._book = book
        self._by_mark = {one.sku: one.ean for one in wares if one.ean is not None}
        self.catalogue = dict(catalogue(wares))
        self.said: dict[str, list[tuple[str, int]]] = {}
        """What offers sell otherwise than by their mark: article numbers of products, and how many pieces."""
        book.contents = self.contents

    def verbs(self) -> Mapping[str, Verb]:
        """What can be done to the products of offers from outside."""
        return {"set_products": self.set_products, "name_product": self.name_product}

    def set_products(self, offer: str, eans: Sequence[str], pieces: Sequence[int] = ()) -> None:
        """The offer sells these products of the catalogue, by their article numbers, one piece of each or so many;
        without any it is tied to no product."""
        for ean in eans:
            self._catalogued(ean)
        self.said[offer] = list(zip(eans, [*pieces, *([1] * len(eans))], strict=False))
        self._book.edited(offer)

    def name_product(self, ean: str, eans: Sequence[str]) -> None:
        """The product of the catalogue that is found by this article number bears these."""
        self._catalogued(ean)["parameters"] = [gtin(eans)]

    def contents(self, offer: str) -> list[Json]:
        """The set of an offer, as its details have it."""
        mark = (self._book.offers[offer]["external"] or {}).get("id")
        known = self._by_mark.get(mark)
        sold = self.said.get(offer, [] if known is None else [(known, 1)])
        return [{"product": {"id": self.catalogue[ean]["id"]}, "quantity": {"value": n}} for ean, n in sold]

    def _catalogued(self, ean: str) -> Json:
        """The product that is found by an article number; it joins the catalogue where there is none."""
        return self.catalogue.setdefault(ean, product(ean, ean))
