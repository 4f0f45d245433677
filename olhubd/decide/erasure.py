"""What is left of an order when its buyer is erased: the purchase without the person. Pure.

What was bought, when, for how much, with which tax and to which country stays: books are kept by it. So do the
numbers of the order, of its payment and of its parcels, since they are its source's and the courier's own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from olhubd.model import Address, Buyer, Order

__all__ = ["Said", "anonymised", "anonymous", "covered", "identifying", "personal", "reachable"]

_SHORTEST = 3
"""Characters of what is looked for: fewer are in every other word."""
_TELLING = 5
"""Characters of a text that is likely to be one person's alone."""
_NOBODYS = frozenset({"amount", "carrier", "code", "currency", "external_id", "kind", "number", "sku", "waybill"})
_MASK = "***"


def anonymised(order: Order) -> Order:
    """The order without its buyer, the people it goes to, and what they or the seller wrote."""
    where = order.shipping.address
    country = Address(country=where.country) if where is not None and where.country else None
    return msgspec.structs.replace(
        order,
        buyer=Buyer(),
        invoice=None,
        shipping=msgspec.structs.replace(order.shipping, address=country, pickup_point=None),
        lines=tuple(msgspec.structs.replace(line, extra={}) for line in order.lines),
        buyer_note=None,
        seller_note=None,
        extra={},
    )


def anonymous(order: Order) -> bool:
    """Whether nothing of an order says who bought it."""
    return anonymised(order) == order


def personal(order: Order) -> frozenset[str]:
    """The texts of an order that are about its buyer, in small letters."""
    found = msgspec.to_builtins(
        [order.buyer, order.invoice, order.shipping.address, order.shipping.pickup_point, order.buyer_note]
    )
    return frozenset(text.casefold() for text in _texts(found) if len(text) >= _SHORTEST)


def identifying(order: Order) -> frozenset[str]:
    """The texts that are the buyer's alone at their account, as JSON has them: by these a record is taken for
    theirs."""
    buyer = order.buyer
    own = (buyer.external_id, buyer.login, buyer.national_id)
    return reachable(order) | _quoted(own)


def reachable(order: Order) -> frozenset[str]:
    """Those of them that are theirs everywhere: where the person is written to and called."""
    buyer = order.buyer
    phones = [one.phone for one in (buyer, buyer.address, order.shipping.address) if one is not None]
    return _quoted((buyer.email, *phones))


def _quoted(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(f'"{text}"'.casefold() for text in texts if text and len(text) >= _TELLING)


def _texts(value: Any, name: str = "") -> Iterator[str]:
    match value:
        case str() if name not in ("country", "language", "kind"):
            yield value
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, key)
        case list():
            for inner in value:
                yield from _texts(inner)


class Said(msgspec.Struct, frozen=True):
    """Finds these texts where they stand as words of their own: a short name is part of many others, and a buyer
    number of two or three digits of every other amount."""

    texts: frozenset[str]

    def within(self, text: str) -> bool:
        found = _pattern(self.texts)
        return found is not None and found.search(text.casefold()) is not None


@functools.lru_cache(maxsize=4)
def _pattern(texts: frozenset[str]) -> re.Pattern[str] | None:
    known = "|".join(sorted(map(re.escape, texts), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?<!\d[.,])(?:{known})(?!\w)(?![.,]\d)") if known else None


def covered(value: Any, said: Said, name: str = "") -> Any:
    """What a document says, with a mask in place of each text that has one of these in it.

    Numbers of orders, parcels and records, amounts and codes are nobody's, whatever name is spelled like them.
    """
    match value:
        case str():
            return _MASK if name not in _NOBODYS and said.within(value) else value
        case dict():
            return {key: covered(inner, said, key) for key, inner in value.items()}
        case list():
            return [covered(inner, said, name) for inner in value]
    return value
