"""Whether orders came in time once a long outage was over: the backlog soon, and new ones not behind it.

While a target is down it is probed, at the latest every five minutes. So an order that is bought when it answers
again waits for one such pause at most, however many wait already; the backlog has its back-off besides. And whether
nobody came earlier than a system had asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from olhubd.model import reference
from olhubd.store import Reader
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.shop import DRAFT
from olhubd_torture.world import World

__all__ = ["impatient", "late"]

_ANEW = frozenset({"jump", "restore", "cancel", "reopen", "merge"})
_DAY = 24 * 3600.0
_PROBE = 300.0
_BACKOFF = 300.0
_SLACK = 120.0
"""For the intervals of polls, and the calls themselves."""


async def late(world: World, _reader: Reader) -> list[str]:
    """What came late after a long outage that ended in quiet times."""
    return list(_late(world))


async def impatient(world: World, _reader: Reader) -> list[str]:
    """Who did not give a system the time that it asked for."""
    moved = any(step.verb in _ANEW for step in world.schedule.steps)
    return [] if moved else world.weather.patience.lost


def _late(world: World) -> Iterator[str]:
    for over in world.outages:
        for market in world.markets.values():
            for purchase in market.purchases.values():
                bought = (purchase.placed_at - EPOCH).total_seconds()
                there = [
                    (sold.created_at - EPOCH).total_seconds()
                    for sold in world.shop.orders.values()
                    if sold.reference == reference(market.name, purchase.id) and sold.status != DRAFT
                ]
                if not purchase.due or not there or bought > over + _PROBE + _SLACK or bought < over - _DAY:
                    continue
                limit = max(over, bought) + _PROBE + _SLACK + (_BACKOFF if bought < over else 0.0)
                if min(there) > limit:
                    what = "of the backlog" if bought < over else "behind the backlog"
                    yield f"late: {market.name}:{purchase.id} {what} came {min(there) - over:.0f} s after its end"
