"""What an offer sells by the catalogue of its marketplace, where its row in the list of offers does not say it.

Some marketplaces know what an offer sells by a product of their own catalogue, which bears the article number. Both
cost a call an offer and a call a product, so the host asks for a few at a time, keeps the answers, and asks for a
product once for all offers that sell it.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

from olhubd.model import CatalogueProduct, OfferContents
from olhubd.plugin.part import Capability

__all__ = ["OfferProducts"]


class OfferProducts(Capability):
    """The products that offers sell, and their article numbers. Only for a system whose feed of offers brings
    neither `ean` nor `set_size`: what the host learns here stands in their place."""

    @abc.abstractmethod
    async def read_contents(self, offers: Sequence[str]) -> Sequence[OfferContents]:
        """Which products these offers sell, and how many pieces of each. One that is not in the answer is not
        there."""

    @abc.abstractmethod
    async def read_catalogue(self, products: Sequence[str]) -> Sequence[CatalogueProduct]:
        """What the catalogue says of these products. One that is not in the answer is not there any more."""
