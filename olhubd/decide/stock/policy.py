"""The sellable number on the offers of several channels. Pure.

`shared` shows all of it on each. It can be oversold while the systems' own delay lasts. `allocated` divides it:
what all offers together may still sell is never more than what may be sold. A piece goes to another offer only
after the one that gives it up has shown the lower number; until then it counts where it was.
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
    """Each piece is shown on one offer."""


class StockRule(msgspec.Struct, frozen=True, kw_only=True):
    """Stock of `master` is sold on the offers of `channels`. The checked form of a `[[stock]]` table.

    `lowered_by` are the states of an order at the master in which its pieces are off the master's own number.
    `allocate_below` is the sellable number from which on an allocated item is shared again; None for never. With
    `link_by_ean` an article number links an offer by itself where a second mark agrees.
    `resume`: offers that have ended are brought back when there is stock again, each that is said to be. `brake` is
    when a person is asked before many offers change at once; None for never.
    """

    master: str
    channels: frozenset[str]
    policy: StockPolicy = StockPolicy.SHARED
    allocate_below: int | None = None
    buffer: Buffer = Buffer()
    lowered_by: frozenset[str] = frozenset()
    link_by_ean: bool = True
    resume: bool = False
    brake: Brake | None = None

    def allocates(self, pieces: int) -> bool:
        """Whether so many pieces are divided among the offers."""
        return self.policy is StockPolicy.ALLOCATED and (
            self.allocate_below is None or pieces < self.allocate_below
        )


class OfferShare(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of an item. `ceiling` is the most that it may still sell as far as is known: what it showed last,
    or what it was sent since if that is more. `weight` is its share of what is divided."""

    offer: int
    ceiling: int
    units: int = 1
    weight: int = 1


def shares(pieces: int, channels: Sequence[OfferShare]) -> Mapping[int, int]:
    """What each offer is to show of so many pieces, in pieces of the offer.

    First each has its fair share by weight. What an offer holds above it goes down at once, and is given to the
    others as far as it is free: as far as all ceilings together leave room for it.
    """
    fair = _fair(pieces, channels)
    # What goes down still counts with its ceiling, so a raise waits for the reading that shows it lowered.
    room = pieces - sum(channel.ceiling * channel.units for channel in channels)
    found: dict[int, int] = {}
    for channel in channels:
        target = fair[channel.offer]
        if target > channel.ceiling:
            more = min(target - channel.ceiling, max(0, room) // channel.units)
            room -= more * channel.units
            target = channel.ceiling + more
        found[channel.offer] = target
    return found


def _fair(pieces: int, channels: Sequence[OfferShare]) -> dict[int, int]:
    """Shares by weight in whole pieces of each offer; what is left over goes to those that hold some already."""
    weight = sum(channel.weight for channel in channels) or 1
    found = {c.offer: max(0, pieces) * c.weight // weight // c.units for c in channels}
    left = max(0, pieces) - sum(found[c.offer] * c.units for c in channels)
    # Who shows some of it already keeps it: a piece that moves is a piece that nobody can buy meanwhile.
    for channel in sorted(channels, key=lambda c: (found[c.offer] - c.ceiling, c.offer)):
        more = min(left // channel.units, 1)
        found[channel.offer] += more
        left -= more * channel.units
    for channel in sorted(channels, key=lambda c: (c.units, c.offer)):
        found[channel.offer] += left // channel.units
        left %= channel.units
    return found
