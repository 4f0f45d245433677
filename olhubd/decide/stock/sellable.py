"""How many pieces of a stock item may be sold: one number, and the cause of each of its terms. Pure.

Sellable is what the master has, less the reservations that its reading does not show, less the buffer. An item
without a number has no sellable number either: it is unknown, which is not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from olhubd.model import Counting, Reservation, StockLevel

__all__ = ["Buffer", "Sellable", "StockReading", "Term", "of_offer", "sellable", "terms"]


class Buffer(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept back: a number of pieces, and a share of the rest, rounded up; `most` bounds what is shown."""

    pieces: int = 0
    share: int = 0
    """In per cent."""
    most: int | None = None

    def kept_back(self, pieces: int) -> int:
        """How many of so many pieces are not sold."""
        if pieces <= 0:
            return 0
        rest = max(0, pieces - self.pieces)
        rest -= -(-rest * self.share // 100)
        if self.most is not None:
            rest = min(rest, self.most)
        return pieces - rest


class StockReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a master said of an item, asked for when `after` was the newest event."""

    level: StockLevel
    after: int


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the sum. `order_id` and `line` say which reservation it is, `account` where that was sold."""

    what: str
    """"master", "allocated", "reservation", "off-sale" or "buffer"."""
    pieces: int
    account: str | None = None
    order_id: int | None = None
    line: str | None = None
    after: int | None = None
    """The event since which it is so."""


class Sellable(msgspec.Struct, frozen=True, kw_only=True):
    """`pieces` may be sold, zero at the least; None where that is unknown. `counting` says why then.

    `net` is the sum before the floor at zero: below it more is promised than there is.
    """

    pieces: int | None
    net: int | None
    counting: Counting


def sellable(reading: StockReading | None, unseen: int, buffer: Buffer) -> Sellable:
    """How many pieces may be sold. `unseen` is what reservations need and the reading does not show."""
    if reading is None:
        return Sellable(pieces=None, net=None, counting=Counting.UNKNOWN)
    free = reading.level.free
    if free is None:
        if not reading.level.on_sale:
            return Sellable(pieces=0, net=0, counting=reading.level.counting)
        return Sellable(pieces=None, net=None, counting=reading.level.counting)
    net = free - unseen
    rest = net - buffer.kept_back(net)
    return Sellable(pieces=max(0, rest) if reading.level.on_sale else 0, net=net, counting=Counting.COUNTED)


def terms(reading: StockReading | None, reserved: Iterable[Reservation], buffer: Buffer) -> Sequence[Term]:
    """The terms whose sum is the sellable number, each with its cause; none where there is no number."""
    if reading is None or reading.level.quantity is None or reading.level.free is None:
        return ()
    level = reading.level
    found = [Term(what="master", pieces=level.quantity or 0, after=reading.after)]
    if level.quantity != level.free:
        found.append(Term(what="allocated", pieces=-(level.allocated or 0), after=reading.after))
    found.extend(
        Term(
            what="reservation",
            pieces=-pieces,
            account=row.account,
            order_id=row.order_id,
            line=row.line,
            after=row.opened_after,
        )
        for row in reserved
        if (pieces := row.unseen(reading.after))
    )
    net = sum(term.pieces for term in found)
    if kept := buffer.kept_back(net):
        found.append(Term(what="buffer", pieces=-kept))
    rest = net - kept
    if not level.on_sale and rest > 0:
        found.append(Term(what="off-sale", pieces=-rest, after=reading.after))
    return found


def of_offer(parts: Mapping[int, int], pieces: Mapping[int, int | None]) -> int | None:
    """How often an offer can be sold that needs so many `parts` of each item, of which `pieces` may be sold.

    Each part first, then the least of them. None where a part is unknown, unless another one is surely sold out.
    """
    least: int | None = None
    unknown = not parts
    for item, units in parts.items():
        there = pieces.get(item)
        if there is None:
            unknown = True
            continue
        times = max(0, there) // units
        least = times if least is None else min(least, times)
    if unknown and least != 0:
        return None
    return least
