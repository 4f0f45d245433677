"""Holding the books of marketplaces against those of a shop: what was sold, what arrived, what is wrong.

Pure. The books come from the simulators (or from a real shop) and not from the hub, whose word proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from olhubd.model import reference
from olhubd_kit.simulator import BookedOrder

__all__ = ["Audit", "audit"]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The result, each as the references of the orders concerned.

    `sold` must be at the shop and live; `strays` are live at the shop although the marketplace took them back.
    """

    sold: int
    forwarded: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong_totals: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return self.left == 0

    @property
    def left(self) -> int:
        """How many orders are not as they should be."""
        return len(self.lost) + len(self.doubled) + len(self.wrong_totals) + len(self.strays)


def audit(markets: Mapping[str, Sequence[BookedOrder]], shop: Sequence[BookedOrder]) -> Audit:
    """Compare. `markets` are the books by account name; orders of the shop without our mark are its own."""
    due = {
        reference(account, entry.external_id): entry
        for account, entries in markets.items()
        for entry in entries
        if entry.due
    }
    live = [entry for entry in shop if entry.reference is not None and not entry.cancelled]
    held = {entry.reference: entry for entry in live if entry.reference is not None}
    times = Counter(entry.reference for entry in live if entry.reference is not None)
    return Audit(
        sold=len(due),
        forwarded=len(due.keys() & held.keys()),
        lost=tuple(sorted(due.keys() - held.keys())),
        doubled=tuple(sorted(name for name, count in times.items() if count > 1)),
        wrong_totals=tuple(
            sorted(
                name
                for name, entry in due.items()
                if name in held and held[name].total.rounded() != entry.total.rounded()
            )
        ),
        strays=tuple(sorted(held.keys() - due.keys())),
    )
