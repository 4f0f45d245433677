"""What comes in: feeds, their pages and the records on them, and the sweep that trusts no feed.

A feed reads one list or journal of the system along a cursor of its own. An account has as many feeds as its system
gives; each is a part of the connector, see `Connector.provides`.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, NewType

import msgspec

from olhubd.model import Customer, Kind, ListPrice, Offer, Order, Product, StockLevel
from olhubd.plugin.errors import PluginError
from olhubd.plugin.part import Capability

__all__ = [
    "CARRIED",
    "RECORD_KINDS",
    "Cursor",
    "Feed",
    "Gone",
    "Later",
    "OfferFeed",
    "OrderFeed",
    "Page",
    "ProductFeed",
    "Record",
    "StockFeed",
    "Sweep",
    "Unreadable",
    "sweep_of",
]

Cursor = NewType("Cursor", str)
"""Where a feed has landed, in the connector's own notation."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the connector could not turn into ours. The host quarantines it with its `raw` text.

    `kind` is what it would have been: records of two kinds may have one `external_id`. From a feed that is not
    about orders it is what the feed is about, unless said otherwise.
    """

    external_id: str
    reason: str
    raw: bytes
    kind: str = Kind.ORDER


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """The system answered that it has no such record (any more): a state, not an error."""

    external_id: str
    kind: Kind = Kind.ORDER


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """The record is not what the feed announced yet: read it again after `seconds`."""

    external_id: str
    seconds: float
    reason: str
    kind: Kind = Kind.ORDER


Record = Order | Product | StockLevel | ListPrice | Offer | Unreadable | Gone | Later
"""What is on a page."""

RECORD_KINDS: Mapping[type, Kind] = {
    Order: Kind.ORDER,
    Product: Kind.PRODUCT,
    StockLevel: Kind.STOCK,
    ListPrice: Kind.PRICE,
    Offer: Kind.OFFER,
    Customer: Kind.CUSTOMER,
}
"""What each type of record is about. The other three say it themselves."""

CARRIED = frozenset({Kind.ORDER, Kind.PRODUCT, Kind.STOCK, Kind.PRICE, Kind.OFFER})
"""The kinds that the host carries, by a flow each; what is of another kind is kept aside by its kind as yet."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a feed. `cursor` covers exactly `records` and all before them.

    `more` asks for the next page at once. `failure` says why the page is shorter than what was announced; the host
    lands what is here, moves to `cursor`, and then treats the failure like one that was raised.

    `complete` is off where a list was read to its end and its system counts more than came: then nothing that did
    not come is taken for gone. It is what `Portion.complete` and `ListPlace.after` say.
    """

    records: Sequence[Record]
    cursor: Cursor
    more: bool = False
    failure: PluginError | None = None
    complete: bool = True


class Feed(Capability):
    """One list or journal of the system, read along one cursor.

    The host stores the cursor in the transaction that stores the records it covers. It reads one page of another
    feed at most between two pages of orders, so a long list holds up no order.
    """

    name: ClassVar[str]
    """By which its cursor and its runs are stored, so it never changes: a lower-case word, such as "products"."""
    kinds: ClassVar[frozenset[Kind]]
    """What its records are about. A page of products may hold product, stock and price records."""

    @abc.abstractmethod
    async def start(self, since: datetime | None) -> Cursor:
        """The cursor to begin with: only what comes after now (None), or from `since` on as far as the feed itself
        reaches back. Where it sweeps too, the host begins a sweep from `since` at once, which brings the rest.

        A journal begins with None at its present end. A list of what there is, such as products, has no past: what
        is in it is there now. So it begins at its first row, whatever `since` is.
        """

    @abc.abstractmethod
    async def pull(self, cursor: Cursor) -> Page:
        """What came after `cursor`. Without news: no records and the same cursor."""

    async def landed(self, cursor: Cursor) -> None:
        """All up to `cursor` is stored. For inboxes that keep a message until it is acknowledged.

        The host calls it after the commit, and again when it starts, so it may come twice with one cursor. While it
        fails, nothing more is pulled from this feed.
        """
        return


class OrderFeed(Feed):
    """The feed of a system's orders. Which of them are complete, paid or cancelled the records say."""

    name: ClassVar[str] = "orders"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ORDER})


class OfferFeed(Feed):
    """The feed of the account's offers: what each shows to buyers, and whether it can be bought."""

    name: ClassVar[str] = "offers"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.OFFER})


class ProductFeed(Feed):
    """The feed of the system's products with their prices, where it is a stock master.

    From `start` on it reports all that there is, then what was changed. A host begins it again to read all: what
    does not come on any page until `more` is False is not there any more, unless the last page is not `complete`.
    """

    name: ClassVar[str] = "products"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PRODUCT, Kind.PRICE})


class StockFeed(Feed):
    """The feed of what the system counts, where it is a stock master."""

    name: ClassVar[str] = "stock"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.STOCK})
    lowered_by: ClassVar[frozenset[str]] = frozenset()
    """The states of an order there in which its pieces are off the numbers that this feed reports."""


class Sweep(Capability):
    """The second, independent pass over the recent past, for a feed whose system can list it. The feed's own class
    derives from it too."""

    @abc.abstractmethod
    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        """All that was touched since `since`, page by page; None begins it.

        A `failure` with the empty cursor says that nothing goes on from here: it starts again from the same
        `since`.
        """


def sweep_of(feed: Feed | None) -> Sweep | None:
    """The sweep of a feed; None where its system cannot list what the feed reports."""
    return feed if isinstance(feed, Sweep) else None
