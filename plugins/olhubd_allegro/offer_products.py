"""Which products of Allegro's catalogue an offer sells, and the article numbers that those products bear.

An offer has no EAN: its product has, in the parameter that says of itself that it is the GTIN. The list of offers
names no product, so each offer's details are read once, and each product once for all offers that sell it.
"""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.model import CatalogueProduct, OfferContents, OfferProduct
from olhubd.plugin import Client, ContractBroken, NotFound, OfferProducts
from olhubd_allegro import wire_offers

__all__ = ["ProductSets"]

_DETAILS, _PRODUCTS = "/sale/product-offers", "/sale/products"


class ProductSets(OfferProducts):
    """The sets of products of one account's offers."""

    def __init__(self, api: Client) -> None:
        self._api = api

    async def read_contents(self, offers: Sequence[str]) -> Sequence[OfferContents]:
        found: list[OfferContents] = []
        for offer in offers:
            try:
                details = await self._api.get(f"{_DETAILS}/{offer}", wire_offers.OfferProductSet)
            except NotFound:
                continue
            if details.id != offer:
                raise ContractBroken("Allegro gave the details of another offer", field="id")
            found.append(OfferContents(offer=offer, products=_products(details)))
        return found

    async def read_catalogue(self, products: Sequence[str]) -> Sequence[CatalogueProduct]:
        found: list[CatalogueProduct] = []
        for product in products:
            try:
                read = await self._api.get(f"{_PRODUCTS}/{product}", wire_offers.SoldProduct)
            except NotFound:
                continue
            if read.id != product:
                raise ContractBroken("Allegro gave another product", field="id")
            numbers = [
                value
                for one in read.parameters
                if one.options is not None and one.options.is_gtin
                for value in one.values or ()
            ]
            found.append(CatalogueProduct(product=product, eans=tuple(dict.fromkeys(numbers))))
        return found


def _products(details: wire_offers.OfferProductSet) -> tuple[OfferProduct, ...]:
    """One that is named twice is one with the pieces of both. An element without a quantity is one piece."""
    pieces: dict[str, int] = {}
    for element in details.product_set or ():
        if element.product is None or element.product.id is None:
            raise ContractBroken("Allegro names no product in the set of an offer", field="productSet.product.id")
        said = element.quantity.value if element.quantity is not None else None
        if said is not None and said < 1:
            raise ContractBroken("Allegro says a set of an offer has no pieces", field="productSet.quantity.value")
        pieces[element.product.id] = pieces.get(element.product.id, 0) + (said or 1)
    return tuple(OfferProduct(product=id_, pieces=n) for id_, n in pieces.items())
