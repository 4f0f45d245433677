"""What olhubd can do with a Tiny Shop: take its orders, place orders in it, and keep its stock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.plugin import (
    UNLINKED,
    Account,
    Budget,
    Client,
    Connector,
    Cursor,
    ErrorDetails,
    ErrorTable,
    ListPage,
    OrderFeed,
    OrderSink,
    Page,
    Parts,
    Push,
    Receipt,
    Record,
    Rejected,
    Sweep,
    Unlinked,
    by_offset,
    decode,
    guarded,
    whole,
)
from olhubd_tinyshop.mapping import Sold, compared, to_basket, to_order
from olhubd_tinyshop.settings import TinySettings
from olhubd_tinyshop.stock import Levels, Offers, Stock


class Listing(msgspec.Struct):
    """Orders by their last change; `position` is the place of the last one here."""

    orders: list[msgspec.Raw]
    position: int
    more: bool


class Key(msgspec.Struct):
    id: str


class ShopError(msgspec.Struct):
    """How the shop itself refuses. Whatever else comes with a bad status is a stranger's on the way."""

    error: str


ERRORS = ErrorTable(
    read=lambda answer: ErrorDetails(message=answer.into(ShopError).error),
    is_refusal=lambda answer: bool(answer.into(ShopError).error),
)


class Orders(OrderFeed, Sweep):
    def __init__(self, http: Client, page_size: int) -> None:
        self.http, self.page_size = http, page_size

    async def start(self, since: datetime | None) -> Cursor:
        at = {"at": since.astimezone(UTC).isoformat()} if since else {}
        return Cursor(str(await self.http.get("/position", int, at)))

    async def pull(self, cursor: Cursor) -> Page:
        return await self._page("/journal", {"after": cursor})

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._page("/orders", {"since": since.astimezone(UTC).isoformat(), "after": cursor or "0"})

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        found = await self.http.get(path, Listing, {**query, "limit": self.page_size})
        records = [read(raw) for raw in found.orders]
        return Page(records=records, cursor=Cursor(str(found.position)), more=found.more)


class TinyShop(Connector[TinySettings], OrderSink):
    name = "tinyshop"
    title = "Tiny Shop"
    Settings = TinySettings
    provides: ClassVar[Parts] = {Orders: "orders", Stock: "stock", Offers: "offers", Levels: "levels"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        url = str(self.settings.url)
        self.http = account.client(
            url,
            errors=ERRORS,
            headers={"X-Api-Key": self.settings.api_key.get_secret_value()},
            budgets=[Budget(key=f"tinyshop:{url}", calls=60, per=60)],
        )
        limit = self.settings.page_size
        self.orders, self.stock = Orders(self.http, limit), Stock(self.http, limit)
        self.offers, self.levels = Offers(self.http, limit), Levels(self.http, limit)

    async def push_order(self, push: Push) -> Receipt:
        basket = to_basket(push, await self.http.get("/skus", list[str]))
        unlinked = tuple(
            Unlinked(line_id=line.external_id, name=line.name, sku=line.sku)
            for line, item in zip(push.order.lines, basket.lines, strict=False)
            if item.sku is None
        )
        if unlinked and not push.free_lines:
            raise Rejected(f"{len(unlinked)} lines have no product in the shop", field="lines", code=UNLINKED)
        sold = await self.http.call("POST", "/orders", Sold, json=basket)
        return replace(receipt(sold, unlinked), differences=compared(basket, sold).differences)

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        sold = await self.http.get(f"/orders/{found.external_id}", Sold)
        basket = to_basket(push, await self.http.get("/skus", list[str]))
        return replace(found, differences=compared(basket, sold).differences)

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        async def hits(offset: int) -> ListPage[Sold]:
            query: dict[str, str | int] = {"text": reference, "offset": offset, "limit": self.settings.page_size}
            rows, answer = await self.http.fetch("GET", "/search", list[Sold], query=query)
            total = int(answer.headers["X-Total"])
            return ListPage(rows=rows, asked=self.settings.page_size, total=total)

        # The shop searches for parts of words; only what is equal is our order.
        found = await whole(by_offset(hits, lambda hit: hit.id), "GET /search")
        return next((receipt(hit) for hit in found if hit.reference == reference), None)


def read(raw: msgspec.Raw) -> Record:
    """One order, or why it cannot be read: its neighbours must not suffer."""
    return guarded(raw, key=lambda raw: decode(raw, Key).id, read=lambda raw: to_order(decode(raw, Sold)))


def receipt(sold: Sold, unlinked: tuple[Unlinked, ...] = ()) -> Receipt:
    return Receipt(external_id=sold.id, total=sold.money(sold.total), status=sold.state, unlinked=unlinked)
