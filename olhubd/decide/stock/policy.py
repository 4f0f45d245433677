"""The sellable number on the offers of several channels. Pure.

`shared` shows all of it on each. It can be oversold while the systems' own delay lasts. `allocated` divides it:
what all offers together may still sell is never more than what may be sold. A piece goes to another offer only
after the one that gives it up has shown the lower number; until then it counts where it was.

Pieces that move cost two writes and are for sale nowhere meanwhile. So what came in goes to those that have least
of their share, and what is missing is taken from those that have most above it; all is divided again only when an
offer holds less than half of what is its share.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import msgspec

from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.sellable import Buffer

__all__ = ["OfferShare", "StockPolicy", "StockRule", "shares"]


class StockPolicy(enum.StrEnum):
    """How scarce stock is shown on several offers."""

    SHARED = "shared"
    """Each offer shows all of it."""
    ALLOCATED = "allocated"
    """Each piece is for sale on one offer."""


class StockRule(msgspec.Struct, frozen=True, kw_only=True):
    """Stock of `master` is sold on the offers of `channels`. The checked form of a `[[stock]]` table.

    `lowered_by` are the states of an order at the master in which its pieces are off the master's own number.
    `allocate_below` is the sellable number from which on an allocated item is shared again; None for never. With
    `link_by_ean` an article number links an offer by itself where a second mark agrees.
    With `shared_only` an article number links only what is among the products that the master shares. With
    `link_on_events` an offer is linked by itself only when something happens to it.
    `resume`: offers that have ended are brought back when there is stock again, each that is said to be. Without
    `raises` the number of an offer is only lowered while it can be bought. `brake` is when a person is asked before
    many offers change at once; None for never.
    """

    master: str
    channels: frozenset[str]
    policy: StockPolicy = StockPolicy.SHARED
    allocate_below: int | None = None
    buffer: Buffer = Buffer()
    lowered_by: frozenset[str] = frozenset()
    link_by_ean: bool = True
    shared_only: bool = False
    link_on_events: bool = False
    resume: bool = False
    raises: bool = True
    brake: Brake | None = None
    weights: Mapping[str, int] = {}
    """How much of what is divided each channel gets, in proportion. One that is not named has 1; where none is, it
    goes by what each has sold."""

    def allocates(self, pieces: int) -> bool:
        """Whether so many pieces are divided among the offers."""
        return self.policy is StockPolicy.ALLOCATED and (
            self.allocate_below is None or pieces < self.allocate_below
        )


class OfferShare(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of an item.

    `ceiling` is the most that it may still sell, sales that have not landed among it; where that is not `known`
    yet, what it showed last, and then nothing is raised. `weight` is its share of what is divided. `takes`: it can
    be raised at present.
    """

    offer: int
    ceiling: int
    units: int = 1
    weight: int = 1
    takes: bool = True
    known: bool = True


def shares(pieces: int, channels: Sequence[OfferShare]) -> Mapping[int, int]:
    """How many each offer is to have for sale of so many pieces, in pieces of the offer.

    All ceilings together, with what an offer is raised by, are never more than the pieces.
    """
    pieces = max(0, pieces)
    fair = _fair(pieces, channels)
    room = pieces - sum(channel.ceiling * channel.units for channel in channels)
    if not all(channel.known for channel in channels):
        # What one of them may sell is not known, so nothing can be said to be free.
        room = min(room, 0)
    found = {channel.offer: channel.ceiling for channel in channels}
    if room > 0:
        room = _give(found, fair, channels, room)
    if room < 0:
        _take(found, fair, channels, -room)
    elif any(2 * found[c.offer] < fair[c.offer] for c in channels if c.takes):
        for channel in channels:
            found[channel.offer] = min(found[channel.offer], fair[channel.offer])
    return found


def _give(found: dict[int, int], fair: Mapping[int, int], channels: Sequence[OfferShare], room: int) -> int:
    """Give free pieces first to those that have least of their share, then to any. Gives what is left."""
    takers = [channel for channel in channels if channel.takes] or list(channels)
    order = sorted(takers, key=lambda c: (found[c.offer] / fair[c.offer] if fair[c.offer] else 2.0, c.offer))
    for channel in order:
        more = min(max(0, fair[channel.offer] - found[channel.offer]), room // channel.units)
        found[channel.offer] += more
        room -= more * channel.units
    for channel in sorted(takers, key=lambda c: (-c.units, c.offer)):
        more = room // channel.units
        found[channel.offer] += more
        room -= more * channel.units
    return room


def _take(found: dict[int, int], fair: Mapping[int, int], channels: Sequence[OfferShare], short: int) -> None:
    """Take what is missing from those that have most above their share."""
    order = sorted(channels, key=lambda c: ((fair[c.offer] - found[c.offer]) * c.units, c.offer))
    for channel in order:
        above = max(0, found[channel.offer] - fair[channel.offer])
        less = min(above, -(-max(0, short) // channel.units))
        found[channel.offer] -= less
        short -= less * channel.units


def _fair(pieces: int, channels: Sequence[OfferShare]) -> dict[int, int]:
    """Shares by weight in whole pieces of each offer; what is left over goes to those that hold some already.

    An offer that cannot be raised has no share, unless that is so of all.
    """
    able = any(channel.takes for channel in channels)
    weights = {c.offer: c.weight if c.takes or not able else 0 for c in channels}
    weight = sum(weights.values()) or 1
    found = {c.offer: pieces * weights[c.offer] // weight // c.units for c in channels}
    left = pieces - sum(found[c.offer] * c.units for c in channels)
    some = [channel for channel in channels if weights[channel.offer]]
    # Who shows some of it already keeps it: a piece that moves is a piece that nobody can buy meanwhile.
    for channel in sorted(some, key=lambda c: (found[c.offer] - c.ceiling, c.offer)):
        more = min(left // channel.units, 1)
        found[channel.offer] += more
        left -= more * channel.units
    for channel in sorted(some, key=lambda c: (c.units, c.offer)):
        found[channel.offer] += left // channel.units
        left %= channel.units
    return found
