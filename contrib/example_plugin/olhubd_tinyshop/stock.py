"""What a Tiny Shop has in stock: as the master that counts it, and as a channel that shows quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

import msgspec

from olhubd.model import Counting, Offer, OfferState, StockBasis, StockLevel
from olhubd.plugin import (
    Client,
    ContractBroken,
    Cursor,
    LevelCall,
    LevelSink,
    LevelWish,
    ListPage,
    NotFound,
    OfferFeed,
    Page,
    Record,
    RowOutcome,
    ShownLevel,
    StockFeed,
    by_offset,
    decode,
    gathered,
    guarded,
)

STATES = {"shown": OfferState.ACTIVE, "hidden": OfferState.INACTIVE}


class WareKey(msgspec.Struct):
    id: str


class Ware(WareKey):
    """`left` is without the pieces of open orders; none where the shop does not know it."""

    name: str
    state: str
    counted: bool
    sku: str | None = None
    left: int | None = None


class WareList(msgspec.Struct):
    """Wares by their last change; `position` is the place of the last one here."""

    wares: list[msgspec.Raw]
    position: int
    more: bool


class QuantityOrder(msgspec.Struct):
    """So many pieces of each of the wares can be bought from now on."""

    value: int
    wares: Sequence[str]


def to_level(ware: Ware) -> StockLevel:
    known = Counting.COUNTED if ware.left is not None else Counting.UNKNOWN
    return StockLevel(
        external_id=ware.id,
        name=ware.name,
        counting=known if ware.counted else Counting.UNTRACKED,
        basis=StockBasis.FREE,
        quantity=ware.left if ware.counted else None,
        on_sale=STATES.get(ware.state) is OfferState.ACTIVE,
        external_state=ware.state,
        sku=ware.sku or None,
    )


def to_offer(ware: Ware) -> Offer:
    return Offer(
        external_id=ware.id,
        name=ware.name,
        state=STATES.get(ware.state, OfferState.UNKNOWN),
        external_state=ware.state,
        sku=ware.sku or None,
        quantity=ware.left,
    )


async def shelf(http: Client, limit: int, cursor: Cursor, read: Callable[[Ware], Record]) -> Page:
    """A page of the shop's shelf. One ware that cannot be read takes no other with it."""
    found = await http.get("/stock", WareList, {"after": cursor, "limit": limit})
    records = [guarded(raw, key=_id, read=lambda raw: read(decode(raw, Ware))) for raw in found.wares]
    return Page(records=records, cursor=Cursor(str(found.position)), more=found.more)


def _id(raw: bytes | msgspec.Raw) -> str:
    return decode(bytes(raw), WareKey).id


class Stock(StockFeed):
    """What is there now is what counts, so it begins at the first row, whatever is asked."""

    lowered_by: ClassVar[frozenset[str]] = frozenset({"open", "ready", "packed", "sent"})

    def __init__(self, http: Client, limit: int) -> None:
        self.page = partial(shelf, http, limit, read=to_level)

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return await self.page(cursor)


class Offers(OfferFeed):
    """The same shelf as buyers see it."""

    def __init__(self, http: Client, limit: int) -> None:
        self.page = partial(shelf, http, limit, read=to_offer)

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return await self.page(cursor)


class Levels(LevelSink):
    """Quantities, each order of them under the host's own number, which the shop takes once."""

    def __init__(self, http: Client, limit: int) -> None:
        self.http, self.limit = http, limit

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        by_value: dict[int, list[str]] = {}
        for wish in wishes:
            by_value.setdefault(wish.value, []).append(wish.offer)
        return [
            LevelCall(action="set", value=value, offers=tuple(wares), ends=not value)
            for value, wares in sorted(by_value.items())
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome]:
        order = QuantityOrder(value=call.value or 0, wares=call.offers)
        return _outcomes(await self.http.call("POST", f"/stock/{command}", dict[str, str | None], json=order))

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | None:
        try:
            return _outcomes(await self.http.get(f"/stock/{command}", dict[str, str | None]))
        except NotFound:
            return None

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        async def some(offset: int) -> ListPage[msgspec.Raw]:
            query: dict[str, str | int] = {"ids": ",".join(offers), "offset": offset, "limit": self.limit}
            rows, answer = await self.http.fetch("GET", "/stock/wares", list[msgspec.Raw], query=query)
            return ListPage(rows=rows, asked=self.limit, total=int(answer.headers["X-Total"]))

        rows, complete = await gathered(by_offset(some, _id))
        shown = {one.offer: one for one in map(_shown, rows)}
        if not complete:
            # The shop counts more than it shows, so one that did not come may be there.
            shown = {offer: ShownLevel(offer=offer, quantity=None, active=True) for offer in offers} | shown
        return list(shown.values())


def _outcomes(errors: dict[str, str | None]) -> Sequence[RowOutcome]:
    return [RowOutcome(offer=ware, done=error is None, error=error) for ware, error in errors.items()]


def _shown(raw: bytes | msgspec.Raw) -> ShownLevel:
    try:
        offer = to_offer(decode(bytes(raw), Ware))
    except ContractBroken:
        # It is there, and how many of it there are nobody can say: neither zero nor gone.
        return ShownLevel(offer=_id(raw), quantity=None, active=True)
    unknown = offer.state is OfferState.UNKNOWN
    return ShownLevel(
        offer=offer.external_id,
        quantity=None if unknown else offer.quantity,
        active=unknown or offer.state is OfferState.ACTIVE,
    )
