"""What a daemon would keep aside of a feed's records: what cannot be read, and what nothing carries yet.

For the author of a feed, who sees it here without a daemon. In one that runs, `olhubd quarantine` lists the same.
An order that can be read and makes no sense (its sums, its currency) is kept aside too; that the daemon alone
decides.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from olhubd.model import Customer, Kind, ListPrice, Offer, Order, Product, StockLevel, plain
from olhubd.plugin import Feed, Gone, Later, Record, Unreadable

__all__ = ["CARRIED", "Aside", "kept_aside", "kind_of"]

CARRIED = frozenset({Kind.ORDER, Kind.STOCK, Kind.PRICE, Kind.OFFER})
"""The kinds of records that the daemon carries on."""


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is kept whole and goes no further, by its kind and its id at the source."""

    kind: str
    external_id: str
    reason: str
    raw: bytes


def kind_of(record: object, feed: Feed) -> str:
    """What a record of `feed` is about, by a word of `Kind`, or several of them for one that says no kind of its
    own; for what is no record, the name of its type."""
    match record:
        case Order() if Kind.ORDER in feed.kinds:
            return Kind.ORDER
        case Product():
            return Kind.PRODUCT
        case StockLevel() if Kind.STOCK in feed.kinds:
            return Kind.STOCK
        case ListPrice() if Kind.PRICE in feed.kinds:
            return Kind.PRICE
        case Offer() if Kind.OFFER in feed.kinds:
            return Kind.OFFER
        case Customer():
            return Kind.CUSTOMER
        case Unreadable() | Gone() | Later() if record.kind == Kind.ORDER and Kind.ORDER not in feed.kinds:
            return " or ".join(sorted(kind.value for kind in feed.kinds))
        case Unreadable() | Gone() | Later():
            return str(record.kind)
        case _:
            return type(record).__name__


def kept_aside(feed: Feed, records: Iterable[Record]) -> list[Aside]:
    """Those of `records` that the daemon would not carry on, each with the reason."""
    found: list[Aside] = []
    for record in records:
        kind = kind_of(record, feed)
        if _carried(record, kind, feed):
            continue
        name = getattr(record, "external_id", None) or getattr(record, "key", None)
        if isinstance(record, Unreadable):
            reason, raw = record.reason, record.raw
        elif name is None:
            name, reason, raw = kind, f"{kind} is no record of this feed", repr(record).encode()
        else:
            reason, raw = f"olhubd carries no {kind} records yet", msgspec.json.encode(record, enc_hook=plain)
        found.append(Aside(kind=kind, external_id=str(name), reason=str(reason), raw=raw))
    return found


def _carried(record: object, kind: str, feed: Feed) -> bool:
    if isinstance(record, Unreadable) or kind not in CARRIED or kind not in feed.kinds:
        return False
    return kind == Kind.ORDER or not isinstance(record, Later)  # orders alone are read again
