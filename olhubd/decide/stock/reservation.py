"""Which pieces of stock an order needs, from its purchase on. Pure.

What is due follows from how the order stands, not from what happened to it: whichever way it came to stand so, the
same is due, and asking twice changes nothing. An order is asked about in the transaction that stores it.

A reservation is not released by an event. Its pieces are *taken* once the stock master's own number is lowered by
them, and a reading of the master that was asked for after that does not need them any more. So the end of a
reservation can be undone: a copy that leaves the states in which its shop takes pieces gives them back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.compare import cancelled
from olhubd.decide.route import Route
from olhubd.model import Fulfilment, Order, Reservation

__all__ = ["Due", "Need", "carries", "due", "takes"]

_AWAY = frozenset({Fulfilment.SENT, Fulfilment.DELIVERED, Fulfilment.RETURNED})


class Need(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of an order, and the pieces of one stock item that it needs. `live`: the line is the order's own."""

    line: str
    item: int
    master: str
    pieces: int
    live: bool = True


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What changes: reservations to `put`, and those to end at once, by line and item."""

    put: tuple[Reservation, ...] = ()
    end: tuple[tuple[str, int], ...] = ()

    @property
    def items(self) -> frozenset[int]:
        """The stock items of which another number may be sold now."""
        return frozenset({*(row.item for row in self.put), *(item for _, item in self.end)})


def carries(routes: Iterable[Route], account: str, master: str) -> bool:
    """Whether orders of the account are brought to the master, which lowers its own stock for them."""
    return any(route.target == master and account in route.sources and route.forward for route in routes)


def takes(order: Order, copy_status: str | None, lowered_by: Collection[str], *, carried: bool) -> bool:
    """Whether the master has taken the pieces of an order off its own number.

    Where its orders are carried there, the state of the copy says so (`copy_status`, None without a copy). Where
    they are not, people count what they send.
    """
    if carried or copy_status is not None:
        return copy_status in lowered_by
    return order.fulfilment in _AWAY


def due(
    order_id: int,
    account: str,
    order: Order,
    needs: Sequence[Need],
    known: Sequence[Reservation],
    taken: Mapping[str, bool],
    *,
    after: int,
    now: datetime,
) -> Due:
    """What the order's reservations are to be. `after` is the newest event; `taken` says it of each master.

    A line that is the order's own no more needs nothing here: it was cancelled, or is another order's, which
    reserves for itself. What the master has taken stays until a reading shows it, for it left the shelf's count.
    """
    before = {(row.line, row.item): row for row in known}
    off = cancelled(order) or order.fulfilled_by_marketplace
    away = order.fulfilment in _AWAY and not order.fulfilled_by_marketplace
    wanted: dict[tuple[str, int], Need] = {}
    for need in needs:
        if need.pieces > 0 and (away or (need.live and not off)):
            wanted[need.line, need.item] = need
    put: list[Reservation] = []
    end: list[tuple[str, int]] = []
    for key, need in wanted.items():
        old = before.get(key)
        row = old or Reservation(
            order_id=order_id,
            line=need.line,
            item=need.item,
            account=account,
            pieces=need.pieces,
            opened_after=after,
            opened_at=now,
        )
        row = _taken(msgspec.structs.replace(row, pieces=need.pieces), taken[need.master], after)
        if row != old:
            put.append(row)
    for key, row in before.items():
        if key in wanted:
            continue
        if not row.taken:
            end.append(key)
        elif row.pieces != row.taken:
            put.append(msgspec.structs.replace(row, pieces=row.taken))
    return Due(put=tuple(put), end=tuple(end))


def _taken(row: Reservation, taken: bool, after: int) -> Reservation:
    if not taken:
        return msgspec.structs.replace(row, taken=0, taken_after=None) if row.taken else row
    if row.taken:
        # What a buyer added since is not in the copy, and waits for a person there.
        return row if row.taken <= row.pieces else msgspec.structs.replace(row, pieces=row.taken)
    return msgspec.structs.replace(row, taken=row.pieces, taken_after=after)
